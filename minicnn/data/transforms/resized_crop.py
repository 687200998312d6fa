"""Windows of random size, brought to one size: objects appear at many scales, from near and far."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minicnn import checks as values
from minicnn.data.transforms.compose import check_image
from minicnn.data.transforms.crop import RandomCrop
from minicnn.data.transforms.resize import KERNELS, Resize, resize
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.ops import checks

TRIES = 10


class RandomResizedCrop:
    """A window of random area and shape at a random place, resized: how GoogLeNet and most later networks for ImageNet were trained.

    The window has a share of the image's area that is uniform in `area`, and a width / height whose logarithm is uniform in that of `ratio` (3/4 is as likely as
    4/3). If ten such windows do not fit into the image, it is the largest in the middle whose shape is within `ratio`. As in torchvision.

    Bytes stay bytes, float64 stays float64, all else becomes float32 (`resize`); no value leaves the range of the image with "bilinear".

    Args:
        size: height and width of the result: an integer, or a pair.
        area: smallest and largest share of the image's area, in 0 .. 1.
        ratio: smallest and largest width / height.
        interpolation: "bilinear" or "bicubic".

    Raises:
        ArgumentError: a size is below 1, a range is none, or the interpolation is unknown.

    Source:
        Szegedy et al. 2015, "Going deeper with convolutions", sec. 6.

    Example:
        >>> RandomResizedCrop(224)(np.zeros((3, 300, 400), np.uint8), np.random.default_rng(0)).shape
        (3, 224, 224)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        area: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        interpolation: str = "bilinear",
    ) -> None:
        self.size = checks.pair(size, "RandomResizedCrop: size")
        for name, (low, high), most in (("area", area, 1.0), ("ratio", ratio, math.inf)):
            if not 0 < low <= high <= most:
                raise ArgumentError(f"RandomResizedCrop: {name} must be a range (low, high) above 0{' and up to 1' if most == 1 else ''}, not {(low, high)}")
        self.area, self.ratio = area, ratio
        self.interpolation = values.choice(interpolation, "RandomResizedCrop: interpolation", tuple(KERNELS))

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:
        check_image("RandomResizedCrop", image)
        top, left, h, w = self.window(image.shape[1], image.shape[2], rng)
        return resize(image[:, top : top + h, left : left + w], self.size, self.interpolation)

    def window(self, H: int, W: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
        """Top, left, height and width of a window on an image of H x W pixels."""
        if min(H, W) < 1:
            raise ShapeError(f"RandomResizedCrop: needs an image with at least one pixel, not {H}x{W}")
        for _ in range(TRIES):
            pixels = H * W * rng.uniform(*self.area)
            ratio = math.exp(rng.uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
            h, w = round(math.sqrt(pixels / ratio)), round(math.sqrt(pixels * ratio))
            if 1 <= h <= H and 1 <= w <= W:
                return int(rng.integers(H - h + 1)), int(rng.integers(W - w + 1)), h, w
        ratio = min(max(W / H, self.ratio[0]), self.ratio[1])
        h, w = min(H, max(1, round(W / ratio))), min(W, max(1, round(H * ratio)))
        return (H - h) // 2, (W - w) // 2, h, w

    def __repr__(self) -> str:
        return f"RandomResizedCrop({self.size[0]}x{self.size[1]}, area={self.area[0]:g}..{self.area[1]:g}, ratio={self.ratio[0]:.3g}..{self.ratio[1]:.3g})"


class MultiScale:
    """The image with its shorter side resized to a random S, and a random window of it: VGG's scale jittering.

    S is an integer, each from `smallest` to `largest` equally likely. Bytes stay bytes, float64 stays float64, all else becomes float32 (`resize`).

    Args:
        size: height and width of the window: an integer, or a pair.
        smallest, largest: of S; `smallest` is no smaller than the window.
        interpolation: "bilinear" or "bicubic".

    Raises:
        ArgumentError: a size is below 1, the range of S is empty or begins below the window's size, or the interpolation is unknown.

    Source:
        K. Simonyan, A. Zisserman 2015, "Very Deep Convolutional Networks", sec. 3.1 (S in 256 .. 512).

    Example:
        >>> MultiScale(224)(np.zeros((3, 300, 400), np.uint8), np.random.default_rng(0)).shape
        (3, 224, 224)
    """

    def __init__(self, size: int | Sequence[int], smallest: int = 256, largest: int = 512, interpolation: str = "bilinear") -> None:
        self.size = checks.pair(size, "MultiScale: size")
        self.smallest = values.integer(smallest, "MultiScale: smallest", max(self.size))
        self.largest = values.integer(largest, "MultiScale: largest", self.smallest)
        self.interpolation = values.choice(interpolation, "MultiScale: interpolation", tuple(KERNELS))

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:
        check_image("MultiScale", image)
        S = int(rng.integers(self.smallest, self.largest + 1))
        return RandomCrop(self.size)(Resize(S, self.interpolation)(image, rng), rng)

    def __repr__(self) -> str:
        return f"MultiScale({self.size[0]}x{self.size[1]}, shorter side {self.smallest}..{self.largest})"
