"""Datasets by name, each with what belongs to it: classes, augmentation, and how a picture is prepared for the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.data import (
    CIFAR10,
    CIFAR100,
    MNIST,
    Dataset,
    Digits,
    FashionMNIST,
    ImageFolder,
    Shapes,
    imagenet,
)
from minicnn.data.image_folder import folder_with_parts
from minicnn.data.published import Report
from minicnn.data.transforms import (
    CenterCrop,
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


@dataclass(frozen=True)
class Where:
    """The folder of published datasets, or None for the usual one; who is told how a download goes on; and the size that is wanted."""

    folder: str | os.PathLike[str] | None = None
    report: Report | None = None
    size: int | None = None


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
        folder: the absolute path of a folder of pictures, or of the archive with them; None for datasets that have a name.
    """

    train: Dataset
    test: Dataset
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    augment: Transform | None
    prepare: Transform | None
    read: Callable[[str | os.PathLike[str]], tuple[Array, Sequence[str]]]
    folder: str | None = None


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
    return kind(train=train, folder=where.folder, download=True, report=where.report)


def colour_reader(size: int) -> Callable[[str | os.PathLike[str]], tuple[Array, Sequence[str]]]:
    """Reads pictures of any size as bytes (3, size, size): the largest square in the middle, resized."""

    def read(path: str | os.PathLike[str]) -> tuple[Array, Sequence[str]]:
        from minicnn.io import read_picture

        picture = read_picture(path)
        if picture.shape[1:] == (size, size):
            return picture, []
        square = CenterCrop(min(picture.shape[1:]))(picture, np.random.default_rng())
        return Resize(size)(square, np.random.default_rng()), [f"cut to its middle and resized from {picture.shape[2]}x{picture.shape[1]}"]

    return read


def _shapes(where: Where) -> ImageSet:
    """Drawn figures of ten kinds, 10,000 to train on and 2,000 held out."""
    size = where.size or 32
    augment = None  # the set is endless as it is

    def read(path: str | os.PathLike[str]) -> tuple[Array, Sequence[str]]:
        picture, done = colour_reader(size)(path)
        return picture.astype(np.float32) / np.float32(255), done

    prepare = Normalize(Shapes.mean, Shapes.std)
    return ImageSet(Shapes(10_000, size=size), Shapes(2_000, train=False, size=size), Shapes.classes, (3, size, size), augment, prepare, read)


def _folder(given: Path, size: int | None) -> ImageSet:
    """Pictures in `train` and `test`."""
    path = folder_with_parts(given)
    train = ImageFolder(path / "train")
    test = ImageFolder(path / "test", classes=train.classes)
    if size is None:
        size = min(224, *train[0][0].shape[1:])
    augment = Compose(Resize(size), RandomHorizontalFlip(), RandomCrop(size, padding=size // 8))
    return replace(only_read(train.classes, size), train=train, test=test, augment=augment, folder=str(given.absolute()))


def only_read(classes: tuple[str, ...], size: int) -> ImageSet:
    """What a folder of pictures is to a network, without the pictures: how others are read, with the channels' mean and deviation of ImageNet's photographs."""
    prepare = Compose(Resize(size), CenterCrop(size), ToFloat(), Normalize(imagenet.MEAN, imagenet.STD))
    return ImageSet((), (), classes, (3, size, size), None, prepare, colour_reader(size))


DATASETS: dict[str, Callable[[Where], ImageSet]] = {
    "digits": _digits,
    "mnist": _of_mnist(MNIST),
    "fashion-mnist": _of_mnist(FashionMNIST),
    "cifar10": _of_cifar(CIFAR10),
    "cifar100": _of_cifar(CIFAR100),
    "shapes": _shapes,
}
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".zip")  # what may be meant by the name of a file; only the first is read
SIZED = ("shapes",)  # those that can be had in any size


def load_dataset(name: str, folder: str | os.PathLike[str] | None = None, report: Report | None = None, size: int | None = None) -> ImageSet:
    """The dataset called `name`, which is downloaded if it is a published one that is not there yet.

    Args:
        name: one of `DATASETS`; or the path of a folder, or of a .tar file, with `train` and `test` in it, each with a folder for each class.
        folder: where published datasets lie; by default in the folder of `data.published.data_folder`.
        report: told how many bytes of which file are there.
        size: height and width, for pictures of a folder and for drawn ones; by default 32 for these, and for a folder what its first picture has, up to 224.

    Raises:
        ArgumentError: there is no such dataset, or it cannot be had in that size.
        DataError, DownloadError: its files are damaged, or cannot be had: says which to put where.

    Example:
        >>> len(load_dataset("digits").test)
        360
    """
    if not isinstance(name, str):
        raise ArgumentError(f"the dataset is chosen by its name, a text, not {name!r}")
    if name not in DATASETS and (os.sep in name or name.endswith(ARCHIVES) or Path(name).is_dir()):
        return _folder(Path(name), size)
    if name not in DATASETS:
        raise ArgumentError(f"unknown dataset {name!r}: {nearest(name, DATASETS)}; or name a folder with train and test in it, such as ./{name}")
    if size is not None and name not in SIZED:
        raise ArgumentError(f"the images of {name} have their size: leave out image_size={size}, which is for {', '.join(SIZED)} and for folders of pictures")
    return DATASETS[name](Where(folder, report, size))
