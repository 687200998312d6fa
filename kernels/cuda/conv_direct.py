"""Convolutions with few channels in a group: launches conv_direct.cu."""

import math

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.conv_pass import Pass, Shape, data_passes, forward_pass
from minicnn.kernels.cuda.conv_product import AT_ONCE, NO_BOUNDS, VECTORS, Bounds, by_input
from minicnn.kernels.cuda.launch import blocks, launch, real
from minicnn.kernels.cuda.layout import transpose
from minicnn.kernels.types import Array


def forward(x: Array, w: Array, bias: Array | None, y: Array, shape: Shape, bounds: Bounds) -> None:
    """y (N, P, Q, G O) from x (N, H, W, G C) and w (G O, kh, kw, C)."""
    _run(forward_pass(shape), x, _taps_first(w) if _is_depthwise(shape) else w, bias, y, shape, bounds)


def backward_data(dy: Array, w: Array, dx: Array, shape: Shape) -> None:
    """dx (N, H, W, G C)."""
    turned = _taps_first(w) if _is_depthwise(shape) else by_input(w, shape)
    for one in data_passes(shape):
        if one.M:
            _run(one, dy, turned, None, dx, shape, NO_BOUNDS)


def backward_weights(dy: Array, x: Array, dw: Array, shape: Shape) -> None:
    """dw (G O, kh, kw, C)."""
    one, groups = forward_pass(shape), shape.groups
    M, taps, xp = one.M, math.prod(shape.kernel_size), array_module(x)
    columns = blocks(groups, 32) * taps if _is_depthwise(shape) else blocks(dw.size)
    parts = min(blocks(M, 32), max(1, blocks(8 * AT_ONCE, columns)))
    room = xp.empty((parts, dw.size), real(x.dtype))
    if _is_depthwise(shape):
        vectorless = ("VECTOR=1",)
        launch("conv_direct", "conv_depthwise_weights", (blocks(groups, 32), parts, taps), (32, 8), (x, dy, room, one.structure, groups), dtype=x.dtype, macros=vectorless)
        total = xp.empty((taps, groups), x.dtype)
        launch("conv_parts", "sum_parts", blocks(dw.size), 256, (room, total, dw.size, parts), dtype=x.dtype)
        transpose(total[None], dw)
    else:
        launch("conv_direct", "conv_grouped_weights", (blocks(dw.size), parts), 256, (x, dy, room, one.structure, groups), dtype=x.dtype, macros=("VECTOR=1",))
        launch("conv_parts", "sum_parts", blocks(dw.size), 256, (room, dw, dw.size, parts), dtype=x.dtype)


def _run(one: Pass, x: Array, w: Array, bias: Array | None, y: Array, shape: Shape, bounds: Bounds) -> None:
    groups, results = shape.groups, one.M
    args = (x, w, bias, y, one.structure, groups, *bounds)
    if _is_depthwise(shape):
        width = 16 // x.dtype.itemsize
        vector = width if groups % width == 0 else 1
        launch("conv_direct", "conv_depthwise", blocks(results * (groups // vector)), 256, args, dtype=x.dtype, macros=(VECTORS[vector],))
    else:
        outputs = groups * one.O
        launch("conv_direct", "conv_grouped", blocks(results * outputs), 256, args, dtype=x.dtype, macros=("VECTOR=1",))


def _is_depthwise(shape: Shape) -> bool:
    return shape.C == shape.O == 1


def _taps_first(w: Array) -> Array:
    """Depthwise filters (G, kh, kw, 1) as (kh kw, G)."""
    turned = array_module(w).empty((w.shape[1] * w.shape[2], len(w)), w.dtype)
    transpose(w.reshape(1, len(w), -1), turned)
    return turned
