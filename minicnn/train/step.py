"""One update of the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from minicnn.autograd import Tensor, detect_anomaly
from minicnn.backend import generator
from minicnn.data.mixup import Mixed, mixup
from minicnn.distributed.sharing import weight_of
from minicnn.errors import NonFiniteError
from minicnn.models.auxiliary import Outputs
from minicnn.ops.autocast import autocast
from minicnn.optim import Schedule, clip_grad_norm
from minicnn.train.metrics import Metrics, correct
from minicnn.train.statistics import kept_statistics

if TYPE_CHECKING:
    from minicnn.train.trainer import Trainer


def take_step(trainer: Trainer, batches: Sequence[tuple[Tensor, Tensor]], seen: Metrics) -> None:
    """Update the weights by the gradient of the mean loss over the images of all batches, and of all workers' shares of them.

    Raises:
        NonFiniteError: the loss or a gradient is NaN or Inf, on any worker.
    """
    workers = trainer.workers
    (count,) = workers.total(sum(weight_of(batch) * len(batch[1]) for batch in batches))
    workers.begin_step(trainer.steps)
    forget_gradients(trainer)
    restore = kept_statistics(trainer.model)
    done = []
    for batch in batches:
        (images, labels), workers.weight = batch, weight_of(batch)
        counted = workers.weight * len(labels)
        before = generator().bit_generator.state
        loss, scores, mixed = forward(trainer, images, labels)
        if not math.isfinite(value := workers.mean(loss.item(), len(labels))):
            raise not_finite(trainer, f"the loss is {value}", batch, before, restore)
        scaled = trainer.scaler.scale(loss if counted == count else loss * (counted / count))
        with workers.reducing(trainer.model, trained(trainer)) if batch is batches[-1] else nullcontext():
            scaled.backward()
        mixture = () if mixed is None else (mixed.others.numpy(), mixed.share)
        done.append((value, workers.weight * correct(scores.numpy(), labels.numpy(), *mixture), counted))
    trainer.scaler.unscale_(trainer.optimizer)
    try:
        trainer.gradient_norm = clip_grad_norm(named(trainer), trainer.clip_norm, error_if_nonfinite=not trainer.scaler.is_enabled())
    except NonFiniteError as error:
        what = str(error).partition(":")[2].partition(": no scaling")[0].strip()
        raise not_finite(trainer, what, batch, before, restore) from None
    trainer.scaler.step(trainer.optimizer)
    trainer.scaler.update()
    if trainer.average is not None:
        trainer.average.update()
    if isinstance(trainer.schedule, Schedule):
        trainer.schedule.step()
    trainer.steps += 1
    for value, *counts in done:
        right, of = workers.total(*counts)
        seen.count(value, right, round(of))


def trained(trainer: Trainer) -> list[Tensor]:
    """The parameters that the optimiser updates."""
    return [parameter for group in trainer.optimizer.param_groups for parameter in group["params"]]


def named(trainer: Trainer) -> list[tuple[str, Tensor]]:
    """The same, with their names in the network."""
    names = {id(parameter): name for name, parameter in trainer.model.named_parameters()}
    return [(names.get(id(parameter), f"parameter {i}, which is not the network's,"), parameter) for i, parameter in enumerate(trained(trainer))]


def forget_gradients(trainer: Trainer) -> None:
    """Also those that the optimiser does not use, which would pile up."""
    trainer.optimizer.zero_grad()
    trainer.model.zero_grad()


def forward(trainer: Trainer, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Mixed | None]:
    """Loss and scores of a batch, and how it was mixed."""
    mixed = mixup(images, labels, generator(), trainer.mixup) if trainer.mixup else None
    with autocast(trainer.precision):
        outputs = trainer.model(images if mixed is None else mixed.images)
        loss = trainer.loss(outputs, labels)
        if mixed is not None:
            loss = mixed.share * loss + (1 - mixed.share) * trainer.loss(outputs, mixed.others)
        return loss, outputs.scores if isinstance(outputs, Outputs) else outputs, mixed


def not_finite(trainer: Trainer, what: str, batch: tuple[Tensor, Tensor], before: Any, restore: Callable[[], None]) -> NonFiniteError:
    """An error that names the operation in which it begins: the batch is computed once more, with the same random numbers, and watched.

    Every worker watches its own share, apart from the others, of which one may stop in the middle; what the first says that found something, all say.

    The step has come to nothing: no gradient is left of it, and no trace in the running statistics.
    """
    where = f"{what} at step {trainer.steps + 1} (epoch {len(trainer.history) + 1})"
    generator().bit_generator.state = before
    found = None
    try:
        with detect_anomaly(), trainer.workers.apart():
            trainer.scaler.scale(forward(trainer, *batch)[0]).backward()
    except NonFiniteError as error:
        found = str(error)
    finally:
        forget_gradients(trainer)
        restore()
    found = trainer.workers.agree(found)
    return NonFiniteError(f"{where}, {cure(trainer, trainer.lr)}{f'; it begins in {found}' if found else ''}")


def cure(trainer: Trainer, lr: float) -> str:
    """What may help against NaN."""
    range_ = ", or the precision bf16, for in float16 a number above 65504 is infinite" if trainer.precision == "fp16" else ""
    return f"with a learning rate of {lr:g}: try {lr / 10:g}{range_}"
