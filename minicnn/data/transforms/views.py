"""Several views of one image, to be judged one by one: the mean of the network's probabilities is better than its first guess."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicnn.data.transforms.compose import check_image
from minicnn.data.transforms.resize import Resize
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.ops import checks


class FiveCrop:
    """The windows in the four corners and in the middle: (C, H, W) to (5, C, h, w), top left, top right, bottom left, bottom right, middle.

    Nothing is random, and values stay what they are. It is the last of a `Compose`, for other transforms take one image.

    Args:
        size: height and width of the windows: an integer, or a pair.

    Raises:
        ArgumentError: a size is below 1.
        ShapeError: while it is called: the image is smaller than the window.

    Example:
        >>> FiveCrop(1)(np.arange(9).reshape(1, 3, 3)).ravel()
        array([0, 2, 6, 8, 4])
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = checks.pair(size, f"{type(self).__name__}: size")

    def __call__(self, image: Array, rng: np.random.Generator | None = None) -> Array:  # noqa: ARG002 - called like every transform
        check_image(type(self).__name__, image)
        (H, W), (h, w) = image.shape[1:], self.size
        if h > H or w > W:
            raise ShapeError(f"{type(self).__name__}: a window of {h}x{w} does not fit into {H}x{W}; the image is {image.shape}, read as (C, H, W)")
        corners = [(0, 0), (0, W - w), (H - h, 0), (H - h, W - w), (round((H - h) / 2), round((W - w) / 2))]
        return np.stack([image[:, top : top + h, left : left + w] for top, left in corners])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size[0]}x{self.size[1]})"


class TenCrop(FiveCrop):
    """`FiveCrop`, and the same five mirrored left to right: (C, H, W) to (10, C, h, w).

    Raises:
        ArgumentError: a size is below 1.
        ShapeError: while it is called: the image is smaller than the window.

    Source:
        Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks", sec. 4.1: the mean of ten softmax outputs.

    Example:
        >>> TenCrop(1)(np.arange(9).reshape(1, 3, 3)).ravel()
        array([0, 2, 6, 8, 4, 0, 2, 6, 8, 4])
        >>> TenCrop(224)(np.zeros((3, 256, 256), np.uint8)).shape
        (10, 3, 224, 224)
    """

    def __call__(self, image: Array, rng: np.random.Generator | None = None) -> Array:
        five = super().__call__(image, rng)
        return np.concatenate([five, five[..., ::-1]])


class MultiScaleViews:
    """The whole image at several sizes, each with its mirror image: (C, H, W) to a list of arrays (2, C, h, w), one for each size.

    For networks that take images of any size. They differ in shape, so a loader cannot put several images into one batch: the arrays are batches of their own.

    Bytes stay bytes, float64 stays float64, all else becomes float32 (`resize`).

    Args:
        sizes: of the shorter side, the other in proportion.

    Raises:
        ArgumentError: no sizes, or one is below 1.

    Source:
        K. Simonyan, A. Zisserman 2015, "Very Deep Convolutional Networks", sec. 3.2 and 4.2.

    Example:
        >>> [view.shape for view in MultiScaleViews([256, 384])(np.zeros((3, 200, 300), np.uint8))]
        [(2, 3, 256, 384), (2, 3, 384, 576)]
    """

    def __init__(self, sizes: Sequence[int], interpolation: str = "bilinear") -> None:
        if not sizes:
            raise ArgumentError("MultiScaleViews: needs at least one size of the shorter side, such as [256, 384, 512]")
        self.resizes = [Resize(size, interpolation) for size in sizes]

    def __call__(self, image: Array, rng: np.random.Generator | None = None) -> list[Array]:
        check_image("MultiScaleViews", image)
        views = [resize(image, rng or np.random.default_rng(0)) for resize in self.resizes]
        return [np.stack([view, view[..., ::-1]]) for view in views]

    def __repr__(self) -> str:
        return f"MultiScaleViews({', '.join(map(repr, self.resizes))})"
