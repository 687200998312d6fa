"""Networks trained from several seeds, for a difference between two networks counts only if it is larger than that between two seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from minicnn.backend import manual_seed
from minicnn.data import DataLoader
from minicnn.experiments.images import SmallSet
from minicnn.nn import Module
from minicnn.optim import SGD, OneCycleLR
from minicnn.train.evaluation import evaluate
from minicnn.train.trainer import Trainer

STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def student(freedom: int) -> float:
    """What Student's t with so many degrees of freedom exceeds, in size, in one of twenty cases."""
    return STUDENT[freedom - 1] if freedom <= len(STUDENT) else 1.96


@dataclass(frozen=True)
class Values:
    """A figure from each seed; written as mean ± standard deviation.

    Example:
        >>> error = Values((4.0, 5.0, 6.0))
        >>> str(error), str(error.minus(Values((3.0, 5.5, 4.0))))
        ('5.0 ± 1.0', '0.8 ± 1.3')
    """

    each: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.each))

    @property
    def deviation(self) -> float:
        """Standard deviation over the seeds, with n - 1 in the denominator; 0 for a single one."""
        return float(np.std(self.each, ddof=1)) if len(self.each) > 1 else 0.0

    def minus(self, other: Values) -> Values:
        """The difference from seed to seed."""
        return Values(tuple(a - b for a, b in zip(self.each, other.each, strict=True)))

    def is_clear(self) -> bool:
        """Is the mean, of a difference, significantly different from 0: at 95 %, two-sided, by Student's t-test on n - 1 degrees of freedom?

        It must be farther from 0 than t standard errors, deviation / √n. The fewer seeds, the larger is t: with three of them 4.3, with five 2.8.

        Source:
            Student 1908, "The probable error of a mean".
        """
        n = len(self.each)
        return n > 1 and abs(self.mean) > student(n - 1) * self.deviation / n**0.5

    def is_above_zero(self) -> bool | None:
        """True if the mean is clearly above 0, False if it is clearly below, None if it is not clear: a verdict for `Finding`."""
        return self.mean > 0 if self.is_clear() else None

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.deviation:.1f}"


def percent(shares: Sequence[float]) -> Values:
    """Shares of 1 in %.

    >>> str(percent([0.5, 0.75]))
    '62.5 ± 17.7'
    """
    return Values(tuple(100 * share for share in shares))


@dataclass(frozen=True)
class Plan:
    """How every network of an experiment is trained: SGD with momentum 0.9 and a learning rate that rises and falls once."""

    epochs: int
    batch: int
    lr: float
    decay: float = 0.0


@dataclass(frozen=True)
class Trained:
    """A network after training, and how many of the images it gets wrong, in %, without dropout and with running statistics."""

    model: Module
    train_error: float
    test_error: float
    train_loss: float
    test_loss: float


def train(make: Callable[[], Module], images: SmallSet, plan: Plan, seed: int) -> Trained:
    """A network from random weights to the end of the plan. The seed decides on weights, order and dropout."""
    manual_seed(seed)
    model, batches = make(), images.batches(plan.batch, seed)
    optimizer = SGD(model.parameters(), lr=plan.lr, momentum=0.9, weight_decay=plan.decay)
    trainer = Trainer(model, optimizer, OneCycleLR(optimizer, plan.lr, plan.epochs * len(batches)))
    trainer.fit(batches, images.held_out(), plan.epochs)
    seen, last = evaluate(model, DataLoader(images.train, 128)), trainer.history[-1]
    return Trained(model, 100 * (1 - seen.accuracy), 100 * (1 - last.test_accuracy), seen.loss, last.test_loss)


def over_seeds(figures: Sequence[Trained], name: str) -> Values:
    """One attribute of networks that were trained from different seeds."""
    return Values(tuple(float(getattr(trained, name)) for trained in figures))
