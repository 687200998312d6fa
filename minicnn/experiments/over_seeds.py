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
        """Is the mean, of a difference, farther from 0 than two of its standard errors, deviation / √n?"""
        return abs(self.mean) > 2 * self.deviation / len(self.each) ** 0.5

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.deviation:.1f}"


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
