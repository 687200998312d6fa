"""Transforms: functions of an image and a random generator that return the image as the network shall see it.

An image is an array (C, H, W). A transform draws every random number from the generator that it is given, so
that a sample looks the same in each run with the same seed, whichever process prepares it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.ops import checks

Transform: TypeAlias = Callable[[Array, np.random.Generator], Array]
"""`transform(image, rng) -> image`"""


class Compose:
    """One transform after the other.

    Raises:
        ArgumentError: one of them is no function of an image and a random generator.

    Example:
        >>> augment = Compose(RandomHorizontalFlip(), RandomCrop(32, padding=4))   # He et al. 2016, sec. 4.2
        >>> augment(np.zeros((3, 32, 32)), np.random.default_rng(0)).shape
        (3, 32, 32)
    """

    def __init__(self, *transforms: Transform) -> None:
        for transform in transforms:
            if not callable(transform):
                raise ArgumentError(f"Compose: {transform!r} is no function of (image, rng); write Compose(a, b), without brackets")
            check_transform(transform, "Compose: transform")
        self.transforms = transforms

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:
        for transform in self.transforms:
            image = transform(image, rng)
        return image


class Normalize:
    """(image - mean) / std, channel by channel, as float32 (float64 stays float64).

    Args:
        mean: a number, or one for each channel, in the units of the image.
        std: likewise, above 0.

    Raises:
        ArgumentError: `std` is not above 0.
        ShapeError: the image has another number of channels.

    Example:
        >>> Normalize(mean=128, std=64)(np.full((1, 2, 2), 192, np.uint8), np.random.default_rng(0))[0, 0]
        array([1., 1.], dtype=float32)
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean, self.std = (np.asarray(value, np.float64).reshape(-1, 1, 1) for value in (mean, std))
        if not bool((self.std > 0).all()):
            raise ArgumentError(f"Normalize: std must be above 0, not {std!r}")

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:  # noqa: ARG002 - called like every transform
        _check_image("Normalize", image)
        channels = {len(self.mean), len(self.std), 1}
        if not channels <= {1, len(image)}:
            raise ShapeError(f"Normalize: mean and std are for {max(channels)} channels; the image is {image.shape}, read as (C, H, W)")
        image = image if image.dtype == np.float64 else image.astype(np.float32)
        return (image - self.mean.astype(image.dtype)) / self.std.astype(image.dtype)


class Resize:
    """Bilinear interpolation to another size: see `resize`.

    Args:
        size: an integer for the shorter side, the other in proportion; or (height, width).

    Raises:
        ArgumentError: a size is below 1.

    Example:
        >>> Resize(8)(np.zeros((3, 4, 6)), np.random.default_rng(0)).shape
        (3, 8, 12)
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = checks.pair(size, "Resize: size")
        self.shorter = not isinstance(size, Sequence)

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:  # noqa: ARG002 - called like every transform
        _check_image("Resize", image)
        H, W = image.shape[1:]
        short = min(H, W)
        size = (self.size[0] * H // short, self.size[0] * W // short) if self.shorter else self.size
        return resize(image, size)


class RandomHorizontalFlip:
    """Mirror left and right with probability `p`. Not for digits or letters.

    Raises:
        ArgumentError: `p` is no probability.

    Example:
        >>> RandomHorizontalFlip(p=1)(np.arange(3).reshape(1, 1, 3), np.random.default_rng(0))
        array([[[2, 1, 0]]])
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = checks.fraction(p, "RandomHorizontalFlip: p", include_one=True)

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:
        _check_image("RandomHorizontalFlip", image)
        return image[:, :, ::-1] if rng.random() < self.p else image


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
        _check_image("RandomCrop", image)
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
        _check_image("RandomShift", image)
        return RandomCrop(image.shape[1:], self.padding, self.fill)(image, rng)


def resize(images: Array, size: tuple[int, int]) -> Array:
    """Bilinear interpolation of images (..., H, W) to (..., h, w), as float32 (float64 stays float64).

    Output row i has its centre at c = (i + 1/2) H/h - 1/2 in input rows, and is a weighted mean of the rows j
    around it, with weights proportional to max(0, 1 - |j - c| / s), s = max(1, H/h); columns likewise. So it
    is one matrix product per axis: y = R · x · Cᵀ. Making an image smaller widens the triangle (s > 1), so
    that no pixel is skipped. (`io.read_image` averages areas instead, because the scans of the digits were made
    small in that way.)

    Raises:
        ShapeError: fewer than two axes, or an empty image.

    Example:
        >>> resize(np.array([[0.0, 1.0]]), (1, 4))
        array([[0.  , 0.25, 0.75, 1.  ]])
    """
    if images.ndim < 2 or images.size == 0:
        raise ShapeError(f"resize: needs images (..., H, W) with at least one pixel; these are {images.shape}")
    images = images if images.dtype == np.float64 else images.astype(np.float32)
    rows, columns = _weights(images.shape[-2], size[0]), _weights(images.shape[-1], size[1])
    return rows.astype(images.dtype) @ images @ columns.T.astype(images.dtype)


def _weights(old: int, new: int) -> Array:
    """The matrix (new, old) that interpolates along one axis."""
    scale = old / new
    centres = (np.arange(new) + 0.5) * scale - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(old) - centres[:, None]) / max(1.0, scale))
    return weights / weights.sum(axis=1, keepdims=True)


def check_transform(transform: Transform, name: str) -> None:
    """The function can be called with two arguments: many a transform of other libraries takes the image only."""
    try:
        inspect.signature(transform).bind(None, None)
    except ValueError:
        pass  # some functions written in C do not say what they take
    except TypeError as error:
        raise ArgumentError(
            f"{name} is called as transform(image, rng), where rng is the random generator to draw from, and "
            f"{getattr(transform, '__name__', type(transform).__name__)} cannot be: {error}; write `lambda image, rng: ...`"
        ) from None


def _check_image(transform: str, image: Any) -> None:
    if not isinstance(image, np.ndarray) or image.ndim != 3:
        given = f"shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ShapeError(f"{transform}: an image must be an array with 3 axes (C, H, W), not {given}")
