"""Which boxes a detector learns from: a few that lie on an object, and more that do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicnn import checks
from minicnn.detection.boxes import Boxes
from minicnn.detection.deltas import box_deltas
from minicnn.detection.overlap import iou
from minicnn.errors import ShapeError
from minicnn.kernels.types import Array

BACKGROUND = 0
"""The class of a region with no object in it. An object's class k of the dataset is k + 1 here, as in the paper."""
POSITIVE, NEGATIVE = 0.5, 0.1  # least intersection over union with a true box of a region that is an object, and of one that is background


@dataclass(frozen=True)
class Regions:
    """Regions of a picture, and what a detector is to say of them.

    Attributes:
        boxes: R of them.
        labels: (R,) int64: 0 for the background, k + 1 for class k.
        deltas: (R, 4) float32: from each to its true box; 0 where it is background, where nobody may look at them.
    """

    boxes: Boxes
    labels: Array
    deltas: Array


def sample_regions(
    proposals: Boxes, labels: Array, truths: Boxes, rng: np.random.Generator, *, count: int = 64, positive_share: float = 0.25
) -> Regions:
    """Draw the regions of one picture that are trained on.

    A proposal whose best true box it overlaps by 0.5 or more (intersection over union) is positive: it has that box's class, and is to be moved onto it. One whose
    best is in 0.1 .. 0.5 is background: near enough to an object to be hard. The rest is left out. Up to `positive_share` of `count` regions are
    positive (half a region counts as one), and background makes up the rest. Where there is too little of it in 0.1 .. 0.5, proposals farther off are taken.

    Args:
        proposals: boxes to choose from.
        labels: (n,), the classes of the true boxes, from 0.
        truths: n true boxes, one at least.
        rng: draws.
        count: R, at most.

    Raises:
        ShapeError: there is no true box, or not one label for each.
        ArgumentError: `count` is below 1, or the share is not in 0 .. 1.

    Source:
        Girshick 2015, "Fast R-CNN", sec. 2.3, "Mini-batch sampling".

    Example:
        >>> true = Boxes.from_xyxy([0, 0, 10, 10])
        >>> proposals = Boxes.from_xyxy([[0, 0, 10, 9], [5, 0, 15, 10], [50, 50, 60, 60]])
        >>> sample_regions(proposals, np.array([7]), true, np.random.default_rng(0), count=2, positive_share=0.5).labels.tolist()
        [8, 0]
    """
    count = checks.integer(count, "sample_regions: count")
    share = checks.fraction(positive_share, "sample_regions: positive_share", include_one=True)
    if len(truths) == 0 or labels.shape != (len(truths),):
        raise ShapeError(f"sample_regions: each true box needs its label, and there must be one at least; there are {len(truths)} boxes and labels {labels.shape}")
    overlaps = iou(proposals, truths)
    best, value = overlaps.argmax(axis=1), overlaps.max(axis=1)
    positive = _draw(np.flatnonzero(value >= POSITIVE), int(count * share + 0.5), rng)
    wanted = count - len(positive)
    near = _draw(np.flatnonzero((value >= NEGATIVE) & (value < POSITIVE)), wanted, rng)
    far = _draw(np.flatnonzero(value < NEGATIVE), wanted - len(near), rng)
    chosen = np.concatenate([positive, near, far])
    wanted_labels, deltas = np.full(len(chosen), BACKGROUND, np.int64), np.zeros((len(chosen), 4), np.float32)
    wanted_labels[: len(positive)] = labels[best[positive]] + 1
    deltas[: len(positive)] = box_deltas(proposals[positive], truths[best[positive]])
    return Regions(proposals[chosen], wanted_labels, deltas)


def _draw(candidates: Array, count: int, rng: np.random.Generator) -> Array:
    """Up to `count` of them, each at most once."""
    return rng.permutation(candidates)[:count]
