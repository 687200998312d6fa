"""Windows on an image."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from minicnn.data.transforms.compose import check_image
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.ops import checks


class CenterCrop:
    """The window in the middle of the image.

    Args:
        size: height and width of the window: an integer, or a pair. As in torchvision, half a pixel is rounded to the even side.
        fraction: instead of a size, the share of the shorter side that a square window has, rounded down. As in TensorFlow's programs for
            ImageNet, half a pixel is rounded up.

    Raises:
        ArgumentError: a size is below 1; the fraction is not above 0 and at most 1; or both are given, or none.
        ShapeError: the image is smaller than the window.

    Example:
        >>> CenterCrop(2)(np.arange(16).reshape(1, 4, 4), np.random.default_rng(0))
        array([[[ 5,  6],
                [ 9, 10]]])
        >>> CenterCrop(fraction=0.875)(np.zeros((3, 300, 256)), np.random.default_rng(0)).shape
        (3, 224, 224)
    """

    def __init__(self, size: int | Sequence[int] | None = None, *, fraction: float | Fraction | None = None) -> None:
        if (size is None) == (fraction is None):
            raise ArgumentError("CenterCrop: needs either a size or a fraction of the shorter side")
        self.size = None if size is None else checks.pair(size, "CenterCrop: size")
        if fraction is not None and not 0 < fraction <= 1:
            raise ArgumentError(f"CenterCrop: fraction must be above 0 and at most 1, not {fraction!r}")
        self.fraction = fraction

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:  # noqa: ARG002 - called like every transform
        check_image("CenterCrop", image)
        H, W = image.shape[1:]
        if self.fraction is not None:
            h = w = max(1, int(min(H, W) * self.fraction))
            top, left = (H - h + 1) // 2, (W - w + 1) // 2
        else:
            assert self.size is not None
            h, w = self.size
            top, left = round((H - h) / 2), round((W - w) / 2)
        if h > H or w > W or min(H, W) < 1:
            raise ShapeError(f"CenterCrop: a window of {h}x{w} does not fit into {H}x{W}; the image is {image.shape}, read as (C, H, W)")
        return image[:, top : top + h, left : left + w]

    def __repr__(self) -> str:
        return f"CenterCrop(fraction={self.fraction})" if self.size is None else f"CenterCrop({self.size[0]}x{self.size[1]})"


class RandomCrop:
    """A window of the given size at a random place of the image, which may be padded first.

    Args:
        size: height and width of the window: an integer, or a pair.
        padding: pixels put around the image first: an integer, (height, width), or (top, bottom, left,
            right).
        fill: their value. The background of a normalised image is not 0: for digits it is
            `Digits.background`.

    Raises:
        ArgumentError: a size is below 1, or a padding below 0.
        ShapeError: the padded image is smaller than the window.

    Example:
        >>> RandomCrop(24)(np.zeros((3, 32, 32)), np.random.default_rng(0)).shape
        (3, 24, 24)
    """

    def __init__(self, size: int | Sequence[int], padding: int | Sequence[int] = 0, fill: float = 0.0) -> None:
        self.size = checks.pair(size, "RandomCrop: size")
        self.padding = checks.padding4(padding, "RandomCrop: padding")
        self.fill = fill

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:
        check_image("RandomCrop", image)
        top, bottom, left, right = self.padding
        (H, W), (h, w) = image.shape[1:], self.size
        rows, columns = H + top + bottom - h, W + left + right - w
        if rows < 0 or columns < 0:
            raise ShapeError(
                f"RandomCrop: a window of {h}x{w} does not fit into {H + top + bottom}x{W + left + right}, the image with its "
                f"padding; the image is {image.shape}, read as (C, H, W)"
            )
        y = int(rng.integers(rows + 1)) - top  # the window's corner, in the image's coordinates
        x = int(rng.integers(columns + 1)) - left
        window = np.full((len(image), h, w), self.fill, image.dtype)
        inside = image[:, max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)]
        window[:, max(-y, 0) :, max(-x, 0) :][:, : inside.shape[1], : inside.shape[2]] = inside
        return window


class RandomShift:
    """Move the image by up to `pixels` in each direction; what comes in from outside has the value `fill`.

    All (2 pixels + 1)² moves are equally likely. The same as `RandomCrop` of the image's own size, with a
    padding.

    Raises:
        ArgumentError: `pixels` is below 0.

    Example:
        >>> from minicnn.data import DataLoader, Digits
        >>> shift = RandomShift(2, fill=Digits.background)
        >>> images, labels = next(iter(DataLoader(Digits(), batch_size=64, shuffle=True, transform=shift)))
    """

    def __init__(self, pixels: int | Sequence[int], fill: float = 0.0) -> None:
        self.padding = checks.pair(pixels, "RandomShift: pixels", least=0)
        self.fill = fill

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:
        check_image("RandomShift", image)
        return RandomCrop(image.shape[1:], self.padding, self.fill)(image, rng)
