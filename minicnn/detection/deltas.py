"""How a box must be moved and stretched to become another: the four numbers that a detector's regression learns."""

import numpy as np

from minicnn.detection.boxes import Boxes
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array

SPREAD = np.array([0.1, 0.1, 0.2, 0.2])
"""By how much t_x, t_y, t_w, t_h vary, about: divided by it they are of the size of 1. Fast R-CNN (sec. 2.3) measures it on its training images; Faster R-CNN's code has
these constants."""
LARGEST = np.log(1000 / 16)  # of t_w and t_h: a box does not become more than 62 times as wide, and the exponential stays finite


def box_deltas(proposals: Boxes, truths: Boxes) -> Array:
    """From each proposal P to its true box G, with centres x, y and sizes w, h:

        t_x = (G_x - P_x) / P_w        t_w = log(G_w / P_w)
        t_y = (G_y - P_y) / P_h        t_h = log(G_h / P_h)

    each divided by its `SPREAD`. Shifts are in units of the proposal's own size, so that the same numbers mean the same for a small figure and a large one.

    Shapes:
        proposals: N boxes.
        truths: N boxes.
        result: (N, 4).

    Raises:
        ShapeError: not as many proposals as true boxes.
        ArgumentError: a box has no width or no height.

    Source:
        R. Girshick et al. 2014, "Rich feature hierarchies for accurate object detection", appendix C, eq. 6-9.

    Example:
        >>> proposal, truth = Boxes.from_cxcywh([10, 10, 4, 4]), Boxes.from_cxcywh([12, 9, 4, 8])
        >>> (box_deltas(proposal, truth) * SPREAD).round(3).tolist()      # half a width to the right, a quarter of the height up, twice as high
        [[0.5, -0.25, 0.0, 0.693]]
    """
    if len(proposals) != len(truths):
        raise ShapeError(f"box_deltas: there are {len(proposals)} proposals, but {len(truths)} true boxes; each needs its own")
    if (proposals.size <= 0).any() or (truths.size <= 0).any():
        raise ArgumentError("box_deltas: every box needs a width and a height above 0, for t_x is in units of the width and t_w is its logarithm")
    p, g = proposals.cxcywh, truths.cxcywh
    shift = (g[:, :2] - p[:, :2]) / p[:, 2:]
    stretch = np.log(g[:, 2:] / p[:, 2:])
    return np.concatenate([shift, stretch], axis=1) / SPREAD


def apply_deltas(proposals: Boxes, deltas: Array) -> Boxes:
    """The boxes that proposals become: the way back from `box_deltas`.

        G_x = P_x + P_w t_x        G_w = P_w exp(t_w)

    Shapes:
        proposals: N boxes.
        deltas: (N, 4).
        result: N boxes.

    Raises:
        ShapeError: the deltas are not four for each proposal.

    Example:
        >>> proposal, truth = Boxes.from_xyxy([0, 0, 10, 10]), Boxes.from_xyxy([2, 1, 9, 14])
        >>> apply_deltas(proposal, box_deltas(proposal, truth)).xyxy.round(6).tolist()
        [[2.0, 1.0, 9.0, 14.0]]
    """
    if deltas.shape != (len(proposals), 4):
        raise ShapeError(f"apply_deltas: {len(proposals)} proposals need deltas ({len(proposals)}, 4), not {deltas.shape}")
    t, p = deltas.astype(np.float64) * SPREAD, proposals.cxcywh
    centre = p[:, :2] + p[:, 2:] * t[:, :2]
    return Boxes.from_cxcywh(np.concatenate([centre, p[:, 2:] * np.exp(np.minimum(t[:, 2:], LARGEST))], axis=1))
