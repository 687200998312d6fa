"""Datasets by name, each with what belongs to it: classes, augmentation, and how a picture is prepared for the network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minicnn.data import Dataset, Digits
from minicnn.data.transforms import RandomShift, Transform, resize
from minicnn.errors import ArgumentError, nearest
from minicnn.kernels.types import Array


@dataclass(frozen=True)
class ImageSet:
    """Labelled images of one kind.

    Attributes:
        train: the images to train on.
        test: those held out, which training never sees.
        classes: what the labels 0, 1, ... mean.
        shape: (C, H, W) of an image.
        augment: changes a training image at random, into another of the same class.
        original: height and width of the images as they were scanned.
        prepare: turns a picture (1, original, original), black 0 and ink 1, into an image like those of the set.
    """

    train: Dataset
    test: Dataset
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    augment: Transform
    original: int
    prepare: Callable[[Array], Array]


def _digits() -> ImageSet:
    shape = (1, 32, 32)

    def prepare(ink: Array) -> Array:
        return ((resize(ink, shape[1:]) - Digits.mean) / Digits.std).astype(np.float32)

    shift = RandomShift(2, fill=Digits.background)  # half a pixel of the scan in each direction
    return ImageSet(Digits(train=True), Digits(train=False), Digits.classes, shape, shift, 8, prepare)


DATASETS: dict[str, Callable[[], ImageSet]] = {"digits": _digits}


def load_dataset(name: str) -> ImageSet:
    """The dataset called `name`.

    Raises:
        ArgumentError: there is no such dataset.

    Example:
        >>> len(load_dataset("digits").test)
        360
    """
    if not isinstance(name, str):
        raise ArgumentError(f"the dataset is chosen by its name, a text, not {name!r}")
    if name not in DATASETS:
        raise ArgumentError(f"unknown dataset {name!r}: {nearest(name, DATASETS)}")
    return DATASETS[name]()
