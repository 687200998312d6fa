"""The advice of the table for a recipe: its data and its network are looked at before it is cooked."""

from __future__ import annotations

import numpy as np

from minicnn.data import DataLoader, Dataset, Subset, of_each_class
from minicnn.errors import ArgumentError
from minicnn.train.parts import Parts
from minicnn.transfer.advice import Advice, advise, measured_similarity

LOOKED_AT = 20  # images of each class, to fit and to count; with fewer, half of them for each
BATCH = 50


def advised(parts: Parts) -> tuple[Advice, dict[str, float]]:
    """What the table says about a recipe's parts, and the accuracies of linear classifiers by stage. Only training images are looked at.

    Raises:
        ArgumentError: there are fewer than two images of each class.
    """
    count = len(parts.images.train) / len(parts.images.classes)
    train, test = probe_halves(parts)
    similarity, accuracies = measured_similarity(parts.model, train, test)
    return advise(count, similarity), accuracies


def probe_halves(parts: Parts, most: int = LOOKED_AT) -> tuple[DataLoader, DataLoader]:
    """Training images to fit linear classifiers to, and others, also of the training images, to count on."""
    some = of_each_class(parts.images.train, 2 * most)
    halves = [Subset(some, np.arange(start, len(some), 2)) for start in (0, 1)]
    if len(halves[1]) < len(parts.images.classes):
        raise ArgumentError(f"{len(some)} training images of {len(parts.images.classes)} classes are too few to measure anything: choose a strategy")
    return loader(halves[0], parts), loader(halves[1], parts)


def loader(images: Dataset, parts: Parts) -> DataLoader:
    """Unchanged images in batches."""
    return DataLoader(images, BATCH, transform=parts.images.prepare)
