"""Pooling of regions of interest on a CPU: compiled loops over the bins, innermost over the channels.

Forward, the boxes are spread over threads; backward, where several boxes may add to one pixel, the channels are.
"""

import math
from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.layout import channels_first, channels_last
from minicnn.kernels.cpu.pool import keep_larger
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.types import Array, Needs, Saved, Window

CORNERS = 4  # of a sampling point


def roi_pool_forward(x: Array, boxes: Array, *, output_size: Window, spatial_scale: float) -> tuple[Array, Saved]:
    """The largest pixel of each bin, and where it is: `winner` = r W + s, or -1 in a bin without pixels.

    Shapes:
        x (N, C, H, W); boxes (K, 5); y (K, C, P, Q) with (P, Q) = output_size; winner (K, P, Q, C).
    """
    images, regions = channels_last(x), boxes.astype(np.float64)
    y = arena.empty((len(boxes), *output_size, x.shape[1]), x.dtype)
    winner = arena.empty(y.shape, np.int32)
    over_images(len(boxes), lambda start, stop: _maxima(images, regions, spatial_scale, y, winner, start, stop), cost=CORNERS * y.size)
    return channels_first(y), (regions, winner, x.shape)


def roi_pool_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx[winner] += dy."""
    boxes, winner, (N, C, H, W) = saved
    if not needs[0]:
        return None, None
    gradients, dx = channels_last(dy), arena.zeros((N, H, W, C), dy.dtype)
    over_images(C, lambda start, stop: _maxima_dx(gradients, boxes, winner, dx.reshape(N, H * W, C), start, stop), cost=dy.size)
    return channels_first(dx), None


def roi_align_forward(
    x: Array, boxes: Array, *, output_size: Window, spatial_scale: float, sampling_ratio: int, aligned: bool
) -> tuple[Array, Saved]:
    """The mean of the interpolated points of each bin.

    Shapes:
        x (N, C, H, W); boxes (K, 5); y (K, C, P, Q) with (P, Q) = output_size.
    """
    images, regions = channels_last(x), boxes.astype(np.float64)
    settings = spatial_scale, sampling_ratio, aligned
    y = arena.zeros((len(boxes), *output_size, x.shape[1]), x.dtype)
    over_images(len(boxes), lambda start, stop: _means(images, regions, settings, y, start, stop), cost=CORNERS * y.size)
    return channels_first(y), (regions, settings, x.shape)


def roi_align_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Each corner of each point gets its weight times dy."""
    boxes, settings, (N, C, H, W) = saved
    if not needs[0]:
        return None, None
    gradients, dx = channels_last(dy), arena.zeros((N, H, W, C), dy.dtype)
    over_images(C, lambda start, stop: _means_dx(gradients, boxes, settings, dx, start, stop), cost=CORNERS * dy.size)
    return channels_first(dx), None


@jit
def _rounded(v: float) -> int:
    """Halves away from 0."""
    return int(math.copysign(math.floor(abs(v) + 0.5), v))


@jit
def _bin(p: int, first: int, last: int, bins: int, size: int) -> tuple[int, int]:
    """The pixels of bin p that exist."""
    h = last - first + 1
    return max(first + p * h // bins, 0), min(first + ((p + 1) * h + bins - 1) // bins, size)


@jit
def _maxima(x: Any, boxes: Any, scale: float, y: Any, winner: Any, start: int, stop: int) -> None:
    """The first of equals wins, and NaN counts as the largest."""
    _, H, W, C = x.shape
    _, P, Q, _ = y.shape
    zero = x.dtype.type(0)
    for k in range(start, stop):
        n = int(boxes[k, 0])
        left, top, right, bottom = _rounded(scale * boxes[k, 1]), _rounded(scale * boxes[k, 2]), _rounded(scale * boxes[k, 3]), _rounded(scale * boxes[k, 4])
        for p in range(P):
            r0, r1 = _bin(p, top, bottom, P, H)
            for q in range(Q):
                s0, s1 = _bin(q, left, right, Q, W)
                empty = r0 >= r1 or s0 >= s1
                for c in range(C):
                    y[k, p, q, c] = zero if empty else x[n, r0, s0, c]
                    winner[k, p, q, c] = -1 if empty else r0 * W + s0
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        keep_larger(x[n, r, s], np.int32(r * W + s), y[k, p, q], winner[k, p, q])


@jit
def _maxima_dx(dy: Any, boxes: Any, winner: Any, dx: Any, start: int, stop: int) -> None:
    K, P, Q, _ = dy.shape
    for k in range(K):
        n = int(boxes[k, 0])
        for p in range(P):
            for q in range(Q):
                for c in range(start, stop):
                    if winner[k, p, q, c] >= 0:
                        dx[n, winner[k, p, q, c], c] += dy[k, p, q, c]


@jit
def _axis(first: float, last: float, bins: int, settings: Any) -> tuple[float, float, int]:
    """Along one axis: where the first bin begins, how long a bin is, and how many points it has."""
    scale, ratio, aligned = settings
    h = scale * last - scale * first
    if not aligned:
        h = max(h, 1.0)
    return scale * first - (0.5 if aligned else 0.0), h / bins, ratio if ratio > 0 else max(math.ceil(h / bins), 1)


@jit
def _neighbours(v: float, size: int) -> tuple[int, int, float]:
    """The pixels on both sides of a point, and the weight of the second one; the first is -1 if the point is too far outside."""
    if not -1 <= v <= size:
        return -1, -1, 0.0
    v = min(max(v, 0.0), size - 1.0)
    low = math.floor(v)
    return low, min(low + 1, size - 1), v - low


@jit
def _means(x: Any, boxes: Any, settings: Any, y: Any, start: int, stop: int) -> None:
    _, H, W, C = x.shape
    _, P, Q, _ = y.shape
    real = x.dtype.type
    for k in range(start, stop):
        n = int(boxes[k, 0])
        top, height, g = _axis(boxes[k, 2], boxes[k, 4], P, settings)
        left, width, f = _axis(boxes[k, 1], boxes[k, 3], Q, settings)
        for p in range(P):
            for q in range(Q):
                total = y[k, p, q]
                for i in range(g):
                    r0, r1, a = _neighbours(top + (p + (i + 0.5) / g) * height, H)
                    for j in range(f):
                        s0, s1, b = _neighbours(left + (q + (j + 0.5) / f) * width, W)
                        if r0 < 0 or s0 < 0:
                            continue
                        w00, w01, w10, w11 = real((1 - a) * (1 - b)), real((1 - a) * b), real(a * (1 - b)), real(a * b)
                        for c in range(C):
                            total[c] += w00 * x[n, r0, s0, c] + w01 * x[n, r0, s1, c] + w10 * x[n, r1, s0, c] + w11 * x[n, r1, s1, c]
                for c in range(C):
                    total[c] /= real(g * f)


@jit
def _means_dx(dy: Any, boxes: Any, settings: Any, dx: Any, start: int, stop: int) -> None:
    _, H, W, _ = dx.shape
    K, P, Q, _ = dy.shape
    real = dy.dtype.type
    for k in range(K):
        n = int(boxes[k, 0])
        top, height, g = _axis(boxes[k, 2], boxes[k, 4], P, settings)
        left, width, f = _axis(boxes[k, 1], boxes[k, 3], Q, settings)
        for p in range(P):
            for q in range(Q):
                for i in range(g):
                    r0, r1, a = _neighbours(top + (p + (i + 0.5) / g) * height, H)
                    for j in range(f):
                        s0, s1, b = _neighbours(left + (q + (j + 0.5) / f) * width, W)
                        if r0 < 0 or s0 < 0:
                            continue
                        w00, w01, w10, w11 = real((1 - a) * (1 - b)), real((1 - a) * b), real(a * (1 - b)), real(a * b)
                        for c in range(start, stop):
                            share = dy[k, p, q, c] / real(g * f)
                            dx[n, r0, s0, c] += w00 * share
                            dx[n, r0, s1, c] += w01 * share
                            dx[n, r1, s0, c] += w10 * share
                            dx[n, r1, s1, c] += w11 * share
