"""Of many boxes around one object, one is kept."""

from typing import Any

import numpy as np

from minicnn import checks
from minicnn.detection.boxes import Boxes
from minicnn.detection.overlap import iou
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array


def non_maximum_suppression(boxes: Boxes, scores: Any, threshold: float = 0.5, *, labels: Any = None) -> Array:
    """The numbers of the boxes that are kept, from the highest score to the lowest.

    The box with the highest score is kept; every other that overlaps it by more than `threshold` is taken for the same object and dropped; and so on
    with those that are left. Of equal scores the first box counts.

    Args:
        boxes: N boxes.
        scores: (N,).
        threshold: intersection over union above which two boxes are of one object.
        labels: (N,); if they are given, only boxes of one class drop each other.

    Raises:
        ShapeError: there is not one score, or label, for each box.
        ArgumentError: the threshold is not in 0 .. 1, or a score is NaN.

    Source:
        R. Girshick et al. 2014, "Rich feature hierarchies for accurate object detection", sec. 2.2.

    Example:
        >>> boxes = Boxes.from_xyxy([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]])
        >>> non_maximum_suppression(boxes, [0.8, 0.9, 0.7])
        array([1, 2])
    """
    checks.fraction(threshold, "non_maximum_suppression: threshold", include_one=True)
    scores = np.asarray(scores, np.float64)
    labels = np.zeros(len(boxes), np.int64) if labels is None else np.asarray(labels)
    for name, values in (("scores", scores), ("labels", labels)):
        if values.shape != (len(boxes),):
            raise ShapeError(f"non_maximum_suppression: {name} must be ({len(boxes)},), one for each box, not {values.shape}")
    if np.isnan(scores).any():
        raise ArgumentError(f"non_maximum_suppression: the score of box {int(np.isnan(scores).argmax())} is NaN")
    order, kept = np.argsort(-scores, kind="stable"), np.zeros(len(boxes), bool)
    for label in np.unique(labels):
        left = order[labels[order] == label]
        while left.size:
            best, left = left[0], left[1:]
            kept[best] = True
            left = left[iou(boxes[best], boxes[left])[0] <= threshold]
    return order[kept[order]]
