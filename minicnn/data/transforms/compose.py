"""Transforms in a row, and what every transform is."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array

Transform: TypeAlias = Callable[[Array, np.random.Generator], Array]
"""`transform(image, rng) -> image`"""


class Compose:
    """One transform after the other.

    Raises:
        ArgumentError: one of them is no function of an image and a random generator.

    Example:
        >>> from minicnn.data.transforms import RandomCrop, RandomHorizontalFlip
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

    def __repr__(self) -> str:
        return ", ".join(map(repr, self.transforms))


def check_transform(transform: Transform, name: str) -> None:
    """The function can be called with two arguments: many a transform of other libraries takes the image only.

    Raises:
        ArgumentError: it cannot.

    Example:
        >>> check_transform(lambda image, rng: image[:, ::-1], "the transform")
    """
    try:
        inspect.signature(transform).bind(None, None)
    except ValueError:
        pass  # some functions written in C do not say what they take
    except TypeError as error:
        raise ArgumentError(
            f"{name} is called as transform(image, rng), where rng is the random generator to draw from, and "
            f"{getattr(transform, '__name__', type(transform).__name__)} cannot be: {error}; write `lambda image, rng: ...`"
        ) from None


def check_image(transform: str, image: Any) -> None:
    """The image that a transform was given is an array (C, H, W)."""
    if not isinstance(image, np.ndarray) or image.ndim != 3:
        given = f"shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ShapeError(f"{transform}: an image must be an array with 3 axes (C, H, W), not {given}")
