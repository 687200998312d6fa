"""The advice of the table for a recipe: its data and its network are looked at before it is cooked."""

from __future__ import annotations

import numpy as np

from minicnn.data import DataLoader, Dataset, Subset
from minicnn.data.dataset import labels_of
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
    similarity, accuracies = measured_similarity(parts.model, *probe_halves(parts))
    return advise(count, similarity), accuracies


def probe_halves(parts: Parts, most: int = LOOKED_AT, seed: int = 0) -> tuple[DataLoader, DataLoader]:
    """Training images to fit linear classifiers to, and others, also of the training images, to count on: half of each class here and half there."""
    labels, rng = labels_of(parts.images.train), np.random.default_rng(seed)
    drawn = [rng.permutation(np.flatnonzero(labels == label))[: 2 * most] for label in np.unique(labels)]
    halves = [Subset(parts.images.train, np.sort(np.concatenate([of_class[start::2] for of_class in drawn]))) for start in (0, 1)]
    if len(halves[1]) < len(parts.images.classes):
        raise ArgumentError(f"{sum(map(len, drawn))} training images of {len(parts.images.classes)} classes are too few to measure anything: choose a strategy")
    return loader(halves[0], parts), loader(halves[1], parts)


def loader(images: Dataset, parts: Parts) -> DataLoader:
    """Unchanged images in batches."""
    return DataLoader(images, BATCH, transform=parts.images.prepare)
