"""Cells that were found on small images, enlarged for larger ones (Zoph et al. 2018): four ways to search on equal budgets, beside cells drawn at random."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from minicnn.draw import cells
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.over_seeds import Values
from minicnn.experiments.picture import Line, Panel, draw_panels
from minicnn.search import Budget, Child, Found, Plan, Pool, SearchImages, train_child
from minicnn.search.images import final_images
from minicnn.search.picture import running_mean

DRAWN = "drawn at random"
STRATEGIES = {"random": "random search", "evolution": "evolution", "reinforce": "REINFORCE", "enas": "ENAS"}
NAMES = {DRAWN: DRAWN, **STRATEGIES}


@dataclass(frozen=True)
class Large:
    """What a cell is enlarged for: more images, larger ones, other classes; more cells and more filters.

    Attributes:
        dataset, image_size, images: to train on, and its test images to judge by.
        cells, filters: of the network.
        steps: that it is trained for.
    """

    dataset: str = "shapes"
    image_size: int = 32
    images: int = 2000
    cells: int = 2
    filters: int = 12
    steps: int = 200

    @property
    def budget(self) -> Budget:
        """How a network is trained."""
        return Budget(self.steps, sizes={"cells": self.cells, "filters": self.filters}, seconds=3600.0)


@dataclass(frozen=True)
class Scale:
    """How large the experiment is: the plan of every search, without strategy and seed; what cells are enlarged for; how many seeds."""

    plan: Plan
    large: Large = field(default_factory=Large)
    seeds: int = 3
    workers: int = max(1, min(8, os.cpu_count() or 1))


MINUTES = Scale(Plan(space="cells", children=48, steps=30))
FULL = Scale(Plan(space="cells", dataset="cifar10", images=10_000, blocks=5, cells=2, filters=16, children=500, steps=600), Large("cifar100", 32, 50_000, 4, 32, 20_000))


@dataclass(frozen=True)
class Enlarged:
    """A cell, where it comes from, and what came of it.

    Attributes:
        found: the search; None for a cell that was drawn.
        string: the cell.
        small: number of parameters of the network that was judged in the search.
        large: the enlarged network on the test images of the larger set.
    """

    found: Found | None
    string: str
    small: int
    large: Child


Cells: TypeAlias = Mapping[str, Sequence[Enlarged]]
"""By where they come from, one for each seed."""


def run(settings: Settings) -> Report:
    """Search from each seed in four ways, enlarge the winners, and train them on the larger images."""
    scale = FULL if settings.full else MINUTES
    images = final_images(scale.large.dataset, size=scale.large.image_size, count=scale.large.images)
    those: dict[str, list[Enlarged]] = {name: [] for name in NAMES}
    for seed in range(settings.seed, settings.seed + scale.seeds):
        for strategy in STRATEGIES:
            plan = dataclasses.replace(scale.plan, strategy=strategy, seed=seed, dataset=settings.dataset or scale.plan.dataset)
            found = plan.run(workers=scale.workers, say=lambda _: None)
            winner = found.best()[0]
            those[strategy].append(_enlarged(found, winner.string, winner.parameters, images, seed, scale, settings))
        first = those["random"][-1].found.samples[0]  # type: ignore[union-attr]  # a search's
        those[DRAWN].append(_enlarged(None, first.string, first.parameters, images, seed, scale, settings))
    _draw(those, settings.out)
    return Report(
        ["cells", "training steps of the search", "mean reward, last half %", "parameters, small", "parameters, enlarged", "test accuracy, enlarged %"],
        [_row(name, cells_) for name, cells_ in those.items()],
        _findings(those),
        {name: [_plain(cell) for cell in cells_] for name, cells_ in those.items()},
    )


def _enlarged(found: Found | None, string: str, small: int, images: SearchImages, seed: int, scale: Scale, settings: Settings) -> Enlarged:
    """Train the network of more and wider cells."""
    train = partial(train_child, images=images, budget=scale.large.budget, seed=seed)
    if scale.workers:
        with Pool(1, train, seconds=scale.large.budget.seconds, say=settings.say) as worker:
            large = next(worker.map([string]))
    else:
        large = train(string)
    settings.say(f"seed {seed}: {string}: {small:,} parameters, enlarged {large.parameters:,}; on the test images {large.reward:.3f}")
    return Enlarged(found, string, small, large)


def percent(values: Sequence[float]) -> Values:
    """Shares in %."""
    return Values(tuple(100 * value for value in values))


def _accuracy(those: Cells, name: str) -> Values:
    return percent([cell.large.reward for cell in those[name]])


def _rewards(those: Cells, name: str) -> Values:
    return percent([cell.found.last_half for cell in those[name] if cell.found is not None])


def _row(name: str, those: Sequence[Enlarged]) -> list[object]:
    searches = [cell.found for cell in those if cell.found is not None]
    sizes = [sorted(sizes) for sizes in ([cell.small for cell in those], [cell.large.parameters for cell in those])]
    return [
        NAMES[name],
        f"{sum(found.steps for found in searches) // len(searches):,}" if searches else "none",
        percent([found.last_half for found in searches]) if searches else "",
        *(f"{low:,} to {high:,}" for low, *_, high in sizes),
        percent([cell.large.reward for cell in those]),
    ]


def _findings(those: Cells) -> list[Finding]:
    found = []
    for name in ("evolution", "reinforce"):
        gain = _rewards(those, name).minus(_rewards(those, "random"))
        sentence = f"in the last half of the samples, {NAMES[name]} proposes better cells than random search: {gain} points more"
        found.append(Finding(sentence, gain.is_above_zero()))
    for name in STRATEGIES:
        gain = _accuracy(those, name).minus(_accuracy(those, DRAWN))
        sentence = f"what {NAMES[name]} found on small images is better, enlarged and on other images, than a cell drawn at random: {gain} points more"
        found.append(Finding(sentence, gain.is_above_zero()))
    return found


def _plain(cell: Enlarged) -> dict[str, object]:
    """A cell as plain values."""
    samples = [] if cell.found is None else [{"string": sample.string, "reward": sample.reward, "new": sample.new} for sample in cell.found.samples]
    return {"string": cell.string, "parameters": cell.small, "enlarged": cell.large.parameters, "test_accuracy": cell.large.reward, "samples": samples}


def _draw(those: Cells, out: Path) -> None:
    """On the left the running means of the rewards, on the right the enlarged networks, a point a seed; and the best cells as drawings of their own."""
    means, points = {}, {}
    for i, (name, found) in enumerate(those.items()):
        points[NAMES[name]] = Line([float(i)] * len(found), [100 * cell.large.reward for cell in found], i, "o")
        for k, cell in enumerate(found):
            if cell.found is not None:
                mean = list(running_mean([sample.reward for sample in cell.found.samples]))
                means[NAMES[name] if not k else f"_{name} {k}"] = Line(list(range(1, len(mean) + 1)), mean, i, "-")
        best = max(found, key=lambda cell: cell.large.reward)
        cells(best.string).save(out / f"cells-{name.replace(' ', '-')}.svg")
    left = Panel("running means of 16, all seeds", "sample", "reward: accuracy on validation images", means)
    draw_panels([left, Panel("enlarged, on larger images", "", "test accuracy (%)", points)], out / "cells.png")
