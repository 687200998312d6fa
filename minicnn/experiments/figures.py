"""Drawn figures that fill the image: at few pixels still something to tell apart, for networks that train in seconds."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from minicnn.data import ArrayDataset, Shapes
from minicnn.data.transforms import resize
from minicnn.experiments.experiment import Settings
from minicnn.experiments.images import SmallSet, small_set
from minicnn.kernels.types import Array

DRAWN, CLUTTER = 64, 1.0  # side of the pictures that the figures are cut from, and how much else is in them


def figure_set(train: int, test: int, side: int, seed: int) -> SmallSet:
    """So many figures of ten kinds to train on and held out, each cut out of a picture of `Shapes` and resized to (3, side, side).

    At every side they are the same, as if photographed with more or fewer pixels.

    Example:
        >>> figure_set(4, 2, side=12, seed=0).train[0][0].shape
        (3, 12, 12)
    """
    return SmallSet(_resized(train, True, side, seed), _resized(test, False, side, seed), len(Shapes.classes), 3)


def figures_or_named(settings: Settings, train: int, test: int, side: int) -> SmallSet:
    """So many images of the dataset that the settings name, or of CIFAR-10 if all is to be done at full scale; otherwise figures."""
    if settings.dataset is None and not settings.full:
        return figure_set(train, test, side, settings.seed)
    return small_set(replace(settings, dataset=settings.dataset or "cifar10"), train, test, side)


def _resized(count: int, train: bool, side: int, seed: int) -> ArrayDataset:
    pictures, labels = _cut_out(count, train, seed)
    mean, std = (np.array(of, np.float32)[:, None, None] for of in (Shapes.mean, Shapes.std))
    return ArrayDataset((np.stack([resize(picture, (side, side)) for picture in pictures]) - mean) / std, np.array(labels))


@lru_cache(maxsize=2)
def _cut_out(count: int, train: bool, seed: int) -> tuple[list[Array], list[int]]:
    """Squares around the figures, as large as each of them, and their classes; they are drawn once for all sizes."""
    shapes = Shapes(count, train=train, seed=seed, size=DRAWN, clutter=CLUTTER)
    pictures, labels = [], []
    for i in range(count):
        scene = shapes.scene(i)
        figure = scene.figures[0]
        left, top, width = (int(v) for v in (figure.x - figure.radius, figure.y - figure.radius, 2 * figure.radius))
        pictures.append(scene.image[:, top : top + width, left : left + width])
        labels.append(figure.label)
    return pictures, labels
