"""The training loop."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor, no_grad
from minicnn.errors import ArgumentError, NonFiniteError
from minicnn.kernels.types import Array
from minicnn.models.auxiliary import Outputs, auxiliary_cross_entropy
from minicnn.nn import Module
from minicnn.nn.mode import evaluating
from minicnn.ops import cross_entropy
from minicnn.ops.autocast import PRECISIONS, autocast
from minicnn.optim import GradScaler, Optimizer, ReduceLROnPlateau, Schedule
from minicnn.train.metrics import Metrics

Batches: TypeAlias = Iterable[tuple[Tensor, Tensor]]
"""Images (N, C, H, W) with labels (N,), batch by batch: a `DataLoader`. One walk through it is an epoch."""


def _nothing(*_: object) -> None:
    """What is called where nobody wants to be told."""


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


class Trainer:
    """Fits a network to labelled images by stochastic gradient descent on the cross-entropy.

    Args:
        model: takes images, returns scores (N, K); in training it may return auxiliary scores as well, whose losses are added.
        optimizer: holds the model's parameters.
        schedule: sets the optimiser's learning rate. It is stepped after every batch, so its lengths are in batches; only
            `ReduceLROnPlateau` is stepped after every epoch. It is told the mean loss on the training images: the held-out
            ones measure, and may steer nothing.
        precision: "fp32", or what `minicnn.autocast` takes: "bf16", "fp16" or "tf32". In "fp16" the loss is scaled (`GradScaler`), and steps whose gradients
            overflow are left out.

    Raises:
        ArgumentError: unknown precision.

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
        self, model: Module, optimizer: Optimizer, schedule: Schedule | ReduceLROnPlateau | None = None, *, precision: str = "fp32"
    ) -> None:
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.precision = checks.choice(precision, "Trainer: precision", PRECISIONS)
        self.scaler = GradScaler(enabled=precision == "fp16")
        self.steps = 0
        self.history: list[Epoch] = []

    def fit(
        self,
        train: Batches,
        test: Batches,
        epochs: int,
        *,
        on_step: Callable[[Metrics], None] = _nothing,
        on_epoch: Callable[[Epoch], None] = _nothing,
        stop: Callable[[], bool] = lambda: False,
    ) -> list[Epoch]:
        """Train for `epochs` passes over `train`, looking at `test` after each.

        A network in evaluation mode is switched to training, once. In one that is in training mode already, layers that
        were put into `eval()` by hand, such as a frozen batch norm, stay there.

        Args:
            on_step, on_epoch: called after every batch and after every pass.
            stop: asked after every batch; when it answers yes, training ends there, between two updates.

        Returns:
            The history: one entry per finished pass.

        Raises:
            NonFiniteError: the loss became NaN or Inf. In training, the weights are those of the last finite step; the
                held-out loss is seen only after the pass that spoiled the weights.
        """
        if not self.model.training:
            self.model.train()
        while len(self.history) < epochs and not stop():
            lr = self.lr
            seen = self._train_epoch(train, on_step, stop)
            if stop():
                break
            if isinstance(self.schedule, ReduceLROnPlateau):
                self.schedule.step(seen.loss)
            held_out = evaluate(self.model, test, precision=self.precision)
            self._require_finite(held_out.loss, f"the held-out loss is {held_out.loss} after epoch {len(self.history) + 1}", lr)
            epoch = Epoch(
                len(self.history) + 1, lr, seen.loss, seen.accuracy, held_out.loss, held_out.accuracy, seen.seconds, seen.images_per_second
            )  # fmt: skip
            self.history.append(epoch)
            on_epoch(epoch)
        return self.history

    @property
    def lr(self) -> float:
        """The learning rate in force, of the first group of parameters."""
        return float(self.optimizer.param_groups[0]["lr"])

    def _train_epoch(self, train: Batches, on_step: Callable[[Metrics], None], stop: Callable[[], bool]) -> Metrics:
        metrics = Metrics()
        for images, labels in train:
            with autocast(self.precision):
                outputs = self.model(images)
                loss, scores = auxiliary_cross_entropy(outputs, labels), outputs.scores if isinstance(outputs, Outputs) else outputs
            value = loss.item()
            self._require_finite(value, f"the loss is {value} at step {self.steps + 1} (epoch {len(self.history) + 1})", self.lr)
            self.optimizer.zero_grad()
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            if isinstance(self.schedule, Schedule):
                self.schedule.step()
            self.steps += 1
            metrics.add(value, scores.numpy(), labels.numpy())
            on_step(metrics)
            if stop():
                break
        return metrics

    def _require_finite(self, loss: float, what: str, lr: float) -> None:
        if not np.isfinite(loss):
            range_ = ", or the precision bf16, for in float16 a number above 65504 is infinite," if self.precision == "fp16" else ""
            raise NonFiniteError(
                f"{what}, with a learning rate of {lr:g}: "
                f"try {lr / 10:g}{range_} or run the step inside `with minicnn.detect_anomaly():` to see where it begins"
            )


def evaluate(
    model: Module, batches: Batches, on_batch: Callable[[Array, Array], None] = _nothing, *, precision: str = "fp32"
) -> Metrics:
    """Loss and accuracy of a network in evaluation mode; nothing is learned, and every module's mode is as before afterwards.

    Args:
        on_batch: called with the predicted classes (N,) and the labels (N,) of each batch.
        precision: "fp32", or what `minicnn.autocast` takes.

    Raises:
        ArgumentError: there are no images, or unknown precision.
    """
    metrics = Metrics()
    with evaluating(model), no_grad(), autocast(precision):
        for images, labels in batches:
            scores = model(images)
            metrics.add(cross_entropy(scores, labels).item(), scores.numpy(), labels.numpy())
            on_batch(scores.numpy().argmax(axis=1), labels.numpy())
    if metrics.images == 0:
        raise ArgumentError("evaluate: there are no images to evaluate on")
    return metrics
