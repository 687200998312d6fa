"""Several networks as one: the mean of what they say, over several views of each image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from minicnn import ops
from minicnn.autograd import Tensor, no_grad
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.nn.mode import evaluating
from minicnn.ops.autocast import autocast
from minicnn.train.batches import Batches

Views = Callable[[Tensor], Sequence[Tensor]]
"""`views(images)`: the same images (N, C, H, W) in several ways, such as windows of them and their mirror images."""


@dataclass(frozen=True)
class Verdict:
    """What networks say of images.

    Attributes:
        probabilities: (N, K), each row adds up to 1.
        labels: (N,).
    """

    probabilities: Array
    labels: Array

    @property
    def accuracy(self) -> float:
        """Part of the images whose most probable class is the right one."""
        return float((self.probabilities.argmax(axis=1) == self.labels).mean())

    @property
    def loss(self) -> float:
        """The mean cross-entropy: -log of the probability of the right class."""
        return float(-np.log(np.maximum(self.probabilities[np.arange(len(self.labels)), self.labels], np.finfo(np.float64).tiny)).mean())

    def confusions(self) -> list[tuple[tuple[int, int], int]]:
        """((label, class it was taken for), how often), the most frequent first."""
        pairs = zip(self.labels.tolist(), self.probabilities.argmax(axis=1).tolist(), strict=True)
        return [(pair, count) for pair, count in Counter(pairs).most_common() if pair[0] != pair[1]]

    def top(self, k: int) -> float:
        """Part of the images whose right class is among the k most probable.

        Raises:
            ArgumentError: there are fewer classes.
        """
        if not 1 <= k <= self.probabilities.shape[1]:
            raise ArgumentError(f"top: k must be from 1 to the {self.probabilities.shape[1]} classes, not {k}")
        best = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :k]
        return float((best == self.labels[:, None]).any(axis=1).mean())


def judge(model: Module, batches: Batches, *, views: Views | None = None, precision: str = "fp32") -> Verdict:
    """The probabilities that a network in evaluation mode gives, averaged over views of each image.

    Raises:
        ArgumentError: there are no images.

    Source:
        Krizhevsky et al. 2012 (AlexNet), sec. 4.1: the mean of the softmax over ten windows.
    """
    found, given = [], []
    with evaluating(model), no_grad(), autocast(precision):
        for images, labels in batches:
            seen = [ops.softmax(model(view), axis=1).numpy().astype(np.float64) for view in (views(images) if views else [images])]
            found.append(np.mean(seen, axis=0))
            given.append(labels.numpy())
    if not found:
        raise ArgumentError("judge: there are no images")
    return Verdict(np.concatenate(found), np.concatenate(given))


def average(verdicts: Iterable[Verdict]) -> Verdict:
    """What several networks say together: the mean of their probabilities.

    Raises:
        ShapeError: they speak of other images or other classes.

    Source:
        Krizhevsky et al. 2012, sec. 6.1: seven networks, 18.2 % -> 15.4 % top-5 error.

    Example:
        >>> one, other = Verdict(np.array([[0.6, 0.4]]), np.array([1])), Verdict(np.array([[0.1, 0.9]]), np.array([1]))
        >>> one.accuracy, average([one, other]).accuracy
        (0.0, 1.0)
    """
    verdicts = list(verdicts)
    if len({(verdict.probabilities.shape, verdict.labels.tobytes()) for verdict in verdicts}) != 1:
        raise ShapeError("an ensemble needs networks that were asked about the same images, with the same classes")
    return Verdict(np.mean([verdict.probabilities for verdict in verdicts], axis=0), verdicts[0].labels)
