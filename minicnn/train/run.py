"""One run from start to end: train by a recipe, and leave a log, a curve and a checkpoint in the run's folder."""

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from minicnn.backend import generator, get_backend
from minicnn.io import save_checkpoint
from minicnn.train.curve import can_draw, draw_curve
from minicnn.train.interrupt import between_steps
from minicnn.train.progress import Progress
from minicnn.train.recipe import Parts, Recipe
from minicnn.train.run_folder import RunFolder
from minicnn.train.trainer import Epoch, Trainer


@dataclass(frozen=True)
class Outcome:
    """What a run came to: a pass for each entry of `history`; `steps` counts updates, also those of a broken-off pass."""

    history: list[Epoch]
    steps: int
    interrupted: bool
    has_curve: bool

    @property
    def seconds(self) -> float:
        """Time spent on training, without evaluation and files."""
        return sum(epoch.seconds for epoch in self.history)


def run_recipe(recipe: Recipe, parts: Parts, folder: RunFolder, show: Callable[[int, int], AbstractContextManager[Progress]]) -> Outcome:
    """Train, writing a line of the log and the checkpoint after every pass over the images.

    Ctrl-C ends training after the step at hand; the checkpoint then holds the weights after that step.

    Args:
        recipe: what to do; goes into the log and the checkpoint.
        parts: what `recipe.build()` gave.
        folder: where to write.
        show: `show(epochs, steps_per_epoch)` is a context in which progress is shown.

    Raises:
        NonFiniteError: the loss became NaN or Inf; the checkpoint is that of the last pass, if there was one.
        CheckpointError: the checkpoint cannot be written.
    """
    trainer = Trainer(parts.model, parts.optimizer, parts.schedule, precision=recipe.precision)
    folder.log_settings({**dataclasses.asdict(recipe), "backend": get_backend().name})
    with between_steps() as interrupted, show(recipe.epochs, len(parts.train)) as progress:

        def after_epoch(epoch: Epoch) -> None:
            folder.log("epoch", **dataclasses.asdict(epoch))
            save_checkpoint(folder.checkpoint, _contents(recipe, parts, trainer))
            progress.epoch(epoch)

        trainer.fit(parts.train, parts.test, recipe.epochs, on_step=progress.step, on_epoch=after_epoch, stop=interrupted)
        broken_off = len(trainer.history) < recipe.epochs
    if broken_off:
        save_checkpoint(folder.checkpoint, _contents(recipe, parts, trainer))
    has_curve = bool(trainer.history) and can_draw()
    if has_curve:
        draw_curve(trainer.history, folder.curve, f"{recipe.model} on {recipe.dataset}, seed {recipe.seed}")
    folder.log("end", steps=trainer.steps, interrupted=broken_off)
    return Outcome(trainer.history, trainer.steps, broken_off, has_curve)


def _contents(recipe: Recipe, parts: Parts, trainer: Trainer) -> dict[str, Any]:
    """All of the checkpoint: the weights, and the state of everything that made them."""
    return {
        "network": {"name": recipe.model, "kwargs": parts.model_kwargs},
        "dataset": recipe.dataset,
        "recipe": dataclasses.asdict(recipe),
        "epoch": len(trainer.history),
        "steps": trainer.steps,
        "test_accuracy": trainer.history[-1].test_accuracy if trainer.history else None,
        "generator": generator().bit_generator.state,
        "model": parts.model.state_dict(),
        "optimizer": parts.optimizer.state_dict(),
        "schedule": None if parts.schedule is None else parts.schedule.state_dict(),
        "scaler": trainer.scaler.state_dict() if trainer.scaler.is_enabled() else None,
    }
