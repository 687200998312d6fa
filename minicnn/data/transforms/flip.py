"""Mirroring."""

from __future__ import annotations

import numpy as np

from minicnn.data.transforms.compose import check_image
from minicnn.kernels.types import Array
from minicnn.ops import checks


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
        check_image("RandomHorizontalFlip", image)
        return image[:, :, ::-1] if rng.random() < self.p else image


class RandomVerticalFlip:
    """Mirror top and bottom with probability `p`: for pictures without an up and a down, as from a satellite or a microscope.

    Raises:
        ArgumentError: `p` is no probability.

    Example:
        >>> RandomVerticalFlip(p=1)(np.arange(2).reshape(1, 2, 1), np.random.default_rng(0)).tolist()
        [[[1], [0]]]
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = checks.fraction(p, "RandomVerticalFlip: p", include_one=True)

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:
        check_image("RandomVerticalFlip", image)
        return image[:, ::-1] if rng.random() < self.p else image
