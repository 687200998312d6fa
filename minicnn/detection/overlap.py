"""How much boxes overlap: intersection over union, and what it becomes where they do not touch."""

import numpy as np

from minicnn.detection.boxes import Boxes
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array

SCALE = ((0.9, "almost perfect"), (0.7, "pretty good"), (0.5, "decent"))


def iou(a: Boxes, b: Boxes) -> Array:
    """Intersection over union of each of `a` with each of `b`: the area that both cover over the area that either covers.

    0 where they do not overlap, 1 where they are the same; two boxes of area 0 have 0.

    Shapes:
        a: N boxes.
        b: M boxes.
        result: (N, M).

    Raises:
        ArgumentError: one of them is no `Boxes`: what four bare numbers mean is not known.

    Source:
        P. Jaccard 1912, "The distribution of the flora in the alpine zone".

    Example:
        >>> iou(Boxes.from_xyxy([0, 0, 2, 2]), Boxes.from_xyxy([[1, 0, 3, 2], [0, 0, 2, 2], [2, 0, 4, 2]])).round(3)
        array([[0.333, 1.   , 0.   ]])
    """
    shared, union = _areas(a, b)
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def giou(a: Boxes, b: Boxes) -> Array:
    """Generalised intersection over union: iou - (C - union) / C, where C is the area of the smallest box around both.

    Between -1 and 1, and smaller the further apart two boxes are, where iou is 0 everywhere: 1 - giou, as a loss, has a slope that leads there. (This one is
    computed in NumPy, and no gradient goes through it.)

    Shapes:
        a: N boxes.
        b: M boxes.
        result: (N, M).

    Raises:
        ArgumentError: one of them is no `Boxes`: what four bare numbers mean is not known.

    Source:
        H. Rezatofighi et al. 2019, "Generalized Intersection over Union", algorithm 1.

    Example:
        >>> giou(Boxes.from_xyxy([0, 0, 1, 1]), Boxes.from_xyxy([[0, 0, 1, 1], [1, 0, 2, 1], [3, 0, 4, 1]]))
        array([[ 1. ,  0. , -0.5]])
    """
    shared, union = _areas(a, b)
    low = np.minimum(a.xyxy[:, None, :2], b.xyxy[None, :, :2])
    high = np.maximum(a.xyxy[:, None, 2:], b.xyxy[None, :, 2:])
    around = np.prod(high - low, axis=2)
    outside = np.divide(around - union, around, out=np.zeros_like(around), where=around > 0)
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0) - outside


def verdict(value: float) -> str:
    """The lecture's words for an intersection over union.

    Example:
        >>> [verdict(value) for value in (0.95, 0.75, 0.55, 0.3)]
        ['almost perfect', 'pretty good', 'decent', 'poor']
    """
    return next((word for limit, word in SCALE if value > limit), "poor")


def _areas(a: Boxes, b: Boxes) -> tuple[Array, Array]:
    """Of intersection and union, (N, M) each."""
    for boxes in (a, b):
        if not isinstance(boxes, Boxes):
            raise ArgumentError(f"iou and giou take Boxes, not {type(boxes).__name__}: say what the four numbers mean, such as Boxes.from_xyxy(...)")
    low = np.maximum(a.xyxy[:, None, :2], b.xyxy[None, :, :2])
    high = np.minimum(a.xyxy[:, None, 2:], b.xyxy[None, :, 2:])
    shared = np.prod(np.maximum(0, high - low), axis=2)
    return shared, a.area[:, None] + b.area[None, :] - shared
