"""What is counted while a network trains: loss, accuracy and speed."""

from dataclasses import dataclass, field
from time import perf_counter

from minicnn.kernels.types import Array


@dataclass
class Metrics:
    """Means over the images seen so far, and the seconds from the first line of work to the last batch.

    Example:
        >>> import numpy as np
        >>> metrics = Metrics()
        >>> metrics.add(0.5, np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]))
        >>> metrics.loss, metrics.accuracy, metrics.images
        (0.5, 0.5, 2)
    """

    images: int = 0
    correct: int = 0
    total_loss: float = 0.0
    seconds: float = 0.0
    started: float = field(default_factory=perf_counter)

    def add(self, loss: float, scores: Array, labels: Array) -> None:
        """Count a batch: its mean loss, scores (N, K) and labels (N,)."""
        self.images += len(labels)
        self.correct += int((scores.argmax(axis=1) == labels).sum())
        self.total_loss += loss * len(labels)
        self.seconds = perf_counter() - self.started

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
