"""Cases of pooling of regions: boxes that overlap, that are partly or wholly outside, that have no area; finer and coarser than their bins.

Corners are quarters of pixels, so that halves are rounded, too. For RoI align they are a 32nd further on: a point exactly at the edge beyond which nothing is seen
would be on either side of it, by the last digit.
"""

import numpy as np

from minicnn.kernels.types import Array
from minicnn.ops.roi import RoIAlign, RoIPool
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


@case("roi_pool")
def roi_pool(draw: Draw) -> Case:
    """Bins that share pixels, and bins without any."""
    x, spatial_scale = _images(draw), draw.pick([1.0, 0.5])
    boxes = _boxes(draw, len(x), spatial_scale, shift=0)
    return kernel_case(RoIPool, {"x": x}, constants={"boxes": boxes}, output_size=(draw.integer(1, 3), draw.integer(1, 3)), spatial_scale=spatial_scale)


@case("roi_align")
def roi_align(draw: Draw) -> Case:
    """A fixed number of points, and one that follows the size of the box; with the half pixel and without."""
    x, spatial_scale = _images(draw), draw.pick([1.0, 0.5])
    boxes = _boxes(draw, len(x), spatial_scale, shift=1 / 32)
    return kernel_case(
        RoIAlign, {"x": x}, constants={"boxes": boxes}, output_size=(draw.integer(1, 3), draw.integer(1, 3)), spatial_scale=spatial_scale,
        sampling_ratio=draw.integer(0, 2), aligned=draw.pick([True, False]),
    )  # fmt: skip


def _images(draw: Draw) -> Array:
    return draw.array(draw.integer(1, 2), draw.integer(1, 2), draw.integer(1, 4), draw.integer(1, 4))


def _boxes(draw: Draw, images: int, spatial_scale: float, shift: float) -> Array:
    """Up to three boxes, in coordinates of which those of x are `spatial_scale` times as large."""
    boxes = []
    for _ in range(draw.integer(1, 3)):
        left, top, width, height = draw.integer(-6, 12), draw.integer(-6, 12), draw.integer(0, 10), draw.integer(0, 10)
        corners = np.array([left, top, left + width, top + height]) / 4 + shift
        boxes.append([draw.integer(0, images - 1), *corners / spatial_scale])
    return np.array(boxes)
