"""Where things are in an image: boxes, how much they overlap, and how well a detector finds them."""

from minicnn.detection.average_precision import AveragePrecision, average_precision
from minicnn.detection.boxes import Boxes
from minicnn.detection.oriented import OrientedBoxes, oriented_iou
from minicnn.detection.overlap import giou, iou, verdict
from minicnn.detection.suppression import non_maximum_suppression

__all__ = [
    "AveragePrecision",
    "Boxes",
    "OrientedBoxes",
    "average_precision",
    "giou",
    "iou",
    "non_maximum_suppression",
    "oriented_iou",
    "verdict",
]
