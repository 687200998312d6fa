"""Convolution on a CPU: chooses one of three ways, each in its own file.

    depthwise.py    one channel a group: products, and no sum over channels
    winograd.py     3x3 windows with stride 1, in float32: a quarter of the multiplications
    columns.py      everything else: a matrix product, of a matrix that nobody writes down

All of them work with the channels innermost in memory (`layout.py`) and return results in that order.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minicnn.kernels.cpu import columns, depthwise, winograd, winograd_weights
from minicnn.kernels.cpu.activation import rectified_dx
from minicnn.kernels.cpu.algorithm import conv_algorithm
from minicnn.kernels.cpu.layout import channels_first, channels_last
from minicnn.kernels.cpu.moments import column_sums
from minicnn.kernels.types import Array, Needs, Padding, Saved, Window

SMALL_IMAGE = 4  # rows or columns of a result; with fewer, much of a tile of 4 x 4 would be computed in vain


class _Geometry(NamedTuple):
    """The attributes of a convolution."""

    stride: Window
    padding: Padding
    dilation: Window
    groups: int


def conv2d_forward(
    x: Array, w: Array, b: Array | None, *, stride: Window, padding: Padding, dilation: Window, groups: int
) -> tuple[Array, Saved]:
    """y[n, o] = Σ w[o, c] * x[n, c] + b[o].

    Shapes:
        x (N, C, H, W); w (O, C/G, kh, kw) with G = groups; b (O,) or None; y (N, O, P, Q), its channels innermost in memory.
    """
    geometry = _Geometry(stride, padding, dilation, groups)
    x = channels_last(x)
    return channels_first(_forward(x, w, b, geometry, ())), (x, w, geometry)


def conv2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dW = Σ dy x over all products of the forward pass, dx likewise with w, db = Σ dy."""
    x, w, geometry = saved
    dy = channels_last(dy)
    backward = _depthwise_backward if _is_depthwise(w, geometry.groups) else _dense_backward
    dx, dw = backward(dy, x, w, geometry, needs)
    db = column_sums(dy.reshape(-1, dy.shape[3])) if needs[2] else None
    return None if dx is None else channels_first(dx), dw, db


def conv2d_relu_forward(
    x: Array, w: Array, b: Array | None, *, stride: Window, padding: Padding, dilation: Window, groups: int, ceiling: float
) -> tuple[Array, Saved]:
    """y = min(max(w * x + b, 0), ceiling): the results are clipped before they leave the registers, or at least the cache."""
    geometry = _Geometry(stride, padding, dilation, groups)
    x = channels_last(x)
    y = channels_first(_forward(x, w, b, geometry, (0.0, ceiling)))
    return y, ((x, w, geometry), y, ceiling)


def conv2d_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dy goes on where 0 < y < ceiling."""
    saved, y, ceiling = saved
    return conv2d_backward(rectified_dx(dy, y, ceiling), saved, needs=needs)


def _forward(x: Array, w: Array, b: Array | None, geometry: _Geometry, bounds: Sequence[float]) -> Array:
    """Images and results (N, H, W, C)."""
    stride, padding, dilation, groups = geometry.stride, geometry.padding, geometry.dilation, geometry.groups
    if _is_depthwise(w, groups):
        return depthwise.forward(_repeated(x, w), _taps(w), b, stride, padding, dilation, bounds)
    if m := _winograd_tile(x, w, geometry):
        return winograd.forward(x, w, b, padding, m, bounds)
    return columns.forward(x, w, b, stride, padding, dilation, groups, bounds)


def _dense_backward(
    dy: Array, x: Array, w: Array, geometry: _Geometry, needs: Needs
) -> tuple[Array | None, Array | None]:
    stride, padding, size = geometry.stride, geometry.padding, (x.shape[1], x.shape[2])
    dx = dw = None
    if m := _winograd_tile(x, w, geometry):
        if needs[0]:
            dx = winograd.backward_data(dy, w, padding, size, m)
        if needs[1]:
            dw = winograd_weights.backward_weights(dy, x, padding, m)
        return dx, dw
    rest = geometry.dilation, geometry.groups
    if needs[0]:
        dx = columns.backward_data(dy, w, stride, padding, *rest, size)
    if needs[1]:
        dw = columns.backward_weights(dy, x, (w.shape[2], w.shape[3]), stride, padding, *rest)
    return dx, dw


def _depthwise_backward(
    dy: Array, x: Array, w: Array, geometry: _Geometry, needs: Needs
) -> tuple[Array | None, Array | None]:
    stride, padding, dilation, size = geometry.stride, geometry.padding, geometry.dilation, (x.shape[1], x.shape[2])
    dx = dw = None
    if needs[0]:
        dx = depthwise.backward_data(dy, _taps(w), stride, padding, dilation, size)
        multiplier = len(w) // x.shape[3]
        if multiplier > 1:
            dx = dx.reshape(*x.shape, multiplier).sum(axis=-1)
    if needs[1]:
        taps = depthwise.backward_weights(dy, _repeated(x, w), (w.shape[2], w.shape[3]), stride, padding, dilation)
        dw = np.ascontiguousarray(taps.transpose(2, 0, 1)[:, None])
    return dx, dw


def _is_depthwise(w: Array, groups: int) -> bool:
    return w.shape[1] == 1 and groups > 1


def _taps(w: Array) -> Array:
    """Depthwise filters (O, 1, kh, kw) as (kh, kw, O)."""
    return np.ascontiguousarray(w[:, 0].transpose(1, 2, 0))


def _repeated(x: Array, w: Array) -> Array:
    """The images with a channel for each depthwise filter."""
    multiplier = len(w) // x.shape[3]
    return x if multiplier == 1 else x.repeat(multiplier, axis=3)


def _winograd_tile(x: Array, w: Array, geometry: _Geometry) -> int:
    """Pixels along a tile of Winograd's algorithm, or 0 where another way is better, or the only one."""
    O, C, kh, kw = w.shape
    top, bottom, left, right = geometry.padding
    if conv_algorithm() == "gemm" or x.dtype != np.float32 or (kh, kw) != (3, 3) or geometry.groups > 1:
        return 0
    if geometry.stride != (1, 1) or geometry.dilation != (1, 1) or max(geometry.padding) > 2 or C % 8 or O % 8:
        return 0
    smaller = min(x.shape[1] + top + bottom, x.shape[2] + left + right) - 2
    if smaller >= SMALL_IMAGE:
        return 4
    return 2 if smaller > 1 or conv_algorithm() == "winograd" else 0
