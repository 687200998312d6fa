"""Making images larger or smaller: each new pixel is a weighted mean of the old ones around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from minicnn.data.transforms.compose import check_image
from minicnn.errors import ShapeError
from minicnn.kernels.types import Array
from minicnn.ops import checks

BITS = 22  # of the fraction, in Pillow's fixed-point weights


class Resize:
    """Interpolation to another size: see `resize`.

    Args:
        size: an integer for the shorter side, the other in proportion; or (height, width).
        interpolation: "bilinear" or "bicubic".

    Raises:
        ArgumentError: a size is below 1, or the interpolation is neither.

    Example:
        >>> Resize(8)(np.zeros((3, 4, 6)), np.random.default_rng(0)).shape
        (3, 8, 12)
    """

    def __init__(self, size: int | Sequence[int], interpolation: str = "bilinear") -> None:
        self.size = checks.pair(size, "Resize: size")
        self.shorter = not isinstance(size, Sequence)
        self.interpolation = checks.choice(interpolation, "Resize: interpolation", tuple(KERNELS))

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:  # noqa: ARG002 - called like every transform
        check_image("Resize", image)
        H, W = image.shape[1:]
        short = min(H, W)
        size = (self.size[0] * H // short, self.size[0] * W // short) if self.shorter and short else self.size
        return resize(image, size, self.interpolation)

    def __repr__(self) -> str:
        size = f"shorter side {self.size[0]}" if self.shorter else f"{self.size[0]}x{self.size[1]}"
        return f"Resize({size}, {self.interpolation})"


def resize(images: Array, size: tuple[int, int], interpolation: str = "bilinear") -> Array:
    """Interpolate images (..., H, W) to (..., h, w). float64 and bytes (uint8) keep their type, everything else becomes float32.

    Output row i has its centre at c = (i + 1/2) H/h - 1/2 in input rows, and is a weighted mean of the rows j around it, with weights
    proportional to k((j - c) / s), s = max(1, H/h); columns likewise. So it is one matrix product per axis: y = R · x · Cᵀ. Making an
    image smaller widens the kernel k (s > 1), so that no pixel is skipped.

        bilinear  k(t) = 1 - |t|                                  |t| < 1
        bicubic   k(t) = 3/2 |t|³ - 5/2 |t|² + 1                  |t| < 1
                         -1/2 |t|³ + 5/2 |t|² - 4 |t| + 2         1 <= |t| < 2     (Keys 1981, with a = -1/2)

    On floats, "bilinear" is PyTorch's with antialiasing. On bytes, both are Pillow's, bit for bit: weights that are rounded to 22
    binary places, and a result that is rounded to bytes after each of the two products. Columns come first; or rows, as in Pillow 13
    and newer, if the height shrinks by more than twice as many pixels as the width. (`io.read_image` averages areas instead, because the
    scans of the digits were made small in that way.)

    Raises:
        ArgumentError: the interpolation is neither "bilinear" nor "bicubic".
        ShapeError: fewer than two axes, or an empty image.

    Source:
        R. G. Keys 1981, "Cubic convolution interpolation for digital image processing", IEEE Trans. ASSP 29(6).

    Example:
        >>> resize(np.array([[0.0, 1.0]]), (1, 4))
        array([[0.  , 0.25, 0.75, 1.  ]])
        >>> resize(np.array([[0, 100]], np.uint8), (1, 4), "bicubic")
        array([[  0,  21,  79, 109]], dtype=uint8)
    """
    if images.ndim < 2 or images.size == 0:
        raise ShapeError(f"resize: needs images (..., H, W) with at least one pixel; these are {images.shape}")
    kernel = KERNELS[checks.choice(interpolation, "resize: interpolation", tuple(KERNELS))]
    rows, columns = _weights(images.shape[-2], size[0], kernel), _weights(images.shape[-1], size[1], kernel)
    if images.dtype == np.uint8:
        return _resize_bytes(images, rows, columns)
    images = images if images.dtype == np.float64 else images.astype(np.float32)
    return rows.astype(images.dtype) @ images @ columns.T.astype(images.dtype)


def _bilinear(t: Array) -> Array:
    return np.maximum(0, 1 - np.abs(t))


def _bicubic(t: Array) -> Array:
    t = np.abs(t)
    return np.where(t < 1, (1.5 * t - 2.5) * t * t + 1, np.where(t < 2, ((-0.5 * t + 2.5) * t - 4) * t + 2, 0))


KERNELS: dict[str, Callable[[Array], Array]] = {"bilinear": _bilinear, "bicubic": _bicubic}


def _weights(old: int, new: int, kernel: Callable[[Array], Array]) -> Array:
    """The matrix (new, old) that interpolates along one axis."""
    scale = old / new
    centres = (np.arange(new) + 0.5) * scale - 0.5
    weights = kernel((np.arange(old) - centres[:, None]) / max(1.0, scale))
    return weights / weights.sum(axis=1, keepdims=True)


def _resize_bytes(images: Array, rows: Array, columns: Array) -> Array:
    (H, W), (h, w) = images.shape[-2:], (len(rows), len(columns))
    if h < H and H - h > 2 * (W - w):
        return _mix(_mix(images.swapaxes(-1, -2), rows).swapaxes(-1, -2), columns)
    return _mix(_mix(images, columns).swapaxes(-1, -2), rows).swapaxes(-1, -2)


def _mix(images: Array, weights: Array) -> Array:
    """Bytes (..., old) to bytes (..., new), in integers: only few weights of a row are not zero, so one step for each of them."""
    exact = weights * 2**BITS
    fixed = np.trunc(exact + np.copysign(0.5, exact)).astype(np.int32)
    new, old = fixed.shape
    first = (fixed != 0).argmax(axis=1)
    last = old - 1 - (fixed != 0)[:, ::-1].argmax(axis=1)
    total = np.full((*images.shape[:-1], new), 2 ** (BITS - 1), np.int32)  # one half, to round
    for step in range((last - first).max() + 1):
        column = np.minimum(first + step, old - 1)
        total += images[..., column] * np.where(first + step < old, fixed[np.arange(new), column], 0).astype(np.int32)
    return np.clip(total >> BITS, 0, 255).astype(np.uint8)
