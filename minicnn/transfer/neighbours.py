"""Nearest neighbours: which images are alike, to a network's features and to the bare pixels."""

from typing import Any, NamedTuple

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.backend import to_numpy
from minicnn.data import DataLoader
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.transfer.features import features, pooled

METRICS = ("l2", "cosine")


class Neighbours(NamedTuple):
    """For each of Q images, its nearest of N others, from near to far.

    Attributes:
        indices: (Q, count), of the others.
        distances: (Q, count).
    """

    indices: Array
    distances: Array


def neighbours(
    model: Module, queries: Tensor | Array, loader: DataLoader, layer: str | None = None, *, count: int = 5, metric: str = "l2"
) -> tuple[Neighbours, Neighbours]:
    """The images of a dataset that are nearest to given ones: in a network's features, and, for comparison, in the pixels.

    Two pictures of elephants that stand in different poses share hardly a pixel, but have nearly the same features.

    Args:
        model: any network; see `features`.
        queries: images (Q, C, H, W), prepared as the network needs them.
        loader: of the N images to look in, not shuffled; of each batch only the first entry is used.
        layer: whose output are the features, averaged over height and width; by default what goes into the last layer with weights.
        count: neighbours of each image.
        metric: of features: "l2", the Euclidean distance, as in the source; or "cosine", 1 - cos of the angle, which leaves lengths aside. Of
            pixels it is always Euclidean.

    Returns:
        The neighbours in features, and those in pixels.

    Raises:
        ArgumentError: there are fewer images than neighbours, or the metric is unknown; or as `features`.
        ShapeError: the loader's images are of another size than the queries.

    Source:
        Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", sec. 6.1 and fig. 4 (right).

    Example:
        >>> from minicnn.data import DataLoader, Digits
        >>> from minicnn.models import LeNet5
        >>> digits = Digits(train=False)
        >>> found, in_pixels = neighbours(LeNet5(), digits.images[:2], DataLoader(digits, batch_size=180), count=3)
        >>> found.indices.shape, in_pixels.indices[:, 0].tolist(), in_pixels.distances[:, 0].tolist()
        ((2, 3), [0, 1], [0.0, 0.0])
    """
    wanted = _features(model, queries, layer)
    pixels = _rows(queries)
    by_feature, by_pixel = [], []
    for batch in loader:
        images = batch[0] if isinstance(batch, tuple) else batch
        by_feature.append(distances(wanted, _features(model, images, layer), metric))
        by_pixel.append(distances(pixels, _rows(images)))
    return nearest_of(np.hstack(by_feature), count), nearest_of(np.hstack(by_pixel), count)


def _features(model: Module, images: Tensor | Array, layer: str | None) -> Array:
    y = pooled(features(model, images, layer).numpy())
    return y.reshape(len(y), -1)


def _rows(images: Any) -> Array:
    """Each image as one row of numbers."""
    array = to_numpy(images.data) if isinstance(images, Tensor) else np.asarray(images)
    return array.reshape(len(array), -1)


def distances(a: Array, b: Array, metric: str = "l2") -> Array:
    """From each row of `a` to each row of `b`: "l2", |a - b|; or "cosine", 1 - a·b / (|a| |b|), which is 1 where one of them is 0.

    Shapes:
        a: (N, F).
        b: (M, F).
        result: (N, M), float64.

    Raises:
        ArgumentError: the metric is neither.
        ShapeError: the rows differ in length.

    Example:
        >>> distances(np.array([[3.0, 0.0]]), np.array([[0.0, 4.0], [6.0, 0.0]])).tolist()
        [[5.0, 3.0]]
        >>> distances(np.array([[3.0, 0.0]]), np.array([[0.0, 4.0], [6.0, 0.0]]), "cosine").tolist()
        [[1.0, 0.0]]
    """
    checks.choice(metric, "distances: metric", METRICS)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ShapeError(f"distances: needs rows of one length, (N, F) and (M, F), not {a.shape} and {b.shape}")
    a, b = a.astype(np.float64), b.astype(np.float64)
    if metric == "l2":
        return np.stack([np.sqrt(((b - row) ** 2).sum(axis=1)) for row in a]) if len(a) else np.zeros((0, len(b)))
    lengths = np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    return 1 - np.divide(a @ b.T, lengths, out=np.zeros_like(lengths), where=lengths > 0)


def nearest_of(between: Array, count: int) -> Neighbours:
    """The nearest for each row of a table of distances (Q, N). Of equal ones the first counts.

    Raises:
        ArgumentError: there are fewer than `count`.

    Example:
        >>> nearest_of(np.array([[0.5, 0.1, 0.9]]), 2).indices
        array([[1, 0]])
    """
    checks.integer(count, "neighbours: count")
    if between.shape[1] < count:
        raise ArgumentError(f"neighbours: {count} are wanted of each image, and there are only {between.shape[1]} images to look in")
    indices = np.argsort(between, axis=1, kind="stable")[:, :count]
    return Neighbours(indices, np.take_along_axis(between, indices, axis=1))
