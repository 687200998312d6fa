"""Occlusion: cover a part of the image, and see what becomes of the class."""

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor, no_grad
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.nn.mode import evaluating
from minicnn.ops import softmax
from minicnn.visualise.score import Classes, chosen


def occlusion(
    model: Module,
    x: Tensor | Array,
    classes: Classes = None,
    *,
    patch: int | None = None,
    stride: int | None = None,
    fill: float = 0.0,
    batch_size: int = 32,
) -> Array:
    """How much the probability of a class falls when a square covers a pixel.

    The square is moved over the image in steps of `stride`, and once more to the right and lower borders, so that it has covered every pixel. The
    value of a pixel is the mean over all squares that cover it. Negative values: the class becomes more probable without it.

    Args:
        model: any network that gives scores (N, K). Its modes are as before afterwards.
        x: images (N, C, H, W), prepared as the network needs them.
        classes: which class; by default, for each image, the one with the highest score.
        patch: side of the square in pixels; by default a seventh of the image's shorter side.
        stride: pixels from one square to the next; by default half a side.
        fill: what covers the image. In one that is normalised, 0 is the mean of all images: grey.
        batch_size: covered images that are computed at once.

    Returns:
        Maps (N, H, W): differences of probabilities.

    Raises:
        ArgumentError: the square is larger than the image, or the steps are larger than it, or there is no such class.
        ShapeError: the images are not (N, C, H, W), or the network gives no scores.

    Source:
        Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", sec. 4.2 and fig. 7 (d).

    Example:
        >>> import minicnn
        >>> from minicnn.models import LeNet5
        >>> occlusion(LeNet5(), minicnn.randn(1, 1, 32, 32), patch=8, stride=8).shape
        (1, 32, 32)
    """
    images = np.array(x.numpy() if isinstance(x, Tensor) else x)
    if images.ndim != 4:
        raise ShapeError(f"occlusion: images must be (N, C, H, W), not {images.shape}; a single one is image[None]")
    H, W = images.shape[2:]
    patch = max(1, min(H, W) // 7) if patch is None else checks.integer(patch, "occlusion: patch")
    stride = max(1, patch // 2) if stride is None else checks.integer(stride, "occlusion: stride")
    checks.integer(batch_size, "occlusion: batch_size")
    if patch > min(H, W):
        raise ArgumentError(f"occlusion: a square of {patch} pixels is larger than the images of {H} x {W}")
    if stride > patch:
        raise ArgumentError(f"occlusion: with steps of {stride} pixels, a square of {patch} leaves pixels between them that it never covers")
    squares = [(top, left) for top in _starts(H, patch, stride) for left in _starts(W, patch, stride)]
    with evaluating(model), no_grad():
        scores = model(Tensor(images))
        wanted = chosen(scores, classes, "occlusion")
        whole = softmax(scores, axis=1).numpy()[np.arange(len(images)), wanted]
        covered = [_covered(model, image, k, squares, patch, fill, batch_size) for image, k in zip(images, wanted, strict=True)]
    return np.stack([_spread(p - q, squares, patch, (H, W)) for p, q in zip(whole, covered, strict=True)])


def _starts(size: int, patch: int, stride: int) -> list[int]:
    """Where along an axis the square begins; the last one ends with the image."""
    return [*range(0, size - patch, stride), size - patch]


def _covered(model: Module, image: Array, k: int, squares: list[tuple[int, int]], patch: int, fill: float, batch_size: int) -> Array:
    """The probability of class k for each place of the square."""
    found = []
    for first in range(0, len(squares), batch_size):
        some = squares[first : first + batch_size]
        batch = np.repeat(image[None], len(some), axis=0)
        for one, (top, left) in zip(batch, some, strict=True):
            one[:, top : top + patch, left : left + patch] = fill
        found.append(softmax(model(Tensor(batch)), axis=1).numpy()[:, k])
    return np.concatenate(found)


def _spread(drops: Array, squares: list[tuple[int, int]], patch: int, size: tuple[int, int]) -> Array:
    """The mean of the drops of all squares that cover each pixel."""
    total, count = np.zeros(size), np.zeros(size)
    for drop, (top, left) in zip(drops, squares, strict=True):
        total[top : top + patch, left : left + patch] += drop
        count[top : top + patch, left : left + patch] += 1
    return (total / count).astype(drops.dtype)
