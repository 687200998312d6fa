"""What can listen to a training run, and end it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from minicnn import checks
from minicnn.kernels.types import Array
from minicnn.train.epoch import Epoch
from minicnn.train.metrics import Metrics

if TYPE_CHECKING:
    from minicnn.train.trainer import Trainer


class Callback:
    """Told about a run while it runs. A subclass overrides what it wants to hear; `trainer.stop(why)` ends the run after the step at hand.

    Example:
        >>> class EveryTenth(Callback):
        ...     def on_step(self, trainer, metrics):
        ...         if trainer.steps % 10 == 0:
        ...             print(trainer.steps, metrics.loss)
    """

    def on_step(self, trainer: Trainer, metrics: Metrics) -> None:
        """The weights have been updated; `metrics` are those of this pass so far."""

    def on_test_batch(self, trainer: Trainer, scores: Array, labels: Array) -> None:
        """A batch of held-out images has been evaluated: scores (N, K), labels (N,), in the order of the images."""

    def on_epoch(self, trainer: Trainer, epoch: Epoch) -> None:
        """A pass over the training images is done and evaluated; `epoch` is the last entry of `trainer.history`."""


class StopWhen(Callback):
    """End the run as soon as a function answers yes. It is asked after every step, and when a pass is evaluated.

    Example:
        >>> import time
        >>> end = time.monotonic() + 60
        >>> StopWhen(lambda: time.monotonic() > end, "the minute is over").why
        'the minute is over'
    """

    def __init__(self, asked: Callable[[], bool], why: str) -> None:
        self.asked, self.why = asked, why

    def on_step(self, trainer: Trainer, metrics: Metrics) -> None:  # noqa: ARG002 - called like every callback
        self._ask(trainer)

    def on_epoch(self, trainer: Trainer, epoch: Epoch) -> None:  # noqa: ARG002 - called like every callback
        self._ask(trainer)

    def _ask(self, trainer: Trainer) -> None:
        if self.asked():
            trainer.stop(self.why)


class EarlyStopping(Callback):
    """End the run when the loss on the validation images has not reached a new low for `patience` passes.

    It goes by `trainer.history` alone, so that it needs no state of its own when a run is resumed. `Trainer.fit` refuses it where there are no validation
    images.

    Raises:
        ArgumentError: `patience` is below 1.

    Source:
        Prechelt 1998, "Early stopping: but when?", sec. 2 (the criterion UP, with strips of one epoch).

    Example:
        >>> losses = 0.5, 0.4, 0.45, 0.41
        >>> history = [Epoch(i, 0.1, 0.3, 0.9, 0.5, 0.8, 1.0, 1e3, validation_loss=losses[i - 1]) for i in range(1, 5)]
        >>> EarlyStopping(patience=2).reason(history)
        'the validation loss has not been below the 0.4000 of epoch 2 for 2 epochs'
    """

    def __init__(self, patience: int) -> None:
        self.patience = checks.integer(patience, "EarlyStopping: patience")

    def on_epoch(self, trainer: Trainer, epoch: Epoch) -> None:  # noqa: ARG002 - called like every callback
        if why := self.reason(trainer.history):
            trainer.stop(why)

    def reason(self, history: Sequence[Epoch]) -> str | None:
        """Why a run with this history is to end, if it is."""
        losses = [epoch.validation_loss for epoch in history if epoch.validation_loss is not None]
        if losses and len(losses) - 1 - losses.index(min(losses)) >= self.patience:
            return f"the validation loss has not been below the {min(losses):.4f} of epoch {losses.index(min(losses)) + 1} for {self.patience} epochs"
        return None
