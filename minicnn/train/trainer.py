"""The training loop."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.backend import generator
from minicnn.distributed.workers import Workers
from minicnn.errors import ArgumentError, NonFiniteError, StateDictError
from minicnn.models.auxiliary import auxiliary_cross_entropy
from minicnn.nn import Module
from minicnn.ops.autocast import PRECISIONS
from minicnn.optim import GradScaler, Optimizer, ReduceLROnPlateau, Schedule
from minicnn.train.average import WeightAverage
from minicnn.train.batches import Batches, in_groups, is_whole
from minicnn.train.callback import Callback, EarlyStopping
from minicnn.train.epoch import Epoch
from minicnn.train.evaluation import evaluate
from minicnn.train.metrics import Metrics
from minicnn.train.step import cure, take_step

Loss: TypeAlias = Callable[[Any, Tensor], Tensor]
"""`loss(outputs, labels)`: the mean loss of a batch, from what the network returned."""


class Trainer:
    """Fits a network to labelled images by stochastic gradient descent on the cross-entropy.

    Args:
        model: takes images, returns scores (N, K); in training it may return auxiliary scores as well, whose losses are added.
        optimizer: holds the model's parameters, or those that are to be trained. No other gradient is measured, clipped or kept.
        schedule: sets the optimiser's learning rate. It is stepped after every update, so its lengths are in steps; only
            `ReduceLROnPlateau` is stepped after every epoch. It is told the mean loss on the validation images, or where there are
            none on the training images: those held out measure, and may steer nothing.
        precision: "fp32", or what `minicnn.autocast` takes: "bf16", "fp16" or "tf32". In "fp16" the loss is scaled (`GradScaler`), and steps whose gradients
            overflow are left out.
        loss: from the network's outputs and the labels; by default the cross-entropy.
        accumulate: batches for each update. The gradient is that of the mean loss over all of their images, as if they were one batch; only batch norms,
            and what is drawn, see each batch for itself.
        clip_norm: gradients are scaled down to this common norm where they are above it (`optim.clip_grad_norm`).
        average: an average of the weights, which is updated after every step, and evaluated in their stead.
        mixup: alpha of `data.mixup`, which mixes the training images in pairs; 0 mixes nothing.
        workers: those that share the work, of which this process is one; each fits a trainer of its own, with its shares of the batches (`Workers.share`).

    Attributes:
        steps: updates so far.
        history: an `Epoch` for each pass that is finished.
        gradient_norm: of the last step, before clipping.
        stopped: why `stop` ended training before its last pass, or None.
        random: the state of the process's random generator that the next `fit` begins with; None takes it as it is then.

    Raises:
        ArgumentError: unknown precision, or a number out of range.

    Example:
        >>> from minicnn import data, models, optim
        >>> model = models.LeNet5()
        >>> trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.05, momentum=0.9))
        >>> train = data.DataLoader(data.Digits(train=True), batch_size=32, shuffle=True, seed=0)
        >>> test = data.DataLoader(data.Digits(train=False), batch_size=256)
        >>> [epoch.epoch for epoch in trainer.fit(train, test, epochs=1)]
        [1]
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        schedule: Schedule | ReduceLROnPlateau | None = None,
        *,
        precision: str = "fp32",
        loss: Loss = auxiliary_cross_entropy,
        accumulate: int = 1,
        clip_norm: float | None = None,
        average: WeightAverage | None = None,
        mixup: float = 0.0,
        workers: Workers | None = None,
    ) -> None:
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.precision = checks.choice(precision, "Trainer: precision", PRECISIONS)
        self.loss, self.average = loss, average
        self.accumulate = checks.integer(accumulate, "Trainer: accumulate")
        self.clip_norm = math.inf if clip_norm is None else checks.positive(clip_norm, "Trainer: clip_norm")
        self.mixup = checks.number(mixup, "Trainer: mixup", 0)
        self.scaler = GradScaler(enabled=precision == "fp16")
        self.workers = Workers() if workers is None else workers
        self.steps, self.gradient_norm = 0, 0.0
        self.history: list[Epoch] = []
        self.stopped: str | None = None
        self.random: Any = None
        self._seen: Metrics | None = None  # of the pass that has begun,
        self._lr = 0.0  # at this rate
        self._goes_on = False  # with that pass, of another trainer, whose state was loaded

    def fit(
        self, train: Batches, test: Batches, epochs: int, *, validation: Batches | None = None, callbacks: Sequence[Callback] = ()
    ) -> list[Epoch]:
        """Train until there have been `epochs` passes over `train`, looking at `validation` and `test` after each.

        A network in evaluation mode is switched to training, once. In one that is in training mode already, layers that
        were put into `eval()` by hand, such as a frozen batch norm, stay there.

        A pass that was broken off, by `stop` or an error, is not gone on with by another `fit`: that begins a new pass, while steps and schedule count
        on. To go on in its middle, load the states of trainer and loader, also in the same process.

        Args:
            validation: images by which decisions are made: the best weights, an early stop, a plateau.
            callbacks: are told of every step and every pass, in their order.

        Returns:
            The history: one entry per finished pass.

        Raises:
            NonFiniteError: the loss or a gradient became NaN or Inf; names the operation. The weights, and the running statistics, are those of the last
                finite step; the held-out loss is seen only after the pass that spoiled the weights.
            ArgumentError: a pass saw no images; `EarlyStopping` has no validation images to go by; or there are several workers, and they do not begin with
                the same weights, or the batches are not shared out.
        """
        if validation is None and any(isinstance(callback, EarlyStopping) for callback in callbacks):
            raise ArgumentError("EarlyStopping goes by the loss on validation images, and there are none: give fit(..., validation=...)")
        self.workers.check_start(self.model, [batches for batches in (train, validation, test) if batches is not None])
        if not self.model.training:
            self.model.train()
        if self.random is not None:
            generator().bit_generator.state, self.random = self.random, None
        if not self._goes_on:
            self._seen = None
        self.stopped, self._goes_on = None, False
        while len(self.history) < epochs and not self.is_stopping():
            seen = self._train_epoch(train, callbacks)
            if self.is_stopping() and not is_whole(seen, train):
                break
            self._seen = None
            self.history.append(self._evaluated(seen, validation, test, callbacks))
            self.workers.check_alike(self.model.parameters(), f"after epoch {len(self.history)}")
            for callback in callbacks:
                callback.on_epoch(self, self.history[-1])
            self.stopped = self.workers.agree(self.stopped)
        if len(self.history) >= epochs:
            self.stopped = None  # too late: all is done
        return self.history

    def is_stopping(self) -> bool:
        """Has `stop` been called?"""
        return self.stopped is not None

    def stop(self, why: str) -> None:
        """End the run after the step, or the pass, at hand: for callbacks."""
        self.stopped = why

    @property
    def lr(self) -> float:
        """The learning rate in force, of the first group of parameters."""
        return float(self.optimizer.param_groups[0]["lr"])

    # One pass

    def _train_epoch(self, train: Batches, callbacks: Sequence[Callback]) -> Metrics:
        if self._seen is None:  # otherwise a pass that was broken off goes on
            self._seen, self._lr = Metrics(), self.lr
        if is_whole(self._seen, train):
            return self._seen
        before = self._seen.batches
        for batches in in_groups(train, self.accumulate):
            take_step(self, batches, self._seen)
            for callback in callbacks:
                callback.on_step(self, self._seen)
            self.stopped = self.workers.agree(self.stopped)
            if self.is_stopping():
                break
        if self._seen.batches == before:
            raise ArgumentError(f"Trainer: epoch {len(self.history) + 1} saw no images: `train` gave no batch. A generator can be walked through once only: give a DataLoader, or a list")
        return self._seen

    def _evaluated(self, seen: Metrics, validation: Batches | None, test: Batches, callbacks: Sequence[Callback]) -> Epoch:
        """What the pass gave; the plateau is told its loss."""
        number = len(self.history) + 1

        def tell(scores: Any, labels: Any) -> None:
            for callback in callbacks:
                callback.on_test_batch(self, scores, labels)

        with self.average.in_place() if self.average is not None else contextlib.nullcontext():
            chosen_by = None if validation is None else evaluate(self.model, validation, precision=self.precision, workers=self.workers)
            held_out = evaluate(self.model, test, tell, precision=self.precision, workers=self.workers)
        for what, metrics in (("validation", chosen_by), ("held-out", held_out)):
            if metrics is not None and not math.isfinite(metrics.loss):
                raise NonFiniteError(f"the {what} loss is {metrics.loss} after epoch {number}, {cure(self, self._lr)}")
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step((chosen_by or seen).loss)
        epoch = Epoch(number, self._lr, seen.loss, seen.accuracy, held_out.loss, held_out.accuracy, seen.seconds, seen.images_per_second)
        return epoch if chosen_by is None else dataclasses.replace(epoch, validation_loss=chosen_by.loss, validation_accuracy=chosen_by.accuracy)

    # State

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on, apart from the data, as arrays and plain values: for a checkpoint. The weights are copies."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            **{name: None if mine is None else mine.state_dict() for name, mine in self._optional().items()},
            "generator": generator().bit_generator.state if self.random is None else self.random,
            "steps": self.steps,
            "seen": None if self._seen is None else {"lr": self._lr, **self._seen.state_dict()},
            "history": [dataclasses.asdict(epoch) for epoch in self.history],
        }

    def _optional(self) -> dict[str, Any]:
        return {"schedule": self.schedule, "scaler": self.scaler if self.scaler.is_enabled() else None, "average": self.average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another trainer stopped, with the same kind of network, optimiser and schedule, as if there had been no break.

        Raises:
            StateDictError: the state is of others than these. (If only one of the two has an average, a schedule or a scaler, nothing has changed.)
        """
        for name, mine in self._optional().items():
            if (state[name] is None) != (mine is None):
                theirs, own = ("without", "one") if state[name] is None else ("with", "none")
                raise StateDictError(f"Trainer: the state is of a trainer {theirs} {name}, and this one has {own}")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, mine in self._optional().items():
            if mine is not None:
                mine.load_state_dict(state[name])
        self.random = generator().bit_generator.state = state["generator"]
        self.steps = checks.integer(state["steps"], "Trainer: steps", 0)
        self._goes_on = (seen := state["seen"]) is not None
        self._seen, self._lr = (Metrics.resumed(seen), checks.number(seen["lr"], "Trainer: lr")) if self._goes_on else (None, 0.0)
        self.history = [Epoch(**epoch) for epoch in state["history"]]
