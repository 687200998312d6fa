"""Convolution on a GPU: chooses one of the ways, each in its own file.

    conv_direct.cu     few channels in a group (depthwise: one): every thread its own sum
    conv_tensor.cu     16-bit numbers, and float32 where TF32 is allowed: tensor cores; conv_hopper.cu: those of Hopper
    conv_gather.cu     everything else: the ordinary arithmetic units
    conv_ladder.cu     none, unless somebody asks for it: simpler and slower ways, to learn from (`algorithm.py`)

All but the first and the last are products of matrices of which one is never written down (`conv_product.py`). All of them work with the channels innermost in memory (`layout.py`).
"""

from typing import NamedTuple

import numpy as np

from minicnn.errors import BackendError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda import algorithm, conv_direct, conv_ladder, conv_product
from minicnn.kernels.cuda.algorithm import tensor_cores as _tensor_cores
from minicnn.kernels.cuda.conv_pass import Shape
from minicnn.kernels.cuda.conv_product import (
    NO_BOUNDS,
    cut_channels,
    in_real,
    padded_channels,
    rounded_tf32,
    sum_rows,
)
from minicnn.kernels.cuda.launch import blocks, launch
from minicnn.kernels.cuda.layout import aligned, channels_first, channels_last, contiguous
from minicnn.kernels.geometry import output_window
from minicnn.kernels.types import Array, Needs, Padding, Saved, Window

MOST = 2**31  # numbers of an array: kernels count them with 32 bits
WIDEST = 2**15  # rows or columns: the kernels of tensor cores keep the corner of a window in one register
FEW = 32  # channels of a group, read or written: with fewer, tiles of matrices would be mostly empty


class _Plan(NamedTuple):
    """How a convolution is computed; its backward is computed the same way."""

    shape: Shape
    direct: bool
    units: str  # see conv_product.py; or a rung of conv_ladder.py
    C: int  # channels and filters before they were padded
    O: int


def conv2d_forward(
    x: Array, w: Array, b: Array | None, *, stride: Window, padding: Padding, dilation: Window, groups: int
) -> tuple[Array, Saved]:
    """y[n, o] = Σ w[o, c] * x[n, c] + b[o].

    Shapes:
        x (N, C, H, W); w (O, C/G, kh, kw) with G = groups; b (O,) or None; y (N, O, P, Q), its channels innermost in memory.
    """
    return _forward(x, w, b, stride, padding, dilation, groups, NO_BOUNDS)


def conv2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dW = Σ dy x over all products of the forward pass, dx likewise with w, db = Σ dy."""
    x, w, plan = saved
    xp, shape = array_module(dy), plan.shape
    dy = aligned(channels_last(dy))
    db = sum_rows(dy.reshape(-1, dy.shape[3])) if needs[2] else None
    dx = dw = None
    if needs[0] or needs[1]:
        if shape.groups == 1:
            dy = padded_channels(dy, shape.O)
        if needs[0]:
            dx = xp.empty((shape.N, shape.H, shape.W, x.shape[3]), dy.dtype)
            _backward_data(dy, w, dx, plan)
            dx = channels_first(cut_channels(dx, plan.C))
        if needs[1]:
            dw = xp.empty(w.shape, dy.dtype)
            _backward_weights(dy, x, dw, plan)
            dw = cut_channels(dw[: plan.O], plan.C // shape.groups).transpose(0, 3, 1, 2)
    return dx, dw, db


def conv2d_relu_forward(
    x: Array, w: Array, b: Array | None, *, stride: Window, padding: Padding, dilation: Window, groups: int, ceiling: float
) -> tuple[Array, Saved]:
    """y = min(max(w * x + b, 0), ceiling): the results are clipped before they leave the registers."""
    y, saved = _forward(x, w, b, stride, padding, dilation, groups, (0.0, float(ceiling)))
    return y, (saved, y, ceiling)


def conv2d_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dy goes on where 0 < y < ceiling."""
    saved, y, ceiling = saved
    dy, y = channels_last(dy), channels_last(y)
    masked = array_module(dy).empty(dy.shape, dy.dtype)
    launch("conv_parts", "mask", blocks(dy.size), 256, (dy, y, masked, np.int64(dy.size), float(ceiling)), dtype=dy.dtype)
    return conv2d_backward(channels_first(masked), saved, needs=needs)


def _forward(
    x: Array, w: Array, b: Array | None, stride: Window, padding: Padding, dilation: Window, groups: int, bounds: tuple[float, float]
) -> tuple[Array, Saved]:
    (N, C, H, W), (O, _, kh, kw) = x.shape, w.shape
    P, Q = output_window((H, W), (kh, kw), stride, padding, dilation)
    x, w, b = aligned(channels_last(x)), aligned(_filters(w)), None if b is None else in_real(b)
    units = algorithm.units(x, _tensor_cores(array_module(x)))
    direct = groups > 1 and min(C, O) // groups < FEW and algorithm.conv_algorithm() == "auto"
    width = 1 if units in conv_ladder.RUNGS else 16 // x.dtype.itemsize
    if groups == 1:
        x, w = padded_channels(x, -(-C // width) * width), padded_channels(w, -(-C // width) * width)
    elif C // groups % width or O // groups % width:
        units = "gather"
    if units in ("tensor", "hopper") and max(H, W, P, Q) >= WIDEST:
        units = "gather"
    if units == "hopper" and not direct and w.dtype.itemsize == 4:
        w = rounded_tf32(w)
    shape = Shape(N, H, W, x.shape[3] // groups, P, Q, O // groups, (kh, kw), stride, padding, dilation, groups)
    _check_size(x, w, N * P * Q * (-(-O // width) * width))
    y = array_module(x).empty((N, P, Q, O), x.dtype)
    if units in conv_ladder.RUNGS:
        conv_ladder.forward(x, w, b, y, shape, units, bounds)
    elif direct:
        conv_direct.forward(x, w, b, y, shape, bounds)
    else:
        conv_product.forward(x, w, b, y, shape, units, bounds)
    padded_O = -(-O // width) * width if groups == 1 else O
    plan = _Plan(shape._replace(O=padded_O // groups), direct, units, C, O)
    return channels_first(y), (x, _padded_filters(w, padded_O), plan)


def _check_size(x: Array, w: Array, results: int) -> None:
    if max(x.size, w.size, results) >= MOST:
        raise BackendError(
            f"conv2d: an array of {max(x.size, w.size, results):,} numbers is too large for the CUDA kernels, which count up to {MOST:,}: make the batch smaller"
        )


def _backward_data(dy: Array, w: Array, dx: Array, plan: _Plan) -> None:
    if plan.units in conv_ladder.RUNGS:
        conv_ladder.backward_data(dy, w, dx, plan.shape, plan.units)
    elif plan.direct:
        conv_direct.backward_data(dy, w, dx, plan.shape)
    else:
        conv_product.backward_data(dy, w, dx, plan.shape, plan.units)


def _backward_weights(dy: Array, x: Array, dw: Array, plan: _Plan) -> None:
    if plan.units in conv_ladder.RUNGS:
        conv_ladder.backward_weights(dy, x, dw, plan.shape, plan.units)
    elif plan.direct:
        conv_direct.backward_weights(dy, x, dw, plan.shape)
    else:
        conv_product.backward_weights(dy, x, dw, plan.shape, plan.units)


def _filters(w: Array) -> Array:
    """Filters (O, C, kh, kw) as a contiguous array (O, kh, kw, C): a view if memory is in that order, or the windows are 1x1."""
    return channels_last(w) if w.shape[2:] != (1, 1) else contiguous(w).reshape(len(w), 1, 1, -1)


def _padded_filters(w: Array, count: int) -> Array:
    """Filters with zeros as more filters, up to `count`."""
    if count == len(w):
        return w
    more = array_module(w).zeros((count, *w.shape[1:]), w.dtype)
    more[: len(w)] = w
    return more
