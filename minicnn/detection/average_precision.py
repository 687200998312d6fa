"""How well a detector finds one class of things, in one number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.detection.boxes import Boxes
from minicnn.detection.overlap import iou
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array


@dataclass(frozen=True)
class AveragePrecision:
    """The area under the curve of precision over recall, and the curve itself.

    Attributes:
        value: from 0 to 1; NaN if there is nothing to be found.
        precision: (D,), of the 1, 2, ..., D detections with the highest scores, the share that is right.
        recall: (D,), the share of the true boxes that they find.
        scores: (D,), falling.
    """

    value: float
    precision: Array
    recall: Array
    scores: Array


def average_precision(detections: Sequence[tuple[Boxes, Any]], truths: Sequence[Boxes], threshold: float = 0.5) -> AveragePrecision:
    """Average precision over all images, of one class.

    From the highest score to the lowest, a detection is right if, of the true boxes of its image, the one that it overlaps most is overlapped by at least
    `threshold` (intersection over union) and has not been found before; a second detection of the same box is wrong. Precision is then made to fall with
    recall (each value becomes the largest to its right), and the area under it is exact, as in PASCAL VOC from 2010 on.

    Args:
        detections: for each image, boxes and their scores.
        truths: for each image, the true boxes.
        threshold: above 0; 0.5 in PASCAL VOC; COCO's figure is, nearly, the mean over 0.50, 0.55, ..., 0.95: it lets a detection whose best box is
            taken find the next best, and samples the curve at 101 recalls.

    Raises:
        ShapeError: not as many images, or scores, as needed.
        ArgumentError: the threshold is not in 0 .. 1, or is 0, or a score is NaN.

    Source:
        M. Everingham et al. 2015, "The PASCAL Visual Object Classes Challenge: A Retrospective", sec. 3.

    Example:
        >>> found = Boxes.from_xyxy([[0, 0, 10, 10], [50, 50, 60, 60], [20, 0, 30, 10]])
        >>> true = Boxes.from_xyxy([[0, 0, 10, 10], [20, 0, 30, 9]])
        >>> result = average_precision([(found, [0.9, 0.8, 0.7])], [true])
        >>> result.precision.round(2).tolist(), result.recall.tolist(), round(result.value, 4)
        ([1.0, 0.5, 0.67], [0.5, 0.5, 1.0], 0.8333)
    """
    if checks.fraction(threshold, "average_precision: threshold", include_one=True) == 0:
        raise ArgumentError("average_precision: threshold must be above 0: with 0, boxes that overlap nothing would be right")
    if len(detections) != len(truths):
        raise ShapeError(f"average_precision: detections are for {len(detections)} images, true boxes for {len(truths)}")
    scores, right = [np.zeros(0)], [np.zeros(0, bool)]
    for image, ((boxes, given), true) in enumerate(zip(detections, truths, strict=True)):
        values = np.asarray(given, np.float64)
        if values.shape != (len(boxes),):
            raise ShapeError(f"average_precision: image {image} has {len(boxes)} boxes, but scores of shape {values.shape}")
        if np.isnan(values).any():
            raise ArgumentError(f"average_precision: image {image} has a score that is NaN")
        order = np.argsort(-values, kind="stable")
        scores.append(values[order])
        right.append(_right(iou(boxes[order], true), threshold))
    together = np.concatenate(scores)
    order = np.argsort(-together, kind="stable")
    found, count = np.concatenate(right)[order], sum(map(len, truths))
    hits, tries = np.cumsum(found), np.arange(1, len(found) + 1)
    precision, recall = hits / tries, hits / count if count else np.full(len(found), np.nan)
    return AveragePrecision(_area(precision, recall) if count else float("nan"), precision, recall, together[order])


def _right(overlaps: Array, threshold: float) -> Array:
    """Which detections of an image, in the order of their scores, find a box that none before them has found."""
    right, found = np.zeros(len(overlaps), bool), set()
    for i, row in enumerate(overlaps if overlaps.shape[1] else []):
        best = int(row.argmax())
        right[i] = row[best] >= threshold and best not in found
        found |= {best} if right[i] else set()
    return right


def _area(precision: Array, recall: Array) -> float:
    """Under the steps of precision, which falls with recall: each recall that is gained counts with the best precision from there on."""
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * falling).sum())
