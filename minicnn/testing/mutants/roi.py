"""Mistakes in pooling of regions of interest."""

from typing import Any

import numpy as np

from minicnn.kernels.loops.roi import corners, points_of_bin
from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients, right_backward, right_forward


def boxes_overwritten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Where boxes overlap, the last one overwrites the gradient instead of adding to it."""
    (x, boxes), attributes = saved
    dx = np.zeros_like(x)
    for k in range(len(boxes)):
        (part, _) = right_backward("roi_pool", dy[k : k + 1], ((x, boxes[k : k + 1]), attributes), (True, False))
        dx = np.where(part != 0, part, dx)
    return dx, None


def corners_cut_off(x: Array, boxes: Array, *, spatial_scale: float, **attributes: Any) -> tuple[Array, Saved]:
    """The corners are rounded down, not to the nearest pixel."""
    corners = np.concatenate([boxes[:, :1], np.floor(boxes[:, 1:] * spatial_scale)], axis=1)
    return right_forward("roi_pool", x, corners, spatial_scale=1.0, **attributes)


def image_of_the_first_box(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """All gradients go to the image of the first box."""
    (x, boxes), attributes = saved
    first = np.concatenate([np.broadcast_to(boxes[:1, :1], (len(boxes), 1)), boxes[:, 1:]], axis=1)
    (right, _) = right_backward("roi_align", dy, ((x, first), attributes), (True, False))
    return right, None


def weights_swapped(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The pixel above a point gets the weight of the one below, and vice versa."""
    return _to_corners(dy, saved, lambda around: zip(around, (*around[2:], *around[:2]), strict=True)), None


def nearest_corner_only(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient of a point goes to one of its four pixels, the nearest, and all of it."""
    return _to_corners(dy, saved, lambda around: [(max(around, key=lambda corner: corner[2]), (0, 0, 1.0))]), None


def not_divided_by_points(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient is not divided by the number of points of a bin."""
    (_, boxes), attributes = saved
    size, settings = attributes["output_size"], [attributes[name] for name in ("spatial_scale", "sampling_ratio", "aligned")]
    points = np.array([len(list(points_of_bin(0, 0, size, box, *settings))) for box in boxes], dy.dtype)
    return right_backward("roi_align", dy * points[:, None, None, None], saved, needs)


def half_pixel_forgotten(x: Array, boxes: Array, *, aligned: bool, **attributes: Any) -> tuple[Array, Saved]:
    """The centre of pixel 0 is taken to be at 0, although aligned=True."""
    return right_forward("roi_align", x, boxes, aligned=False, **attributes)


def box_rounded(x: Array, boxes: Array, *, spatial_scale: float, **attributes: Any) -> tuple[Array, Saved]:
    """The box is rounded to whole pixels first, as for RoI pooling."""
    whole = np.concatenate([boxes[:, :1], np.round(boxes[:, 1:] * spatial_scale)], axis=1)
    return right_forward("roi_align", x, whole, spatial_scale=1.0, **attributes)


def _to_corners(dy: Array, saved: Saved, chosen: Any) -> Array:
    """Walk over the points of all bins and hand dy to the pixels around them: `chosen` says to which, and whose weight each gets."""
    (x, boxes), attributes = saved
    size, settings = attributes["output_size"], [attributes[name] for name in ("spatial_scale", "sampling_ratio", "aligned")]
    dx = np.zeros_like(x)
    for k, p, q in np.ndindex(len(boxes), *size):
        points = list(points_of_bin(p, q, size, boxes[k], *settings))
        for v, u in points:
            around = tuple(corners(v, u, *x.shape[2:]))
            for (r, s, _), (_, _, weight) in chosen(around) if around else ():
                dx[int(boxes[k, 0]), :, r, s] += dy.dtype.type(weight / len(points)) * dy[k, :, p, q]
    return dx


MUTANTS = [
    Mutant("roi_pool", backward=boxes_overwritten),
    Mutant("roi_pool", forward=corners_cut_off),
    Mutant("roi_align", backward=image_of_the_first_box),
    Mutant("roi_align", backward=weights_swapped),
    Mutant("roi_align", backward=nearest_corner_only),
    Mutant("roi_align", backward=not_divided_by_points),
    Mutant("roi_align", forward=half_pixel_forgotten),
    Mutant("roi_align", forward=box_rounded),
]
