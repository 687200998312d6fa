"""Reading a picture of one sign, as a photo or a drawing program leaves it, in the form that a network was trained on."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import ArgumentError
from minicnn.io.file import require_file
from minicnn.io.picture import check_size, open_picture
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
            or has more than 100 million pixels; or Pillow is not installed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "one.npy")
        >>> paper = np.ones((40, 30))
        >>> paper[10:30, 14:16] = 0
        >>> np.save(path, paper)
        >>> image, done = read_image(path, 32)
        >>> image.shape, done
        ((1, 32, 32), ['inverted (dark ink on light paper)', 'cut to its ink and resized from 30x40'])
    """
    path = Path(path)
    require_file(path, "image", ArgumentError)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite afterwards is refused
        pixels = _grey(_read_npy(path) if path.suffix.lower() == ".npy" else _read_drawing(path), path)
    low, high = float(pixels.min()), float(pixels.max())
    if not np.isfinite(high - low):
        raise ArgumentError(f"{path} holds pixels that are NaN or infinite, or too far apart to compute with: {low:g} to {high:g}")
    if high <= low:
        raise ArgumentError(f"{path} shows nothing: every pixel has the value {low:g}")
    pixels, done = (pixels - low) / (high - low), []
    if np.median(_border(pixels)) > 0.5:
        pixels, done = 1 - pixels, ["inverted (dark ink on light paper)"]
    if pixels.shape != (size, size):
        done.append(f"cut to its ink and resized from {pixels.shape[1]}x{pixels.shape[0]}")
        pixels = _resize(_cut(pixels), size)
    return pixels[None].astype(np.float32), done


def _read_npy(path: Path) -> Array:
    if zipfile.is_zipfile(path):
        raise ArgumentError(f"{path} is not a .npy file but an archive of several arrays (.npz): save one of them with numpy.save")
    try:
        # runs no pickle, and takes no memory before the size is known
        array: Any = np.asarray(np.lib.format.open_memmap(path, mode="r"))
    except Exception as error:  # noqa: BLE001 - a damaged header makes NumPy raise whatever its parser stumbles over
        raise ArgumentError(f"{path} is not a .npy file that can be read: {str(error).partition('.')[0]}") from None
    if array.dtype.kind not in "fiub" or array.size == 0:
        raise ArgumentError(f"{path} holds no image: {array.dtype} of shape {array.shape}")
    check_size(path, array.size // (3 if array.shape[-1:] == (3,) else 1))
    return array


def _read_drawing(path: Path) -> Array:
    with open_picture(path) as image:
        from PIL import Image

        flat = Image.new("RGBA", image.size, "white")  # what is transparent looks white on a screen
        flat.alpha_composite(image.convert("RGBA"))
        return np.asarray(flat.convert("L"))


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


def _resize(pixels: Array, size: int) -> Array:
    """Centre on a black square and average over the area that each new pixel covers: y = R · x · Cᵀ.

    The weights of rows and columns are the same matrix, of which R and C leave out what would meet the black margin.

    So the digits were made: each of their 8x8 pixels counts the ink in a block of the scan. The triangle of
    `data.transforms.resize`, which is twice as wide, mixes neighbouring blocks, and the network reads slightly fewer signs.
    """
    H, W = pixels.shape
    side = max(H, W)
    top, left = (side - H) // 2, (side - W) // 2
    weights = _areas(side, size)
    return weights[:, top : top + H] @ pixels @ weights[:, left : left + W].T


def _areas(old: int, new: int) -> Array:
    """(new, old): the fraction of new pixel i that old pixel j covers. Each row sums to 1."""
    edges = np.linspace(0, old, new + 1)
    j = np.arange(old)
    overlap = np.minimum(edges[1:, None], j + 1) - np.maximum(edges[:-1, None], j)
    return np.maximum(overlap, 0) * new / old
