"""Reading a picture of one sign, as a photo or a drawing program leaves it, in the form that a network was trained on."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array


def read_image(path: str | os.PathLike[str], size: int) -> tuple[Array, list[str]]:
    """Read a picture of one sign and turn it into light ink on black that fills the frame, as in `data.Digits`.

    Colours become grey; contrast is stretched to 0..1; dark ink on light paper is inverted (the paper is what the border
    shows); and the picture is cut down to its ink, centred on a square, and resized by averaging areas.

    Args:
        path: PNG, JPEG or whatever else Pillow reads; or an array in a .npy file, (H, W), (1, H, W) or (H, W, 3).
        size: height and width wanted. A picture that has them already is not cut.

    Returns:
        A float32 array (1, size, size), and what was done, in words.

    Raises:
        ArgumentError: the file is missing, is no image, has pixels that are NaN or infinite, or the same colour everywhere;
            or Pillow is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise ArgumentError(f"no image at {path}: {'it is a folder' if path.is_dir() else 'there is no such file'}")
    pixels = _grey(_read_npy(path) if path.suffix == ".npy" else _read_picture(path), path)
    low, high = float(pixels.min()), float(pixels.max())
    if high <= low:
        raise ArgumentError(f"{path} shows nothing: every pixel has the value {low:g}")
    pixels, done = (pixels - low) / (high - low), []
    if np.median(_border(pixels)) > 0.5:
        pixels, done = 1 - pixels, ["inverted (dark ink on light paper)"]
    if pixels.shape != (size, size):
        done.append(f"cut to its ink and resized from {pixels.shape[1]}x{pixels.shape[0]}")
        pixels = _resize(_square(_cut(pixels)), size)
    return pixels[None].astype(np.float32), done


def _read_npy(path: Path) -> Array:
    if zipfile.is_zipfile(path):
        raise ArgumentError(f"{path} is not a .npy file but an archive of several arrays (.npz): save one of them with numpy.save")
    try:
        with path.open("rb") as file:
            array: Any = np.lib.format.read_array(file, allow_pickle=False)  # never runs a pickle
    except Exception as error:  # noqa: BLE001 - a damaged header makes NumPy raise whatever its parser stumbles over
        raise ArgumentError(f"{path} is not a .npy file that can be read: {str(error).partition('.')[0]}") from None
    if array.dtype.kind not in "fiub" or array.size == 0:
        raise ArgumentError(f"{path} holds no image: {array.dtype} of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ArgumentError(f"{path} holds pixels that are NaN or infinite: they have no brightness")
    return array


def _read_picture(path: Path) -> Array:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise ArgumentError(
            f'reading {path.name} needs Pillow: pip install -e ".[data]" in the checkout of minicnn; .npy files can be read without'
        ) from None
    try:
        with Image.open(path) as image:
            flat = Image.new("RGBA", image.size, "white")  # what is transparent looks white on a screen
            flat.alpha_composite(image.convert("RGBA"))
            return np.asarray(flat.convert("L"))
    except UnidentifiedImageError:
        raise ArgumentError(f"{path} is not an image that Pillow can read") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ArgumentError(f"the image {path} is damaged: {error}") from None


def _grey(array: Array, path: Path) -> Array:
    """(H, W) in float64; colours by the weights of ITU-R 601, as in Pillow."""
    array = array.astype(np.float64)
    if array.ndim == 3 and array.shape[0] == 1:
        return array[0]
    if array.ndim == 3 and array.shape[2] == 3:
        return array @ np.array([0.299, 0.587, 0.114])
    if array.ndim != 2:
        raise ArgumentError(f"{path} has shape {array.shape}, but an image is (H, W), (1, H, W) or (H, W, 3)")
    return array


def _border(pixels: Array) -> Array:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _cut(pixels: Array) -> Array:
    """The rectangle that holds everything brighter than a third of the ink: what is fainter is paper and shadow."""
    ink = pixels > 1 / 3
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _square(pixels: Array) -> Array:
    H, W = pixels.shape
    side = max(H, W)
    top, left = (side - H) // 2, (side - W) // 2
    return np.pad(pixels, ((top, side - H - top), (left, side - W - left)))


def _resize(square: Array, size: int) -> Array:
    """Average over the area that each new pixel covers; the weights of rows and columns are the same matrix.

    So the digits were made: each of their 8x8 pixels counts the ink in a block of the scan. The triangle of
    `data.transforms.resize`, which is twice as wide, mixes neighbouring blocks, and the network reads slightly fewer signs.
    """
    weights = _areas(square.shape[0], size)
    return weights @ square @ weights.T


def _areas(old: int, new: int) -> Array:
    """(new, old): the fraction of new pixel i that old pixel j covers. Each row sums to 1."""
    edges = np.linspace(0, old, new + 1)
    j = np.arange(old)
    overlap = np.minimum(edges[1:, None], j + 1) - np.maximum(edges[:-1, None], j)
    return np.maximum(overlap, 0) * new / old
