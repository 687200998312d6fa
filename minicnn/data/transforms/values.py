"""Transforms of the values of pixels, each for itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicnn.data.transforms.compose import check_image
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.kernels.types import Array


class ToFloat:
    """Bytes 0..255 to float32 0..1.

    Raises:
        ShapeError: the image is no array (C, H, W).
        DtypeError: its values are no bytes.

    Example:
        >>> ToFloat()(np.full((1, 1, 1), 51, np.uint8), np.random.default_rng(0))
        array([[[0.2]]], dtype=float32)
    """

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:  # noqa: ARG002 - called like every transform
        check_image("ToFloat", image)
        if image.dtype != np.uint8:
            raise DtypeError(f"ToFloat: takes bytes (uint8), 0 to 255; the image is {image.dtype}")
        return image.astype(np.float32) / np.float32(255)

    def __repr__(self) -> str:
        return "ToFloat()"


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
        check_image("Normalize", image)
        channels = {len(self.mean), len(self.std), 1}
        if not channels <= {1, len(image)}:
            raise ShapeError(f"Normalize: mean and std are for {max(channels)} channels; the image is {image.shape}, read as (C, H, W)")
        image = image if image.dtype == np.float64 else image.astype(np.float32)
        return (image - self.mean.astype(image.dtype)) / self.std.astype(image.dtype)

    def __repr__(self) -> str:
        mean, std = (", ".join(f"{x:g}" for x in value.ravel()) for value in (self.mean, self.std))
        return f"Normalize(mean=({mean}), std=({std}))" if "," in mean + std else f"Normalize(mean={mean}, std={std})"
