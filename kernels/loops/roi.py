"""Pooling of regions of interest by its definition: boxes of any size, of which each becomes P x Q numbers per channel.

A row of `boxes` is (n, x1, y1, x2, y2): the number of the image, then left, top, right, bottom in the coordinates of the picture, of which the
feature map x is `spatial_scale` times as large.
"""

import math
from collections.abc import Iterator

import numpy as np

from minicnn.kernels.types import Array, Needs, Saved, Window


def roi_pool_forward(x: Array, boxes: Array, *, output_size: Window, spatial_scale: float) -> tuple[Array, Saved]:
    """The largest pixel of each bin of each box.

        y[k, c, p, q] = max of x[n, c, r, s] over r in bin p of P and s in bin q of Q of box k

    The corners of a box are rounded to whole pixels of x, halves away from 0, and the last row and column belong to the box. Its h rows are divided as in
    adaptive pooling: bin p goes from floor(p h / P) up to, not including, ceil((p + 1) h / P), counted from the first row. Pixels outside the image do
    not exist, and a bin without pixels is 0. Of equal pixels the first in row-major order wins, and NaN is larger than everything.

    Shapes:
        x (N, C, H, W); boxes (K, 5); y (K, C, P, Q) with (P, Q) = output_size.
    """
    y = np.zeros((len(boxes), x.shape[1], *output_size), x.dtype)
    winner = {}
    for k, c, p, q in np.ndindex(y.shape):
        n, left, top, right, bottom = int(boxes[k, 0]), *(rounded(v * spatial_scale) for v in boxes[k, 1:].tolist())
        best = None
        for r in pixels_of_bin(p, top, bottom, output_size[0], x.shape[2]):
            for s in pixels_of_bin(q, left, right, output_size[1], x.shape[3]):
                v = x[n, c, r, s]
                if best is None or v > best or (np.isnan(v) and not np.isnan(best)):
                    best, winner[k, c, p, q] = v, (n, c, r, s)
        y[k, c, p, q] = 0 if best is None else best
    return y, (x, winner)


def roi_pool_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """y = x[winner], so the whole gradient goes to the pixel that won; where boxes overlap, gradients add up. Boxes get none."""
    x, winner = saved
    dx = np.zeros_like(x)
    for output, pixel in winner.items():
        dx[pixel] += dy[output]
    return dx if needs[0] else None, None


def roi_align_forward(
    x: Array, boxes: Array, *, output_size: Window, spatial_scale: float, sampling_ratio: int, aligned: bool
) -> tuple[Array, Saved]:
    """The mean of x at points that lie evenly in each bin of each box. Nothing is rounded.

        y[k, c, p, q] = 1/(g_h g_w) sum over points (v, u) of bin (p, q) of  x[n, c](v, u)

    where x[n, c](v, u) is interpolated between the four pixels around the point (see `corners`). A bin has g = `sampling_ratio` points along each axis; if
    that is 0, as many as it has pixels: g = ceil(h / P), at least 1. With `aligned` the centre of pixel 0 is 0.5 from the border of the image,
    as boxes have it; otherwise pixel 0 is at 0, and no box is smaller than one pixel.

    Shapes:
        x (N, C, H, W); boxes (K, 5); y (K, C, P, Q) with (P, Q) = output_size.
    """
    y = np.zeros((len(boxes), x.shape[1], *output_size), x.dtype)
    saved = x, boxes, spatial_scale, sampling_ratio, aligned
    for k, c, p, q in np.ndindex(y.shape):
        points = list(points_of_bin(p, q, output_size, boxes[k], *saved[2:]))
        for v, u in points:
            for r, s, weight in corners(v, u, *x.shape[2:]):
                y[k, c, p, q] += weight * x[int(boxes[k, 0]), c, r, s]
        y[k, c, p, q] /= len(points)
    return y, saved


def roi_align_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Each pixel entered with its weight over the number of points, so it gets that share of dy; boxes get none."""
    x, boxes = saved[:2]
    dx = np.zeros_like(x)
    for k, c, p, q in np.ndindex(dy.shape):
        points = list(points_of_bin(p, q, dy.shape[2:], boxes[k], *saved[2:]))
        for v, u in points:
            for r, s, weight in corners(v, u, *x.shape[2:]):
                dx[int(boxes[k, 0]), c, r, s] += weight * dy[k, c, p, q] / len(points)
    return dx if needs[0] else None, None


def rounded(v: float) -> int:
    """To the nearest integer, halves away from 0.

    >>> rounded(2.5), rounded(-0.5), rounded(0.4)
    (3, -1, 0)
    """
    return int(math.copysign(math.floor(abs(v) + 0.5), v))


def pixels_of_bin(p: int, first: int, last: int, bins: int, size: int) -> range:
    """The pixels of bin p, of `bins` on the pixels from first to last, without those that are outside of the image.

    >>> [list(pixels_of_bin(p, 3, 7, 2, size=10)) for p in (0, 1)], list(pixels_of_bin(0, -2, 1, 2, size=10))
    ([[3, 4, 5], [5, 6, 7]], [])
    """
    h = last - first + 1
    return range(max(first + p * h // bins, 0), min(first - (-(p + 1) * h // bins), size))


def points_of_bin(
    p: int, q: int, output_size: Window, box: Array, spatial_scale: float, sampling_ratio: int, aligned: bool
) -> Iterator[tuple[float, float]]:
    """Where bin (p, q) of a box is looked at: (row, column) of each point, in units in which the centre of pixel r is at r."""
    _, left, top, right, bottom = box.tolist()
    rows = points_of_axis(p, top * spatial_scale, bottom * spatial_scale, output_size[0], sampling_ratio, aligned)
    columns = points_of_axis(q, left * spatial_scale, right * spatial_scale, output_size[1], sampling_ratio, aligned)
    return ((v, u) for v in rows for u in columns)


def points_of_axis(p: int, first: float, last: float, bins: int, sampling_ratio: int, aligned: bool) -> list[float]:
    """The points of bin p along one axis.

    >>> points_of_axis(0, 1.0, 5.0, bins=2, sampling_ratio=0, aligned=True)
    [1.0, 2.0]
    """
    h = last - first if aligned else max(last - first, 1.0)
    g = sampling_ratio or max(math.ceil(h / bins), 1)
    start = first - 0.5 if aligned else first
    return [start + (p + (i + 0.5) / g) * h / bins for i in range(g)]


def corners(v: float, u: float, H: int, W: int) -> Iterator[tuple[int, int, float]]:
    """The pixels around the point at row v and column u, each with its weight: (r, s, weight).

    A point between the outermost centres and one pixel beyond them is moved to the nearest of them; farther out nothing is seen.

    >>> list(corners(0.25, 1.0, 2, 2))
    [(0, 1, 0.75), (0, 1, 0.0), (1, 1, 0.25), (1, 1, 0.0)]
    """
    if -1 <= v <= H and -1 <= u <= W:
        for r, a in neighbours(v, H):
            for s, b in neighbours(u, W):
                yield r, s, a * b


def neighbours(v: float, size: int) -> tuple[tuple[int, float], tuple[int, float]]:
    """The two pixels around a point along one axis, with weights 1 - a and a: the nearer one has the larger weight."""
    v = min(max(v, 0.0), size - 1.0)
    low = math.floor(v)
    return (low, 1 - (v - low)), (min(low + 1, size - 1), v - low)
