"""Drawn figures that fill the image: at few pixels still something to tell apart, for networks that train in seconds."""

from __future__ import annotations

import numpy as np

from minicnn.data import ArrayDataset, Shapes
from minicnn.data.transforms import resize
from minicnn.experiments.images import SmallSet

DRAWN, CLUTTER = 64, 1.0  # side of the pictures that the figures are cut from, and how much else is in them


def figure_set(train: int, test: int, side: int, seed: int) -> SmallSet:
    """So many figures of ten kinds to train on and held out, each cut out of a picture of `Shapes` and resized to (3, side, side).

    At every side they are the same, as if photographed with more or fewer pixels.

    Example:
        >>> figure_set(4, 2, side=12, seed=0).train[0][0].shape
        (3, 12, 12)
    """
    return SmallSet(_cut_out(train, True, side, seed), _cut_out(test, False, side, seed), len(Shapes.classes), 3)


def _cut_out(count: int, train: bool, side: int, seed: int) -> ArrayDataset:
    shapes = Shapes(count, train=train, seed=seed, size=DRAWN, clutter=CLUTTER)
    found, labels = [], []
    for i in range(count):
        scene = shapes.scene(i)
        figure = scene.figures[0]
        left, top, width = (int(v) for v in (figure.x - figure.radius, figure.y - figure.radius, 2 * figure.radius))
        found.append(resize(scene.image[:, top : top + width, left : left + width], (side, side)))
        labels.append(figure.label)
    mean, std = (np.array(of, np.float32)[:, None, None] for of in (Shapes.mean, Shapes.std))
    return ArrayDataset((np.stack(found) - mean) / std, np.array(labels))
