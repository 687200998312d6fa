"""What is counted while a network trains: loss, accuracy and speed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from minicnn import checks
from minicnn.kernels.types import Array

_COUNTED = ("images", "batches", "correct", "total_loss", "seconds")


@dataclass
class Metrics:
    """Means over the images seen so far and over the last batch, and the seconds from the first line of work to the last batch.

    Attributes:
        images, batches: how many have been seen.
        correct: images whose highest score is at their label; a mixed one counts in parts.
        total_loss: sum of the images' losses.
        seconds: time up to the last batch.
        started: when counting began, in seconds of `time.perf_counter`.
        batch_loss: mean loss of the last batch.
        batch_accuracy: share of the last batch's images that are right, from 0 to 1.

    Example:
        >>> import numpy as np
        >>> metrics = Metrics()
        >>> metrics.add(0.5, np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]))
        >>> metrics.loss, metrics.accuracy, metrics.images
        (0.5, 0.5, 2)
    """

    images: int = 0
    batches: int = 0
    correct: float = 0.0
    total_loss: float = 0.0
    seconds: float = 0.0
    started: float = field(default_factory=perf_counter)
    batch_loss: float = 0.0
    batch_accuracy: float = 0.0

    def add(self, loss: float, scores: Array, labels: Array, others: Array | None = None, share: float = 1.0) -> None:
        """Count a batch: its mean loss, scores (N, K) and labels (N,); see `correct`."""
        self.count(loss, correct(scores, labels, others, share), len(labels))

    def count(self, loss: float, correct: float, images: int) -> None:
        """Count a batch of so many images by its mean loss, and how many of them are right."""
        self.images += images
        self.batches += 1
        self.correct += correct
        self.batch_loss, self.batch_accuracy = loss, correct / images
        self.total_loss += loss * images
        self.seconds = perf_counter() - self.started

    def state_dict(self) -> dict[str, float]:
        """What has been counted so far, for a checkpoint in the middle of a pass."""
        return {name: getattr(self, name) for name in _COUNTED}

    @classmethod
    def resumed(cls, state: Mapping[str, Any]) -> "Metrics":
        """Go on counting where another process stopped.

        Raises:
            ArgumentError: something that was counted is no number.
        """
        images, batches = (checks.integer(state[name], f"Metrics: {name}", 0) for name in _COUNTED[:2])
        correct, total_loss, seconds = (checks.number(state[name], f"Metrics: {name}") for name in _COUNTED[2:])
        return cls(images, batches, correct, total_loss, seconds, started=perf_counter() - seconds)

    @property
    def loss(self) -> float:
        """Mean loss of an image."""
        return self.total_loss / max(1, self.images)

    @property
    def accuracy(self) -> float:
        """Fraction of the images whose highest score is at their label."""
        return self.correct / max(1, self.images)

    @property
    def images_per_second(self) -> float:
        """Speed up to the last batch."""
        return self.images / max(1e-9, self.seconds)


def correct(scores: Array, labels: Array, others: Array | None = None, share: float = 1.0) -> float:
    """How many images of a batch are right, from scores (N, K) and labels (N,).

    Where images are mixed (`data.mixup`), an image counts with `share` if it is taken for its label, and with the rest if for that of the other image.

    >>> import numpy as np
    >>> correct(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]), np.array([1, 1]), share=0.75)
    1.0
    """
    found = scores.argmax(axis=1)
    right = float((found == labels).sum())
    return right if others is None else share * right + (1 - share) * float((found == others).sum())
