"""Bytes and floating-point numbers as pixels: what white is, and how a result gets the image's own type again."""

from __future__ import annotations

import numpy as np

from minicnn.data.transforms.compose import check_image
from minicnn.errors import DtypeError, ShapeError
from minicnn.kernels.types import Array


def check_pixels(transform: str, image: Array, channels: int | None = None) -> float:
    """The value of white: 255 in bytes, 1 in float32 and float64.

    Raises:
        ShapeError: the image is no array (C, H, W), or has another number of channels.
        DtypeError: its values are something else.
    """
    check_image(transform, image)
    if channels is not None and len(image) != channels:
        raise ShapeError(f"{transform}: needs {channels} channels, red, green and blue; the image is {image.shape}, read as (C, H, W)")
    if image.dtype == np.uint8:
        return 255.0
    if image.dtype in (np.float32, np.float64):
        return 1.0
    raise DtypeError(f"{transform}: takes bytes (uint8), 0 to 255, or float32 and float64; the image is {image.dtype}")


def as_numbers(image: Array) -> Array:
    """The image to compute with: bytes become float32."""
    return image.astype(np.float32) if image.dtype == np.uint8 else image


def like(image: Array, values: Array) -> Array:
    """The values in the image's type: bytes are rounded, and kept in 0 .. 255."""
    if image.dtype == np.uint8:
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return values.astype(image.dtype, copy=False)
