"""Datasets by name, each with what belongs to it: classes, augmentation, and how a picture is prepared for the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.data import CIFAR10, CIFAR100, MNIST, Dataset, Digits, FashionMNIST
from minicnn.data.published import Report
from minicnn.data.transforms import (
    Compose,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    RandomShift,
    Resize,
    ToFloat,
    Transform,
    resize,
)
from minicnn.errors import ArgumentError, nearest
from minicnn.kernels.types import Array

Where = tuple[str | os.PathLike[str] | None, Report | None]
"""The folder of datasets, or None for the usual one; and who is told how a download goes on."""


@dataclass(frozen=True)
class ImageSet:
    """Labelled images of one kind.

    Attributes:
        train: the images to train on.
        test: those held out, which training never sees.
        classes: what the labels 0, 1, ... mean.
        shape: (C, H, W) of an image as the network takes it.
        augment: changes a training image at random, into another of the same class.
        prepare: what is done with every image before the network takes it, after `augment` in training.
        read: a picture from a file, in the form of the set's own images before `prepare`; and what was done to it, in words.
    """

    train: Dataset
    test: Dataset
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    augment: Transform | None
    prepare: Transform | None
    read: Callable[[str | os.PathLike[str]], tuple[Array, Sequence[str]]]


def _digits(where: Where) -> ImageSet:  # noqa: ARG001 - they come with the package
    shape = (1, 32, 32)

    def read(path: str | os.PathLike[str]) -> tuple[Array, Sequence[str]]:
        from minicnn.io import read_image

        ink, done = read_image(path, 8)  # as they were scanned
        return ((resize(ink, shape[1:]) - Digits.mean) / Digits.std).astype(np.float32), done

    shift = RandomShift(2, fill=Digits.background)  # half a pixel of the scan in each direction
    return ImageSet(Digits(train=True), Digits(train=False), Digits.classes, shape, shift, None, read)


def _of_mnist(kind: type[MNIST]) -> Callable[[Where], ImageSet]:
    """Grey images of 28x28 pixels, with a margin of 2 on each side, as LeNet-5 takes them (LeCun et al. 1998, sec. II.B)."""

    def load(where: Where) -> ImageSet:
        def read(path: str | os.PathLike[str]) -> tuple[Array, Sequence[str]]:
            from minicnn.io import read_image

            ink, done = read_image(path, 28)
            return np.rint(255 * ink).astype(np.uint8), done

        prepare = Compose(RandomCrop(32, padding=2), ToFloat(), Normalize(kind.mean, kind.std))  # a margin, for there is one such window only
        return ImageSet(_part(kind, True, where), _part(kind, False, where), kind.classes, (1, 32, 32), RandomShift(2), prepare, read)

    return load


def _of_cifar(kind: type[CIFAR10]) -> Callable[[Where], ImageSet]:
    def load(where: Where) -> ImageSet:
        train, test = _part(kind, True, where), _part(kind, False, where)
        augment = Compose(RandomHorizontalFlip(), RandomCrop(32, padding=4))  # He et al. 2016, sec. 4.2
        prepare = Compose(ToFloat(), Normalize(kind.mean, kind.std))
        return ImageSet(train, test, train.classes, (3, 32, 32), augment, prepare, colour_reader(32))

    return load


def _part(kind: Any, train: bool, where: Where) -> Any:
    folder, report = where
    return kind(train=train, folder=folder, download=True, report=report)


def colour_reader(size: int) -> Callable[[str | os.PathLike[str]], tuple[Array, Sequence[str]]]:
    """Reads pictures of any size as bytes (3, size, size): the largest square in the middle, resized."""

    def read(path: str | os.PathLike[str]) -> tuple[Array, Sequence[str]]:
        from minicnn.data.transforms import CenterCrop
        from minicnn.io import read_picture

        picture = read_picture(path)
        if picture.shape[1:] == (size, size):
            return picture, []
        square = CenterCrop(min(picture.shape[1:]))(picture, np.random.default_rng())
        return Resize(size)(square, np.random.default_rng()), [f"cut to its middle and resized from {picture.shape[2]}x{picture.shape[1]}"]

    return read


DATASETS: dict[str, Callable[[Where], ImageSet]] = {
    "digits": _digits,
    "mnist": _of_mnist(MNIST),
    "fashion-mnist": _of_mnist(FashionMNIST),
    "cifar10": _of_cifar(CIFAR10),
    "cifar100": _of_cifar(CIFAR100),
}


def load_dataset(name: str, folder: str | os.PathLike[str] | None = None, report: Report | None = None) -> ImageSet:
    """The dataset called `name`, which is downloaded if it is a published one that is not there yet.

    Args:
        name: one of `DATASETS`; or the path of a folder, or .tar file, with `train` and `test` in it, each with a folder for each class.
        folder: where published datasets lie; by default in the folder of `data.published.data_folder`.
        report: told how many bytes of which file are there.

    Raises:
        ArgumentError: there is no such dataset.
        DataError, DownloadError: its files are damaged, or cannot be had: says which to put where.

    Example:
        >>> len(load_dataset("digits").test)
        360
    """
    if not isinstance(name, str):
        raise ArgumentError(f"the dataset is chosen by its name, a text, not {name!r}")
    if name not in DATASETS:
        raise ArgumentError(f"unknown dataset {name!r}: {nearest(name, DATASETS)}")
    return DATASETS[name]((folder, report))
