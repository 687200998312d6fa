"""Augmentations by name, as recipes have them."""

from __future__ import annotations

from collections.abc import Callable

from minicnn.data.transforms import (
    ColorJitter,
    Compose,
    MultiScale,
    PCALighting,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    Resize,
    Transform,
)
from minicnn.errors import ArgumentError
from minicnn.train.datasets import ImageSet


def _usual(images: ImageSet) -> Transform | None:
    return images.augment


def _none(images: ImageSet) -> None:  # noqa: ARG001 - called like all of them
    return None


def _crop_flip(images: ImageSet) -> Transform:
    """He et al. 2016, sec. 4.2, where 32x32 pixels are padded by 4."""
    H, W = images.shape[1:]
    return Compose(RandomHorizontalFlip(), RandomCrop((H, W), padding=(H // 8, W // 8)))


def _alexnet(images: ImageSet) -> Transform:
    """Krizhevsky et al. 2012, sec. 4.1, where windows of 224 are cut out of 256 pixels."""
    size = _coloured(images, "alexnet")
    return Compose(Resize(_part(size, 256)), RandomCrop(size), RandomHorizontalFlip(), PCALighting())


def _vgg(images: ImageSet) -> Transform:
    """Simonyan & Zisserman 2015, sec. 3.1: the shorter side from 256 to 512."""
    size = _coloured(images, "vgg")
    return Compose(MultiScale(size, _part(size, 256), _part(size, 512)), RandomHorizontalFlip(), PCALighting())


def _resnet(images: ImageSet) -> Transform:
    """He et al. 2016, sec. 3.4: the shorter side from 256 to 480."""
    size = _coloured(images, "resnet")
    return Compose(MultiScale(size, _part(size, 256), _part(size, 480)), RandomHorizontalFlip(), PCALighting())


def _inception(images: ImageSet) -> Transform:
    """Szegedy et al. 2015, sec. 6: windows of 8 to 100 % of the area, and distortions of the colours."""
    _coloured(images, "inception")
    return Compose(RandomResizedCrop(images.shape[1:]), RandomHorizontalFlip(), ColorJitter(0.4, 0.4, 0.4))


def _coloured(images: ImageSet, name: str) -> int:
    """The size of the images, which are in colour."""
    if images.shape[0] != 3:
        raise ArgumentError(f"the augmentation {name} changes colours, and these images have {images.shape[0]} channel(s): take usual, none or crop-flip")
    return images.shape[1]


def _part(size: int, of_imagenet: int) -> int:
    """So many pixels, where the network takes 224, in proportion."""
    return round(size * of_imagenet / 224)


AUGMENTATIONS: dict[str, Callable[[ImageSet], Transform | None]] = {
    "usual": _usual,
    "none": _none,
    "crop-flip": _crop_flip,
    "alexnet": _alexnet,
    "vgg": _vgg,
    "resnet": _resnet,
    "inception": _inception,
}
