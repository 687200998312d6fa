"""Hiding a part of the image, so that a network cannot rely on one detail."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicnn import checks
from minicnn.data.transforms.compose import check_image
from minicnn.data.transforms.pixels import like
from minicnn.errors import ShapeError
from minicnn.kernels.types import Array


class Cutout:
    """Cover a square of the image. Its centre is any pixel, equally likely, so it may stick out at the border: a part of it is then all that is covered.

    (For an even size, the centre is the pixel right below the middle.) The image keeps its type, whatever it is, and every other value.

    Args:
        size: height and width of the square, in pixels. The authors take 16 of 32 for CIFAR-10, 8 for CIFAR-100.
        holes: how many squares; they may overlap.
        fill: what covers it: a number, or one for each channel. 0 is the mean colour after `Normalize`, where the authors put it; before it, it is black.

    Raises:
        ArgumentError: `size` or `holes` is below 1.
        ShapeError: while it is called: the fill is for another number of channels.

    Source:
        T. DeVries, G. W. Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout", arXiv 1708.04552, sec. 3.2.

    Example:
        >>> Cutout(2)(np.ones((1, 3, 4), np.uint8), np.random.default_rng(0))[0]
        array([[1, 1, 1, 1],
               [1, 0, 0, 1],
               [1, 0, 0, 1]], dtype=uint8)
    """

    def __init__(self, size: int, holes: int = 1, fill: float | Sequence[float] = 0.0) -> None:
        self.size = checks.integer(size, "Cutout: size")
        self.holes = checks.integer(holes, "Cutout: holes")
        self.fill = np.asarray(fill, np.float64).reshape(-1, 1, 1)

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:
        check_image("Cutout", image)
        if len(self.fill) not in (1, len(image)):
            raise ShapeError(f"Cutout: fill is for {len(self.fill)} channels; the image is {image.shape}, read as (C, H, W)")
        image = image.copy()
        for _ in range(self.holes):
            top, left = (int(rng.integers(side)) - self.size // 2 for side in image.shape[1:])
            image[:, max(top, 0) : max(top + self.size, 0), max(left, 0) : max(left + self.size, 0)] = like(image, self.fill)
        return image

    def __repr__(self) -> str:
        return f"Cutout({self.size}{f', holes={self.holes}' if self.holes > 1 else ''})"
