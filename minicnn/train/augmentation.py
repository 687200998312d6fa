"""Augmentations by name, as recipes have them."""

from __future__ import annotations

from collections.abc import Callable

from minicnn.data.transforms import Compose, RandomCrop, RandomHorizontalFlip, Transform
from minicnn.train.datasets import ImageSet


def _usual(images: ImageSet) -> Transform | None:
    return images.augment


def _none(images: ImageSet) -> None:  # noqa: ARG001 - called like all of them
    return None


def _crop_flip(images: ImageSet) -> Transform:
    """He et al. 2016, sec. 4.2, where 32x32 pixels are padded by 4."""
    H, W = images.shape[1:]
    return Compose(RandomHorizontalFlip(), RandomCrop((H, W), padding=(H // 8, W // 8)))


AUGMENTATIONS: dict[str, Callable[[ImageSet], Transform | None]] = {
    "usual": _usual,
    "none": _none,
    "crop-flip": _crop_flip,
}
