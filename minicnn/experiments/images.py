"""Small sets of images that lie in memory, for experiments that take minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.data import ArrayDataset, DataLoader, Dataset, Digits
from minicnn.data.transforms import Transform
from minicnn.experiments.experiment import Settings
from minicnn.train.datasets import load_dataset


@dataclass(frozen=True)
class SmallSet:
    """Prepared images (N, C, H, W) with their labels (N,), to train on and held out.

    Attributes:
        classes: how many the labels tell apart.
        channels: C.
    """

    train: ArrayDataset
    test: ArrayDataset
    classes: int
    channels: int

    def batches(self, size: int, seed: int) -> DataLoader:
        """The training images, shuffled; a last batch that is not full is left out."""
        return DataLoader(self.train, size, shuffle=True, seed=seed, drop_last=True)

    def held_out(self) -> DataLoader:
        """The images that training does not see."""
        return DataLoader(self.test, 128)


def small_set(settings: Settings, train: int, test: int, size: int) -> SmallSet:
    """So many scanned digits of `size` pixels; or so many images of the dataset that the settings name, chosen by their seed.

    Raises:
        ArgumentError: there is no such dataset.
    """
    rng = np.random.default_rng(settings.seed)
    if settings.dataset is None:
        digits = [_in_memory(Digits(part, size=size), count, None, rng) for part, count in ((True, train), (False, test))]
        return SmallSet(digits[0], digits[1], classes=10, channels=1)
    images = load_dataset(settings.dataset)
    chosen = [_in_memory(part, count, images.prepare, rng) for part, count in ((images.train, train), (images.test, test))]
    return SmallSet(chosen[0], chosen[1], classes=len(images.classes), channels=images.shape[0])


def _in_memory(dataset: Dataset, count: int, prepare: Transform | None, rng: np.random.Generator) -> ArrayDataset:
    samples: list[Any] = [dataset[int(i)] for i in rng.permutation(len(dataset))[:count]]
    images, labels = zip(*samples, strict=True)
    return ArrayDataset(np.stack([image if prepare is None else prepare(image, rng) for image in images]), np.array(labels))
