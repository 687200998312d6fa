"""The images of a search: those that children are trained on, and those that judge them. The test images are not among them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minicnn import checks
from minicnn.data import ArrayDataset, Dataset, Digits
from minicnn.data.transforms import Transform
from minicnn.errors import ArgumentError
from minicnn.train.datasets import load_dataset

VALIDATION, ORDER = 0.25, 0  # the part of the images that judges, and the seed of the draw: every search is judged by the same images


@dataclass(frozen=True)
class SearchImages:
    """Images in memory, ready for the network.

    Attributes:
        name: of the dataset.
        train: images (N, C, H, W) and labels (N,) that children learn from.
        validation: others of the training images, set aside: a child's reward is its accuracy on them.
        classes: how many the labels tell apart.

    Example:
        >>> images = search_images("digits", size=8, count=400)
        >>> len(images.train), len(images.validation), images.shape, images.classes
        (300, 100, (1, 8, 8), 10)
    """

    name: str
    train: ArrayDataset
    validation: ArrayDataset
    classes: int

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W) of an image."""
        return self.train.arrays[0].shape[1:]

    @property
    def settings(self) -> dict[str, Any]:
        """What a search remembers of its images: with others, its rewards would be others."""
        sums = [zlib.crc32(array.tobytes()) for part in (self.train, self.validation) for array in part.arrays]
        return {"dataset": self.name, "shape": list(self.shape), "train": len(self.train), "validation": len(self.validation), "checksums": sums}


def search_images(name: str = "digits", *, size: int | None = None, count: int | None = None) -> SearchImages:
    """The training images of a dataset, three quarters of them to train children on and a quarter to judge them by.

    Args:
        name: as `train.datasets.load_dataset` takes it.
        size: height and width in pixels, for digits, shapes, and folders of pictures; None: those of the dataset.
        count: how many images to take at most, drawn at random but always the same; None: all.

    Raises:
        ArgumentError: there is no such dataset, it cannot be had in that size, or `count` or the number of its images is below 4.
        DataError, DownloadError: as `load_dataset`.

    Example:
        >>> images = search_images("shapes", size=16, count=20)
        >>> len(images.train), len(images.validation), images.shape
        (15, 5, (3, 16, 16))
    """
    part = _part(name, size, True, count)
    aside = round(VALIDATION * len(part.images))
    train, validation = (ArrayDataset(*(array[those] for array in part.images.arrays)) for those in (slice(aside, None), slice(aside)))
    return SearchImages(name, train, validation, part.classes)


def final_images(name: str = "digits", *, size: int | None = None, count: int | None = None) -> SearchImages:
    """For the last word on a network, when nothing is left to be decided: all training images of `search_images`, and the test images to judge by.

    Args:
        name, size, count: as there.

    Raises:
        ArgumentError, DataError, DownloadError: as there.

    Example:
        >>> images = final_images("digits", size=8, count=400)
        >>> len(images.train), len(images.validation)
        (400, 360)
    """
    train = _part(name, size, True, count)
    return SearchImages(name, train.images, _part(name, size, False, None).images, train.classes)


class _Part(NamedTuple):
    images: ArrayDataset
    classes: int


def _part(name: str, size: int | None, train: bool, count: int | None) -> _Part:
    """Training or test images in memory, in an order that is always the same."""
    dataset, classes, prepare = _found(name, size, train)
    count = min(len(dataset), len(dataset) if count is None else checks.integer(count, "search_images: count", 4))
    if count < 4:
        raise ArgumentError(f"search_images: {name} has {count} images, too few to set some of them aside")
    rng = np.random.default_rng(ORDER)
    samples = [dataset[int(i)] for i in rng.permutation(len(dataset))[:count]]
    images = np.stack([image if prepare is None else prepare(image, rng) for image, _ in samples]).astype(np.float32)
    return _Part(ArrayDataset(images, np.array([label for _, label in samples], np.int64)), classes)


def _found(name: str, size: int | None, train: bool) -> tuple[Dataset, int, Transform | None]:
    """The dataset, its number of classes, and how an image is prepared."""
    if name == "digits" and size is not None:
        return Digits(train, size), len(Digits.classes), None
    images = load_dataset(name, size=size)
    return images.train if train else images.test, len(images.classes), images.prepare
