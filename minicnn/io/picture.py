"""Opening pictures with Pillow, and photographs as networks for ImageNet take them."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minicnn.errors import ArgumentError
from minicnn.io.file import require_file
from minicnn.kernels.types import Array

MOST = 100_000_000  # pixels; a picture of more would take gigabytes


def read_picture(path: str | os.PathLike[str], file: BinaryIO | None = None) -> Array:
    """Read a picture as bytes (3, H, W), red, green and blue: what `data.imagenet` prepares for a network.

    Grey becomes three equal channels; transparency is dropped, and what lies under it shows. The picture is not turned as its
    EXIF data may ask: the programs with which the published accuracies were measured do not turn it either.

    Args:
        path: PNG, JPEG or whatever else Pillow reads.
        file: where to read it from, opened for bytes, if it is no file of its own but lies inside another one; the path is then only its name.

    Raises:
        ArgumentError: the file is missing, is no picture, is damaged, has more than 100 million pixels, or more than 8 bits for each
            colour of a pixel, which Pillow would cut off; or Pillow is not installed.
    """
    path = Path(path)
    if file is None:
        require_file(path, "image", ArgumentError)
    with open_picture(path, file) as image:
        if image.mode.startswith(("I", "F")):
            raise ArgumentError(f"{path} has more than 8 bits for each pixel (Pillow's mode {image.mode}): save it with 8 bits, scaled to 0..255")
        return np.ascontiguousarray(np.asarray(image.convert("RGB")).transpose(2, 0, 1))


@contextlib.contextmanager
def open_picture(path: Path, file: BinaryIO | None = None) -> Iterator[Any]:
    """An opened image of Pillow, from a file or from the path. Errors of reading it, also later in the `with` block, become one sentence."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise ArgumentError(
            f'reading {path.name} needs Pillow: pip install -e ".[data]" in the checkout of minicnn; .npy files can be read without'
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limit of size here is our own, and transparency is meant to be dropped
            with Image.open(file or path) as image:
                check_size(path, image.width * image.height)
                yield image
    except ArgumentError:
        raise
    except UnidentifiedImageError:
        raise ArgumentError(f"{path} is not an image that Pillow can read") from None
    except Image.DecompressionBombError:  # raised while it is opened, so that its size is not known
        raise ArgumentError(f"the image {path} has more than {MOST:,} pixels: make it smaller first") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise ArgumentError(f"the image {path} is damaged: {error}") from None


def check_size(path: Path, pixels: int) -> None:
    """A picture of more than `MOST` pixels is refused."""
    if pixels > MOST:
        raise ArgumentError(f"the image {path} has more than {MOST:,} pixels: make it smaller first")
