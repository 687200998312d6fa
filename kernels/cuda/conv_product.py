"""Convolution as a product of matrices that gathers its left factor on the way: launches conv_gather.cu and, on tensor cores, conv_tensor.cu.

Images and weights come with their channels innermost, and (but for groups) with a number of channels that 16-byte accesses divide: `padded_channels`.
"""

import functools
import math
from typing import Any

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.conv_pass import Shape, data_passes, forward_pass
from minicnn.kernels.cuda.launch import blocks, launch
from minicnn.kernels.cuda.layout import transpose
from minicnn.kernels.types import Array

ENOUGH = 528  # blocks that keep a large GPU busy (132 multiprocessors, two rounds of two blocks): a sum of pixels is cut until there are so many
SHORTEST = 8  # steps of a part of such a sum
MMA = {"float32": "mma_tf32", "float16": "mma_f16", "bfloat16": "mma_bf16"}
GATHER_STEP, TENSOR_STEP = 16, 32  # pixels in a step of a weight gradient


def forward(x: Array, w: Array, bias: Array | None, y: Array, shape: Shape, tensor_cores: bool, bounds: tuple[float, float]) -> None:
    """y (N, P, Q, G O) from x (N, H, W, G C) and w (G O, kh, kw, C), clipped to `bounds`."""
    _run(forward_pass(shape), x, w, bias, y, shape.groups, tensor_cores, bounds)


def backward_data(dy: Array, w: Array, dx: Array, shape: Shape, tensor_cores: bool) -> None:
    """dx (N, H, W, G C) from dy (N, P, Q, G O) and w (G O, kh, kw, C): a pass for each class of pixels (see conv_pass.py)."""
    turned = by_input(w, shape)
    for one in data_passes(shape):
        if one["M"]:
            _run(one, dy, turned, None, dx, shape.groups, tensor_cores, (-math.inf, math.inf))


def backward_weights(dy: Array, x: Array, dw: Array, shape: Shape, tensor_cores: bool) -> None:
    """dw (G O, kh, kw, C) from dy (N, P, Q, G O) and x (N, H, W, G C)."""
    one = forward_pass(shape)
    M, K, O, groups = (int(n) for n in (one["M"], one["K"], one["O"], shape.groups))
    tile_m, tile_n = _tile(O, x.dtype), _tile(K, x.dtype)
    step = TENSOR_STEP if tensor_cores else GATHER_STEP
    across, down, steps = blocks(K, tile_n), blocks(O, tile_m), blocks(M, step)
    wanted = max(1, min(blocks(ENOUGH, across * down * groups), blocks(steps, SHORTEST)))
    each = blocks(steps, wanted)
    parts = blocks(steps, each)
    room = array_module(x).empty((parts, groups * O * K), real(x.dtype))
    grid, args = (across, down, parts * groups), (x, dy, room, one, groups, each)
    if tensor_cores:
        stages, extra = (3, 8) if x.dtype.itemsize == 4 else (4, 0)
        shared = stages * TENSOR_STEP * x.dtype.itemsize * (tile_m + tile_n + 2 * extra)
        macros = (*_tiles(tile_m, tile_n), f"STAGES={stages}", f"MMA={MMA[x.dtype.name]}")
        launch("conv_tensor_weights", "conv_tensor_weights", grid, 128, args, dtype=x.dtype, shared=shared, macros=macros)
    else:
        vector = _vector(x, shape.C, shape.O)
        launch("conv_gather", "conv_gather_weights", grid, 256, args, dtype=x.dtype, macros=(*_tiles(tile_m, tile_n), f"VECTOR={vector}"))
    launch("conv_parts", "sum_parts", blocks(dw.size), 256, (room, dw, dw.size, parts), dtype=x.dtype)


def by_input(w: Array, shape: Shape) -> Array:
    """Weights (G O, kh, kw, C) as (G, kh, kw, C, O): those of one input beside each other."""
    kh, kw = shape.kernel_size
    turned = array_module(w).empty((shape.groups, kh, kw, shape.C, shape.O), w.dtype)
    transpose(w.reshape(shape.groups, shape.O, kh * kw * shape.C), turned)
    return turned


def padded_channels(matrix: Array, channels: int) -> Array:
    """Rows of C numbers (..., C) with zeros behind them, up to `channels`; the array itself if it has so many."""
    C = matrix.shape[-1]
    if channels == C:
        return matrix
    y = array_module(matrix).empty((*matrix.shape[:-1], channels), matrix.dtype)
    launch("conv_parts", "pad_channels", blocks(y.size), 256, (matrix, y, np.int64(y.size), C, channels), dtype=matrix.dtype)
    return y


def cut_channels(matrix: Array, channels: int) -> Array:
    """The first `channels` numbers of each row; the array itself if it has no more."""
    D = matrix.shape[-1]
    if channels == D:
        return matrix
    y = array_module(matrix).empty((*matrix.shape[:-1], channels), matrix.dtype)
    launch("conv_parts", "cut_channels", blocks(y.size), 256, (matrix, y, np.int64(y.size), channels, D), dtype=matrix.dtype)
    return y


def sum_rows(matrix: Array) -> Array:
    """The sum of the rows of a matrix (M, O)."""
    M, O = matrix.shape
    xp = array_module(matrix)
    parts = min(blocks(M, 64), max(1, blocks(ENOUGH, blocks(O, 32))))
    room, total = xp.empty((parts, O), real(matrix.dtype)), xp.empty(O, matrix.dtype)
    launch("conv_parts", "sum_rows", (blocks(O, 32), parts), (32, 8), (matrix, room, M, O), dtype=matrix.dtype)
    launch("conv_parts", "sum_parts", blocks(O), 256, (room, total, O, parts), dtype=matrix.dtype)
    return total


def _run(
    one: Any, x: Array, w: Array, bias: Array | None, y: Array, groups: int, tensor_cores: bool, bounds: tuple[float, float]
) -> None:
    """One pass, on one of the two kinds of arithmetic units."""
    O = int(one["O"])
    tile_m, tile_n = _tile(128, x.dtype), _tile(O, x.dtype)
    grid = (blocks(O, tile_n), blocks(int(one["M"]), tile_m), groups)
    args = (x, w, bias, y, one, *bounds)
    if tensor_cores:
        stages = 3
        shared = max(stages * (tile_m + tile_n) * 128, tile_m * (tile_n + 8) * 4)
        macros = (*_tiles(tile_m, tile_n), f"STAGES={stages}", f"MMA={MMA[x.dtype.name]}")
        launch("conv_tensor", "conv_tensor", grid, 128, args, dtype=x.dtype, shared=shared, macros=macros)
    else:
        vector = _vector(x, int(one["C"]), int(one["C"]))
        launch("conv_gather", "conv_gather", grid, 256, args, dtype=x.dtype, macros=(*_tiles(tile_m, tile_n), f"VECTOR={vector}"))


@functools.cache
def _tiles(tile_m: int, tile_n: int) -> tuple[str, str]:
    return f"TILE_M={tile_m}", f"TILE_N={tile_n}"


def _tile(size: int, dtype: Any) -> int:
    """Rows or columns of a tile: as many as registers allow, if there are so many."""
    return 128 if size > 64 and dtype.itemsize < 8 else 64


def _vector(x: Array, C: int, O: int) -> int:
    """Numbers that a thread reads at once."""
    width = 16 // x.dtype.itemsize
    return width if C % width == 0 and O % width == 0 else 1


def real(dtype: Any) -> Any:
    """The type that sums of such numbers are computed in."""
    return dtype if dtype.itemsize == 8 else np.float32


def in_real(b: Array) -> Array:
    """Biases as kernels read them: not of 16 bits."""
    return b if b.dtype.itemsize >= 4 else b.astype(np.float32)
