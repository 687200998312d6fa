"""All settings of a search in one place, as plain values: what `minicnn search` is given, and what it reads again to go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicnn import checks
from minicnn.errors import ArgumentError, nearest
from minicnn.search.cell_space import CellSpace
from minicnn.search.chain_space import ChainSpace
from minicnn.search.child import Budget
from minicnn.search.enas import enas
from minicnn.search.evolution import Evolution
from minicnn.search.found import Found
from minicnn.search.images import SearchImages, final_images, search_images
from minicnn.search.loop import search
from minicnn.search.ppo import PPO
from minicnn.search.random_search import RandomSearch
from minicnn.search.record import read_settings
from minicnn.search.reinforce import Reinforce
from minicnn.search.space import Space
from minicnn.search.strategy import Strategy

STRATEGIES: dict[str, Callable[[Space, int], Strategy]] = {"random": RandomSearch, "reinforce": Reinforce, "ppo": PPO, "evolution": Evolution}
ENAS = "enas"  # REINFORCE with rewards from shared weights
SPACES = ("chain", "cells")
SCANNED = 8  # side of the digits as they were scanned


@dataclass(frozen=True)
class Plan:
    """The settings of a search.

    Attributes:
        space: "chain" or "cells".
        strategy: a name of `STRATEGIES`, or "enas".
        dataset: as `train.datasets.load_dataset` takes it.
        image_size: height and width in pixels; None: 8 for digits, as they were scanned, otherwise that of the dataset.
        images: at most so many of its training images are used; a quarter of them judges.
        children: number of samples in all.
        batch: number of samples in a round.
        steps: training steps for a child.
        batch_size: images in a training step.
        lr: highest learning rate of a child.
        seconds: that a child may take.
        layers: number of them in a chain.
        blocks: number of them in a cell.
        cells: number of normal cells in each stage of a network.
        filters: number of channels of a hidden state in the first cells.
        seed: of the strategy and of the children.

    Raises:
        ArgumentError: a name is unknown, or a number out of range.

    Example:
        >>> Plan(children=40, layers=3).make_space().name
        'chains of 3 layers'
    """

    space: str = "chain"
    strategy: str = "reinforce"
    dataset: str = "digits"
    image_size: int | None = None
    images: int = 2000
    children: int = 120
    batch: int = 8
    steps: int = 40
    batch_size: int = 32
    lr: float = 0.1
    seconds: float = 300.0
    layers: int = 4
    blocks: int = 3
    cells: int = 1
    filters: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("space", SPACES), ("strategy", (*STRATEGIES, ENAS))):
            if getattr(self, name) not in known:
                raise ArgumentError(f"unknown {name} {getattr(self, name)!r}: {nearest(str(getattr(self, name)), known)}")
        if self.strategy == ENAS and self.space != "cells":
            raise ArgumentError("enas shares the weights of cells: search the space cells, or take another strategy")
        checks.integer(self.seed, "seed", 0)
        checks.integer(self.images, "images", 4)

    def make_space(self) -> Space:
        """What there is to choose from."""
        return ChainSpace(self.layers) if self.space == "chain" else CellSpace(self.blocks)

    def make_strategy(self, space: Space) -> Strategy:
        """A fresh one."""
        return STRATEGIES[self.strategy](space, self.seed)

    def make_images(self) -> SearchImages:
        """To train on and to judge by."""
        return search_images(self.dataset, size=self._side, count=self.images)

    def make_final_images(self) -> SearchImages:
        """For the last word: see `final_images`."""
        return final_images(self.dataset, size=self._side, count=self.images)

    @property
    def _side(self) -> int | None:
        return SCANNED if self.dataset == "digits" and self.image_size is None else self.image_size

    @property
    def sizes(self) -> dict[str, int]:
        """What networks are made with beside their string."""
        return {"cells": self.cells, "filters": self.filters} if self.space == "cells" else {}

    @property
    def budget(self) -> Budget:
        """How every child is trained."""
        return Budget(self.steps, self.batch_size, self.lr, sizes=self.sizes, seconds=self.seconds)

    def run(self, folder: Path | None = None, *, workers: int = 2, say: Callable[[str], None] = print) -> Found:
        """Do it; see `search` for the folder, the workers and the errors."""
        space, images = self.make_space(), self.make_images()
        options: dict[str, Any] = {"batch": self.batch, "workers": workers, "folder": folder, "seed": self.seed, "note": dataclasses.asdict(self), "say": say}
        if self.strategy == ENAS:
            assert isinstance(space, CellSpace)  # as checked above
            return enas(space, Reinforce(space, self.seed), images, self.budget, self.children, **options)
        return search(space, self.make_strategy(space), images, self.budget, self.children, **options)


def plan_of(folder: Path) -> Plan:
    """The plan of the search in a folder.

    Raises:
        ArgumentError: there is none, its settings are damaged, or it was not begun from a plan.
    """
    settings = read_settings(folder)
    note: Any = settings.get("note")
    names = {field.name for field in dataclasses.fields(Plan)}
    if not isinstance(note, Mapping) or set(note) != names or not isinstance(settings.get("backend"), str):
        raise ArgumentError(f"the search in {folder} was not begun by `minicnn search`, or by another version of it: call minicnn.search.search again, with the same settings")
    return Plan(**note)
