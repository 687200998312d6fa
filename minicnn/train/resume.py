"""A run that was broken off, by Ctrl-C, a crash or a power cut, as it was at its last checkpoint."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

from minicnn import checks
from minicnn.data.published import Report
from minicnn.errors import ArgumentError, CheckpointError, MinicnnError
from minicnn.io import load_checkpoint
from minicnn.train.callback import EarlyStopping
from minicnn.train.epoch import Epoch
from minicnn.train.parts import Parts
from minicnn.train.recipe import Recipe
from minicnn.train.remembered import Remembered, check_classes, remembered
from minicnn.train.run import finish
from minicnn.train.run_folder import RunFolder

NOT_A_STATE = (MinicnnError, KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
"""What a checkpoint can cause that holds other things than a run has put there."""


@dataclass(frozen=True)
class BrokenOff:
    """A run that can go on.

    Attributes:
        recipe: what it was started with.
        images: what it was trained on.
        backend, threads, workers: on what it computed, and how many shared the work. With others, sums are made in another order: what follows would not be
            the same bit for bit.
    """

    folder: RunFolder
    recipe: Recipe
    images: Remembered
    backend: str
    threads: int
    workers: int
    state: dict[str, Any]

    def restore(self, report: Report | None = None) -> Parts:
        """Network, optimiser, schedule, random generators and the place in the data, as they were. Set the backend before.

        Raises:
            CheckpointError: the checkpoint does not fit its own recipe.
            DataError: the images are not there any more.
            ArgumentError: the classes are others than they were; or the run is at its end. What its folder lacks, because it was killed after the last checkpoint, is there now.
        """
        known = self.images
        size = self.recipe.image_size if known.folder is None or known.shape is None else known.shape[1]
        parts = dataclasses.replace(self.recipe, dataset=known.place, image_size=size).build(report)
        check_classes(known, parts.images)
        try:
            parts.trainer.load_state_dict(self.state)
            parts.train.load_state_dict(self.state["data"])
            _check_history(parts.trainer.history)
        except NOT_A_STATE as error:
            raise CheckpointError(f"the run {self.folder.path} cannot be resumed: its checkpoint does not fit its recipe: {error}") from None
        history = parts.trainer.history
        finished = f"its {self.recipe.epochs} epochs are done" if len(history) >= self.recipe.epochs else None
        early = EarlyStopping(self.recipe.patience).reason(history) if self.recipe.patience and not finished else None
        if why := finished or early:
            if not self.folder.has_end():
                finish(self.recipe, parts.trainer, self.folder, early)
            raise ArgumentError(f"the run {self.folder.path} is at its end: {why}; there is nothing to go on with")
        return parts


def resume(path: str | os.PathLike[str]) -> BrokenOff:
    """The run in a folder, at its last checkpoint.

    Raises:
        ArgumentError: there is no run in the folder.
        CheckpointError: its checkpoint is damaged, or another version of minicnn wrote it.
    """
    folder = RunFolder.existing(path)
    state = load_checkpoint(folder.checkpoint)
    try:
        environment = state["environment"]
        recipe, known = Recipe(**state["recipe"]).resolved(), remembered(state)
        threads = checks.integer(environment["threads"], "the number of threads")
        workers = checks.integer(environment.get("workers", 1), "the number of workers")
        return BrokenOff(folder, recipe, known, str(environment["backend"]), threads, workers, state)
    except NOT_A_STATE as error:
        raise CheckpointError(f"the run {path} cannot be resumed: another version of minicnn made its checkpoint ({type(error).__name__}: {error})") from None


def _check_history(history: list[Epoch]) -> None:
    """Nothing but numbers, and None where there were no validation images."""
    for epoch in history:
        for name, value in dataclasses.asdict(epoch).items():
            if value is not None or not name.startswith("validation"):
                checks.number(value, f"history: {name}")
