"""Boxes that are turned: their corners, and how much two of them overlap, by clipping one polygon with the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.detection.boxes import Boxes, finite_rows, require_sizes
from minicnn.kernels.types import Array


class OrientedBoxes:
    """Boxes with an angle. A turned box hugs a long, slanted object, of which an axis-aligned one holds mostly background.

    Args:
        numbers: (N, 5), or (5,) for one: the centre's x and y, width, height, and by how much the box is turned, in radians: positive from the
            x axis towards the y axis, which on a screen, where y grows downwards, is clockwise.

    Raises:
        ShapeError: these are not five numbers for each box.
        ArgumentError: a number is not finite, or a width or height is negative.

    Example:
        >>> turned = OrientedBoxes([[0, 0, 4, 2, np.pi / 2]])
        >>> turned.around().xyxy.round(6).tolist()
        [[-1.0, -2.0, 1.0, 2.0]]
    """

    def __init__(self, numbers: Any) -> None:
        self.numbers = finite_rows(numbers, 5, "OrientedBoxes", "five numbers make a box (cx, cy, width, height, angle)")
        require_sizes(self.numbers, "OrientedBoxes", "the third and fourth")

    @property
    def corners(self) -> Array:
        """(N, 4, 2): x and y of the corners, in the order in which one walks around the box."""
        cx, cy, w, h, angle = (column[:, None] for column in self.numbers.T)
        along, across = w / 2 * [-1, 1, 1, -1], h / 2 * [-1, -1, 1, 1]
        cos, sin = np.cos(angle), np.sin(angle)
        return np.stack([cx + along * cos - across * sin, cy + along * sin + across * cos], axis=2)

    @property
    def area(self) -> Array:
        """(N,), in square pixels."""
        return np.prod(self.numbers[:, 2:4], axis=1)

    def around(self) -> Boxes:
        """The smallest axis-aligned boxes around them."""
        corners = self.corners
        return Boxes.from_xyxy(np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1))

    def __len__(self) -> int:
        return len(self.numbers)


def oriented_iou(a: OrientedBoxes, b: OrientedBoxes) -> Array:
    """Intersection over union of each of `a` with each of `b`.

    Two rectangles that are turned against each other share a polygon of up to eight corners. It is what is left of the one when it is cut
    along each side of the other (Sutherland and Hodgman 1974, "Reentrant polygon clipping").

    Shapes:
        a: N boxes.
        b: M boxes.
        result: (N, M).

    Example:
        >>> square, turned = OrientedBoxes([0, 0, 2, 2, 0]), OrientedBoxes([0, 0, 2, 2, np.pi / 4])
        >>> oriented_iou(square, turned).round(4)                 # an octagon, 8 (√2 - 1), over the star around it
        array([[0.7071]])
    """
    shared = np.array([[_polygon_area(clipped(one, other)) for other in b.corners] for one in a.corners]).reshape(len(a), len(b))
    shared = np.minimum(shared, np.minimum(a.area[:, None], b.area[None, :]))  # nothing of a box without area, whatever rounding leaves
    union = a.area[:, None] + b.area[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def clipped(polygon: Array, window: Array) -> Array:
    """The part of a polygon that lies in a convex window. Both are corners (K, 2) in one sense of rotation, x towards y.

    >>> clipped(np.array([[0, 0], [2, 0], [2, 2], [0, 2]]), np.array([[1, 1], [3, 1], [3, 3], [1, 3]])).tolist()
    [[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 2.0]]
    """
    polygon = polygon.astype(np.float64)
    for start, end in zip(window, np.roll(window, -1, axis=0), strict=True):
        (dx, dy), previous = end - start, np.roll(polygon, 1, axis=0)
        now = dx * (polygon[:, 1] - start[1]) - dy * (polygon[:, 0] - start[0])  # not negative inside, and in proportion to the distance
        before = np.roll(now, 1)
        kept: list[Array] = []
        for point, last, inside, was in zip(polygon, previous, now, before, strict=True):
            if (inside >= 0) != (was >= 0):
                kept.append(last + (point - last) * (was / (was - inside)))
            if inside >= 0:
                kept.append(point)
        polygon = np.array(kept).reshape(-1, 2)
        if len(polygon) < 3:
            return np.zeros((0, 2))
    return polygon


def _polygon_area(corners: Array) -> float:
    """Half the sum of x_i y_(i+1) - x_(i+1) y_i around the polygon, measured from its first corner so that far-away ones lose nothing."""
    if not len(corners):
        return 0.0
    x, y = (corners - corners[0]).T
    return float(np.abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
