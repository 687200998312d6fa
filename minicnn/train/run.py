"""One run from start to end: train by a recipe, and leave log, curve and checkpoints in the run's folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

from minicnn.backend import get_backend, get_num_threads
from minicnn.errors import NonFiniteError
from minicnn.models.from_string import short_name
from minicnn.train.callback import Callback, EarlyStopping, StopWhen
from minicnn.train.curve import can_draw, draw_curve
from minicnn.train.epoch import Epoch
from minicnn.train.interrupt import between_steps
from minicnn.train.parts import Parts
from minicnn.train.recipe import Recipe
from minicnn.train.recipe_file import write_recipe
from minicnn.train.records import Checkpoints, HeldOut, Log
from minicnn.train.remembered import to_remember
from minicnn.train.run_folder import RunFolder
from minicnn.train.trainer import Trainer

INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        history: an entry for each pass over the training images.
        steps: number of updates, also those of a broken-off pass.
        stopped: why it ended before its last epoch, or None.
        has_curve: the curve has been drawn.
    """

    history: list[Epoch]
    steps: int
    stopped: str | None
    has_curve: bool

    @property
    def interrupted(self) -> bool:
        """By Ctrl-C: the run can go on."""
        return self.stopped == INTERRUPTED

    @property
    def seconds(self) -> float:
        """Time spent on training, without evaluation and files."""
        return sum(epoch.seconds for epoch in self.history)


Show: TypeAlias = Callable[[int, int], AbstractContextManager[Callback]]
"""`show(epochs, steps_per_epoch)`: a context in which progress is shown."""


def run_recipe(recipe: Recipe, parts: Parts, folder: RunFolder | None, show: Show) -> Outcome:
    """Train, writing lines of the log and the checkpoint after every pass over the images.

    Ctrl-C ends training after the step at hand; the checkpoint then holds the state after that step. A trainer that has taken steps already goes on.

    Args:
        recipe: what to do; it is written into the folder, the log and the checkpoint.
        parts: what `recipe.build()` gave, or `resume` has restored.
        folder: where to write; None for a worker that is not the first of several (`several.share_work`): it writes nothing and shows nothing.
        show: see `Show`.

    Raises:
        NonFiniteError: the loss or a gradient became NaN or Inf; the checkpoint is that of the last pass, if there was one.
        CheckpointError: a file cannot be written: the disk is full, for instance. The last checkpoint stays, and the run can be resumed from it.
        ArgumentError: another process is running this run.
        MinicnnError: the network does not take these images, one of them is damaged, and so on. Before the first step, nothing is left in the folder.
    """
    if folder is None:
        return _help(recipe.resolved(), parts)
    with folder.held():
        try:
            return _run(recipe.resolved(), parts, folder, show)
        except BaseException:
            if not parts.trainer.steps:
                folder.remove_unbegun()
            raise


def _help(recipe: Recipe, parts: Parts) -> Outcome:
    """What a worker does that is not the first."""
    trainer = parts.trainer
    with between_steps() as interrupted:
        trainer.fit(parts.train, parts.test, recipe.epochs, validation=parts.validation, callbacks=_deciding(recipe, interrupted))
    return Outcome(trainer.history, trainer.steps, trainer.stopped, has_curve=False)


def _deciding(recipe: Recipe, interrupted: Callable[[], bool]) -> list[Callback]:
    """Those who may end the run."""
    return [StopWhen(interrupted, INTERRUPTED), *([EarlyStopping(recipe.patience)] if recipe.patience else [])]


def _run(recipe: Recipe, parts: Parts, folder: RunFolder, show: Show) -> Outcome:
    trainer = parts.trainer
    steps_per_epoch = -(-len(parts.train) // recipe.accumulate)
    _begin(recipe, parts, folder, steps_per_epoch)
    with between_steps() as interrupted, show(recipe.epochs, steps_per_epoch) as progress:
        checkpoints = Checkpoints(folder, lambda: contents_of(recipe, parts), recipe.keep_every)
        callbacks: list[Callback] = [
            progress,
            *_deciding(recipe, interrupted),
            Log(folder, steps_per_epoch),
            HeldOut(folder, parts.images.test, parts.images.classes),
            checkpoints,
        ]
        try:
            trainer.fit(parts.train, parts.test, recipe.epochs, validation=parts.validation, callbacks=callbacks)
        except NonFiniteError as error:
            folder.log("end", steps=trainer.steps, stopped=str(error))
            raise
    stopped = trainer.stopped
    if stopped == INTERRUPTED:
        checkpoints.save()
    return Outcome(trainer.history, trainer.steps, stopped, finish(recipe, trainer, folder, stopped))


def finish(recipe: Recipe, trainer: Trainer, folder: RunFolder, stopped: str | None) -> bool:
    """Draw the curve, if there is one and matplotlib is installed, and write the log's last line. Returns whether the curve is drawn."""
    has_curve = bool(trainer.history) and can_draw()
    if has_curve:
        draw_curve(trainer.history, folder.curve, f"{short_name(recipe.model)} on {recipe.dataset}, seed {recipe.seed}")
    folder.log("end", steps=trainer.steps, stopped=stopped)
    return has_curve


def _begin(recipe: Recipe, parts: Parts, folder: RunFolder, steps_per_epoch: int) -> None:
    """Say in the folder what is run, or from where it goes on."""
    trainer = parts.trainer
    if trainer.steps:
        folder.log("resumed", step=trainer.steps, epoch=len(trainer.history))
        return
    write_recipe(recipe, folder.recipe)
    folder.log_settings({**dataclasses.asdict(recipe), "backend": get_backend().name}, steps_per_epoch=steps_per_epoch, workers=trainer.workers.size, threads=get_num_threads())


def contents_of(recipe: Recipe, parts: Parts) -> dict[str, Any]:
    """All of the checkpoint: the weights, and the state of everything that the next step depends on."""
    trainer = parts.trainer
    return {
        "network": {"name": recipe.model, "kwargs": parts.model_kwargs},
        "dataset": recipe.dataset,
        "images": to_remember(parts.images),
        "recipe": dataclasses.asdict(recipe),
        "environment": {"backend": get_backend().name, "threads": get_num_threads(), "workers": trainer.workers.size},
        "epoch": len(trainer.history),
        "test_accuracy": trainer.history[-1].test_accuracy if trainer.history else None,
        "data": parts.train.state_dict(),
        **trainer.state_dict(),
    }
