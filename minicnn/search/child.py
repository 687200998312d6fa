"""A child: a network that a search proposes, trained for a short while to see how good it is."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.backend import manual_seed
from minicnn.data import ArrayDataset, DataLoader
from minicnn.errors import ArgumentError, MinicnnError, NonFiniteError
from minicnn.kernels.types import Array
from minicnn.models import create_from_string
from minicnn.nn import Module
from minicnn.ops import cross_entropy
from minicnn.optim import SGD, OneCycleLR
from minicnn.search.images import SearchImages
from minicnn.train.evaluation import evaluate


@dataclass(frozen=True)
class Budget:
    """What every child is given, so that rewards can be compared: SGD with momentum 0.9 and a learning rate that rises and falls once.

    Attributes:
        steps: training steps.
        batch_size: images in a step.
        lr: the highest learning rate.
        weight_decay: factor of the weights in the gradient, as in `optim.SGD`.
        sizes: numbers that the network is made with beside its string: {"cells": 2, "filters": 16} for cells.
        seconds: after which a child is given up, and scores 0: for networks that are far too large.

    Raises:
        ArgumentError: a number is out of range.

    Example:
        >>> Budget(steps=30).batch_size
        32
    """

    steps: int = 60
    batch_size: int = 32
    lr: float = 0.1
    weight_decay: float = 1e-4
    sizes: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 120.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size"):
            checks.integer(getattr(self, name), f"Budget: {name}")
        for name in ("lr", "seconds"):
            checks.positive(getattr(self, name), f"Budget: {name}")
        checks.number(self.weight_decay, "Budget: weight_decay", 0)
        if not isinstance(self.sizes, Mapping):
            raise ArgumentError(f"Budget: sizes must be a dict such as {{'cells': 2}}, not {self.sizes!r}")


@dataclass(frozen=True)
class Child:
    """What came of a child.

    Attributes:
        reward: its accuracy on the validation images, from 0 to 1; 0 if it failed.
        parameters: number of weights and biases.
        steps: training steps that it took.
        seconds: they took, with the building and the judging.
        error: why it failed, in a sentence, or None.
    """

    reward: float
    parameters: int = 0
    steps: int = 0
    seconds: float = 0.0
    error: str | None = None


def train_child(string: str, images: SearchImages, budget: Budget, seed: int = 0) -> Child:
    """Build a network, train it from random weights, and judge it by the validation images.

    The seed and the string decide on the weights and the order of the images: in any process, and after whatever else, the same child gets the same reward.

    Args:
        string: as `models.create_from_string` takes it.
        images: to train on and to judge by.
        budget: how it is trained.
        seed: of the search.

    Returns:
        the child. One that cannot be built, that does not take these images, or whose loss becomes NaN or Inf, has the reward 0 and its error.

    Raises:
        ArgumentError: the seed is negative or no integer.

    Example:
        >>> from minicnn.search import search_images
        >>> child = train_child("chain 3x3x8/2 3x3x16/2+0", search_images("digits", size=8, count=400), Budget(steps=30))
        >>> child.steps, child.error, child.reward > 0.2
        (30, None, True)
    """
    own = child_seed(string, seed)
    begin, steps, parameters = time.perf_counter(), 0, 0
    manual_seed(own)
    try:
        model = create_from_string(string, num_classes=images.classes, in_channels=images.shape[0], **budget.sizes)
        parameters = sum(parameter.size for parameter in model.parameters())
        for steps in _trained(model, images.train, budget, own):  # noqa: B007 - how many there were is told also where one fails
            pass
        reward, error = _judged(model, images.validation), None
    except MinicnnError as failure:
        reward, error = 0.0, f"{type(failure).__name__}: {failure}"
    return Child(reward, parameters, steps, time.perf_counter() - begin, error)


def child_seed(string: str, seed: int) -> int:
    """A number from 0 to 2⁶³ - 1 that depends on the child and on the search's seed.

    >>> child_seed("chain 3x3x8", 0) == child_seed("chain 3x3x8", 1)
    False
    """
    text = f"{checks.integer(seed, 'train_child: seed', 0)} {string}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def _trained(model: Module, train: ArrayDataset, budget: Budget, seed: int) -> Iterator[int]:
    """Take step after step; yields how many there have been."""
    optimizer = SGD(model.parameters(), lr=budget.lr, momentum=0.9, weight_decay=budget.weight_decay)
    schedule = OneCycleLR(optimizer, budget.lr, budget.steps)
    for step, (x, labels) in enumerate(_batches(train, budget, seed), 1):
        loss = cross_entropy(model(x), labels)
        if not math.isfinite(value := loss.item()):
            raise NonFiniteError(f"the loss is {value} at step {step}, with a learning rate of {schedule.get_last_lr()[0]:g}")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield step


def _batches(train: ArrayDataset, budget: Budget, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """As many batches as there are steps, from one shuffled pass over the images after the other."""
    rng = np.random.default_rng(seed)
    size = min(budget.batch_size, len(train))
    order: Array = np.empty(0, np.int64)
    for _ in range(budget.steps):
        if len(order) < size:
            order = rng.permutation(len(train))
        batch, order = order[:size], order[size:]
        x, labels = (array[batch] for array in train.arrays)
        yield Tensor(x), Tensor(labels)


def _judged(model: Module, validation: ArrayDataset) -> float:
    """The share of the validation images that it gets right."""
    metrics = evaluate(model, DataLoader(validation, 256))
    if not math.isfinite(metrics.loss):
        raise NonFiniteError(f"the loss on the validation images is {metrics.loss}")
    return float(metrics.accuracy)

