"""Where things are in an image: boxes, how much they overlap, networks that find them, and how well a detector does."""

from minicnn.detection.average_precision import AveragePrecision, average_precision
from minicnn.detection.boxes import Boxes
from minicnn.detection.deltas import apply_deltas, box_deltas
from minicnn.detection.fast_rcnn import (
    Detections,
    FastRCNN,
    RegionOutputs,
    detect,
    fast_rcnn_loss,
    join_regions,
)
from minicnn.detection.localiser import Localiser, Located, found_boxes, localisation_loss, relative_boxes
from minicnn.detection.oriented import OrientedBoxes, oriented_iou
from minicnn.detection.overlap import giou, iou, verdict
from minicnn.detection.proposals import jittered, sliding_windows
from minicnn.detection.region_sampling import Regions, sample_regions
from minicnn.detection.suppression import non_maximum_suppression
from minicnn.detection.trunk import conv_trunk

__all__ = [
    "AveragePrecision",
    "Boxes",
    "Detections",
    "FastRCNN",
    "Localiser",
    "Located",
    "OrientedBoxes",
    "RegionOutputs",
    "Regions",
    "apply_deltas",
    "average_precision",
    "box_deltas",
    "conv_trunk",
    "detect",
    "fast_rcnn_loss",
    "found_boxes",
    "giou",
    "iou",
    "jittered",
    "join_regions",
    "localisation_loss",
    "non_maximum_suppression",
    "oriented_iou",
    "relative_boxes",
    "sample_regions",
    "sliding_windows",
    "verdict",
]
