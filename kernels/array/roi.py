"""Pooling of regions of interest in whole-array arithmetic: all bins of all boxes at once, one pixel, or one corner of a sampling point, after the other.

Along each axis a bin is a list of taps, and what it sees is their product: tap i of the rows with tap j of the columns. The lists of all bins stand in arrays
(K, P, taps), as long as the longest one needs. Channels are innermost, so that a tap of all bins is one indexing x[n, r, s], (K, P, Q, C).
"""

from types import ModuleType
from typing import Any

from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array, Needs, Saved, Window


def roi_pool_forward(x: Array, boxes: Array, *, output_size: Window, spatial_scale: float) -> tuple[Array, Saved]:
    """A running maximum over the taps; `winner` remembers its pixel, r W + s, or -1 in a bin without pixels.

    Shapes:
        x (N, C, H, W); boxes (K, 5); y (K, C, P, Q); winner (K, P, Q, C).
    """
    xp = array_module(x)
    (_, C, H, W), images, n = x.shape, x.transpose(0, 2, 3, 1), _images(xp, boxes)
    columns = _pixels(xp, boxes[:, 1::2], spatial_scale, output_size[1], W)
    rows = _pixels(xp, boxes[:, 2::2], spatial_scale, output_size[0], H)
    y = xp.zeros((len(boxes), *output_size, C), x.dtype)
    winner = xp.full(y.shape, -1)
    for r, in_rows in rows:
        for s, in_columns in columns:
            r2, s2 = r[:, :, None], s[:, None, :]
            v = images[n, r2, s2]
            better = (winner < 0) | (v > y) | (xp.isnan(v) & ~xp.isnan(y))
            better &= (in_rows[:, :, None] & in_columns[:, None, :])[..., None]
            y = xp.where(better, v, y)
            winner = xp.where(better, (r2 * W + s2)[..., None], winner)
    return y.transpose(0, 3, 1, 2), (n, winner, x.shape)


def roi_pool_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx[winner] += dy, for all bins at once."""
    n, winner, (N, C, H, W) = saved
    if not needs[0]:
        return None, None
    xp = array_module(dy)
    share = xp.where(winner < 0, dy.dtype.type(0), dy.transpose(0, 2, 3, 1))  # of a bin without pixels, nobody gets anything
    dx = xp.zeros((N, H * W, C), dy.dtype)
    xp.add.at(dx, (n[..., None], xp.maximum(winner, 0), xp.arange(C)), share)
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), None


def roi_align_forward(
    x: Array, boxes: Array, *, output_size: Window, spatial_scale: float, sampling_ratio: int, aligned: bool
) -> tuple[Array, Saved]:
    """The weighted sum of the taps: two for each point of an axis, which are the pixels on both sides of it.

    Shapes:
        x (N, C, H, W); boxes (K, 5); y (K, C, P, Q).
    """
    xp = array_module(x)
    (_, C, H, W), images, n = x.shape, x.transpose(0, 2, 3, 1), _images(xp, boxes)
    columns = _points(xp, boxes[:, 1::2], spatial_scale, output_size[1], sampling_ratio, aligned, W)
    rows = _points(xp, boxes[:, 2::2], spatial_scale, output_size[0], sampling_ratio, aligned, H)
    y = xp.zeros((len(boxes), *output_size, C), x.dtype)
    for r, a in rows:
        for s, b in columns:
            weight = (a[:, :, None] * b[:, None, :]).astype(x.dtype)[..., None]
            seen = ((a >= 0)[:, :, None] & (b >= 0)[:, None, :])[..., None]
            y += xp.where(seen, weight * images[n, r[:, :, None], s[:, None, :]], x.dtype.type(0))
    return y.transpose(0, 3, 1, 2), (n, rows, columns, x.shape)


def roi_align_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """The same steps: each tap adds its weight times dy to the pixels that it saw."""
    n, rows, columns, (N, C, H, W) = saved
    if not needs[0]:
        return None, None
    xp, gradients = array_module(dy), dy.transpose(0, 2, 3, 1)
    dx = xp.zeros((N, H, W, C), dy.dtype)
    for r, a in rows:
        for s, b in columns:
            weight = (a[:, :, None] * b[:, None, :]).astype(dy.dtype)[..., None]
            seen = ((a >= 0)[:, :, None] & (b >= 0)[:, None, :])[..., None]
            xp.add.at(dx, (n, r[:, :, None], s[:, None, :]), xp.where(seen, weight * gradients, dy.dtype.type(0)))
    return dx.transpose(0, 3, 1, 2), None


def _images(xp: ModuleType, boxes: Array) -> Array:
    """The number of each box's image, (K, 1, 1)."""
    return boxes[:, :1, None].astype(xp.int64)


def _pixels(xp: ModuleType, ends: Array, spatial_scale: float, bins: int, size: int) -> list[tuple[Array, Array]]:
    """The taps of all bins along an axis, on which the boxes go from ends[:, 0] to ends[:, 1]: for each, its pixels (K, bins) and whether they exist."""
    v = ends.astype(xp.float64) * spatial_scale
    first, last = xp.copysign(xp.floor(xp.abs(v) + 0.5), v).astype(xp.int64).T[:, :, None]
    h, p = last - first + 1, xp.arange(bins)
    begin = xp.maximum(first + p * h // bins, 0)
    end = xp.minimum(first - (-(p + 1) * h // bins), size)
    return [(xp.minimum(begin + i, size - 1), begin + i < end) for i in range(int((end - begin).max(initial=0)))]


def _points(xp: ModuleType, ends: Array, spatial_scale: float, bins: int, sampling_ratio: int, aligned: bool, size: int) -> list[tuple[Array, Array]]:
    """The taps of all bins along an axis: for each, its pixels (K, bins) and their weights, or -1 where there is none."""
    first, last = (ends.astype(xp.float64) * spatial_scale).T[:, :, None]
    h = last - first if aligned else xp.maximum(last - first, 1)
    g = xp.maximum(xp.ceil(h / bins), 1) if not sampling_ratio else xp.full(h.shape, float(sampling_ratio))
    start = first - 0.5 if aligned else first
    taps: list[tuple[Any, Any]] = []
    for i in range(int(g.max(initial=0))):
        v = start + (xp.arange(bins) + (i + 0.5) / g) * h / bins
        seen = (i < g) & (v >= -1) & (v <= size)
        v = v.clip(0, size - 1)
        low = xp.floor(v).astype(xp.int64)
        taps.append((low, xp.where(seen, (1 - (v - low)) / g, -1)))
        taps.append((xp.minimum(low + 1, size - 1), xp.where(seen, (v - low) / g, -1)))
    return taps
