"""The images of a search: those that children are trained on, and those that judge them. The test images are not among them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.data import ArrayDataset, Dataset, Digits
from minicnn.data.transforms import Transform
from minicnn.errors import ArgumentError
from minicnn.train.datasets import ImageSet, load_dataset

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
    """
    dataset, classes, prepare = _training_part(name, size)
    count = min(len(dataset), len(dataset) if count is None else checks.integer(count, "search_images: count", 4))
    if count < 4:
        raise ArgumentError(f"search_images: {name} has {count} images to train on, too few to set some of them aside")
    rng = np.random.default_rng(ORDER)
    chosen = rng.permutation(len(dataset))[:count]
    samples = [dataset[int(i)] for i in chosen]
    images = np.stack([image if prepare is None else prepare(image, rng) for image, _ in samples]).astype(np.float32)
    labels = np.array([label for _, label in samples], np.int64)
    aside = round(VALIDATION * count)
    train, validation = (ArrayDataset(images[part], labels[part]) for part in (slice(aside, None), slice(aside)))
    return SearchImages(name, train, validation, classes)


def _training_part(name: str, size: int | None) -> tuple[Dataset, int, Transform | None]:
    """The dataset, its number of classes, and how an image is prepared."""
    if name == "digits" and size is not None:
        return Digits(train=True, size=size), len(Digits.classes), None
    images: ImageSet = load_dataset(name, size=size)
    return images.train, len(images.classes), images.prepare

