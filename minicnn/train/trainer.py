"""The training loop."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, TypeAlias

from minicnn import checks
from minicnn.autograd import Tensor, detect_anomaly
from minicnn.backend import generator
from minicnn.data import mixup
from minicnn.errors import NonFiniteError
from minicnn.models.auxiliary import Outputs, auxiliary_cross_entropy
from minicnn.nn import Module
from minicnn.ops.autocast import PRECISIONS, autocast
from minicnn.optim import GradScaler, Optimizer, ReduceLROnPlateau, Schedule, clip_grad_norm
from minicnn.train.average import WeightAverage
from minicnn.train.callback import Callback
from minicnn.train.evaluation import Batches, evaluate
from minicnn.train.metrics import Metrics

Loss: TypeAlias = Callable[[Any, Tensor], Tensor]
"""`loss(outputs, labels)`: the mean loss of a batch, from what the network returned."""


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave. Training figures are means over the pass, while the weights moved."""

    epoch: int
    lr: float
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float
    images_per_second: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


class Trainer:
    """Fits a network to labelled images by stochastic gradient descent on the cross-entropy.

    Args:
        model: takes images, returns scores (N, K); in training it may return auxiliary scores as well, whose losses are added.
        optimizer: holds the model's parameters.
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

    Attributes:
        steps: updates so far.
        history: an `Epoch` for each pass that is finished.
        gradient_norm: of the last step, before clipping.
        stopped: why `stop` was called, or None.

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
    ) -> None:
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.precision = checks.choice(precision, "Trainer: precision", PRECISIONS)
        self.loss, self.average = loss, average
        self.accumulate = checks.integer(accumulate, "Trainer: accumulate")
        self.clip_norm = math.inf if clip_norm is None else checks.positive(clip_norm, "Trainer: clip_norm")
        self.mixup = checks.number(mixup, "Trainer: mixup", 0)
        self.scaler = GradScaler(enabled=precision == "fp16")
        self.steps, self.gradient_norm = 0, 0.0
        self.history: list[Epoch] = []
        self.stopped: str | None = None
        self._seen: Metrics | None = None  # of the pass that has begun,
        self._lr = 0.0  # at this rate

    def fit(
        self, train: Batches, test: Batches, epochs: int, *, validation: Batches | None = None, callbacks: Sequence[Callback] = ()
    ) -> list[Epoch]:
        """Train until there have been `epochs` passes over `train`, looking at `validation` and `test` after each.

        A network in evaluation mode is switched to training, once. In one that is in training mode already, layers that
        were put into `eval()` by hand, such as a frozen batch norm, stay there.

        Args:
            validation: images by which decisions are made: the best weights, an early stop, a plateau.
            callbacks: are told of every step and every pass, in their order.

        Returns:
            The history: one entry per finished pass.

        Raises:
            NonFiniteError: the loss or a gradient became NaN or Inf; names the operation. The weights are those of the last finite step; the
                held-out loss is seen only after the pass that spoiled the weights.
        """
        if not self.model.training:
            self.model.train()
        self.stopped = None
        while len(self.history) < epochs and not self.is_stopping():
            seen = self._train_epoch(train, callbacks)
            if self.is_stopping() and not _is_whole(seen, train):
                break
            self._seen = None
            self.history.append(self._evaluated(seen, validation, test, callbacks))
            for callback in callbacks:
                callback.on_epoch(self, self.history[-1])
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
        if _is_whole(self._seen, train):
            return self._seen
        for batches in _in_groups(train, self.accumulate):
            self._step(batches, self._seen)
            for callback in callbacks:
                callback.on_step(self, self._seen)
            if self.is_stopping():
                break
        return self._seen

    def _step(self, batches: Sequence[tuple[Tensor, Tensor]], seen: Metrics) -> None:
        """One update by the gradient of the mean loss over the images of all batches."""
        count = sum(len(labels) for _, labels in batches)
        self.optimizer.zero_grad()
        done = []
        for images, labels in batches:
            before = generator().bit_generator.state
            loss, scores = self._forward(images, labels)
            if not math.isfinite(value := loss.item()):
                raise self._not_finite(f"the loss is {value}", images, labels, before)
            self.scaler.scale(loss if len(batches) == 1 else loss * (len(labels) / count)).backward()
            done.append((value, scores.numpy(), labels.numpy()))
        self.scaler.unscale_(self.optimizer)
        try:
            self.gradient_norm = clip_grad_norm(self.model.named_parameters(), self.clip_norm, error_if_nonfinite=not self.scaler.is_enabled())
        except NonFiniteError as error:
            raise self._not_finite(str(error).partition(":")[2].partition(": no scaling")[0].strip(), images, labels, before) from None
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update()
        if isinstance(self.schedule, Schedule):
            self.schedule.step()
        self.steps += 1
        for batch in done:
            seen.add(*batch)

    def _forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and scores of a batch."""
        mixed = mixup(images, labels, generator(), self.mixup) if self.mixup else None
        with autocast(self.precision):
            outputs = self.model(images if mixed is None else mixed.images)
            loss = self.loss(outputs, labels)
            if mixed is not None:
                loss = mixed.share * loss + (1 - mixed.share) * self.loss(outputs, mixed.others)
            return loss, outputs.scores if isinstance(outputs, Outputs) else outputs

    def _evaluated(self, seen: Metrics, validation: Batches | None, test: Batches, callbacks: Sequence[Callback]) -> Epoch:
        """What the pass gave; the plateau is told its loss."""
        number = len(self.history) + 1

        def tell(scores: Any, labels: Any) -> None:
            for callback in callbacks:
                callback.on_test_batch(self, scores, labels)

        with self.average.in_place() if self.average is not None else contextlib.nullcontext():
            chosen_by = None if validation is None else evaluate(self.model, validation, precision=self.precision)
            held_out = evaluate(self.model, test, tell, precision=self.precision)
        for what, metrics in (("validation", chosen_by), ("held-out", held_out)):
            if metrics is not None and not math.isfinite(metrics.loss):
                raise NonFiniteError(f"the {what} loss is {metrics.loss} after epoch {number}, {self._cure(self._lr)}")
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step((chosen_by or seen).loss)
        epoch = Epoch(number, self._lr, seen.loss, seen.accuracy, held_out.loss, held_out.accuracy, seen.seconds, seen.images_per_second)
        return epoch if chosen_by is None else dataclasses.replace(epoch, validation_loss=chosen_by.loss, validation_accuracy=chosen_by.accuracy)

    # What is not finite

    def _not_finite(self, what: str, images: Tensor, labels: Tensor, before: Any) -> NonFiniteError:
        """An error that names the operation in which it begins: the batch is computed once more, with the same random numbers, and watched."""
        where = f"{what} at step {self.steps + 1} (epoch {len(self.history) + 1})"
        generator().bit_generator.state = before
        named = ""
        try:
            with detect_anomaly():
                self.scaler.scale(self._forward(images, labels)[0]).backward()
        except NonFiniteError as error:
            named = f"; it begins in {error}"
        finally:
            self.optimizer.zero_grad()
        return NonFiniteError(f"{where}, {self._cure(self.lr)}{named}")

    def _cure(self, lr: float) -> str:
        range_ = ", or the precision bf16, for in float16 a number above 65504 is infinite" if self.precision == "fp16" else ""
        return f"with a learning rate of {lr:g}: try {lr / 10:g}{range_}"

    # State

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on, apart from the data, as arrays and plain values: for a checkpoint. The weights are copies."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "scaler": self.scaler.state_dict() if self.scaler.is_enabled() else None,
            "average": None if self.average is None else self.average.state_dict(),
            "generator": generator().bit_generator.state,
            "steps": self.steps,
            "seen": None if self._seen is None else {"lr": self._lr, **self._seen.state_dict()},
            "history": [dataclasses.asdict(epoch) for epoch in self.history],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another trainer stopped, with the same kind of network, optimiser and schedule, as if there had been no break.

        Raises:
            StateDictError: the state is of others than these.
        """
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name in ("schedule", "scaler", "average"):
            if state[name] is not None:
                getattr(self, name).load_state_dict(state[name])
        generator().bit_generator.state = state["generator"]
        self.steps = checks.integer(state["steps"], "Trainer: steps", 0)
        if state["seen"] is not None:
            self._seen, self._lr = Metrics.resumed(state["seen"]), state["seen"]["lr"]
        self.history = [Epoch(**epoch) for epoch in state["history"]]


def _is_whole(seen: Metrics, train: Batches) -> bool:
    """All batches of the pass have been seen."""
    return isinstance(train, Sized) and seen.batches >= len(train)


def _in_groups(batches: Batches, size: int) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Lists of `size` batches; the last may be shorter."""
    group = []
    for batch in batches:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
