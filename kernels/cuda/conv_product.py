"""Convolution as a product of matrices that gathers its left factor on the way.

On one of three units: "gather", the ordinary arithmetic units (conv_gather.cu); "tensor", tensor cores since compute capability 8.0 (conv_tensor.cu,
conv_tensor_weights.cu); "hopper", those of 9.0 (conv_hopper.cu, conv_hopper_weights.cu). Images and weights come with their channels innermost, and (but for
groups) with a number of channels that 16-byte accesses divide: `padded_channels`.
"""

import functools
import math
from typing import Any

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.conv_pass import Pass, Shape, data_passes, forward_pass
from minicnn.kernels.cuda.launch import blocks, launch, real
from minicnn.kernels.cuda.layout import transpose
from minicnn.kernels.types import Array

AT_ONCE = 264  # blocks that a large GPU runs at once: two on each of 132 multiprocessors
MOST_PARTS, EXTRA = 64, 4  # of a sum of pixels; steps that a part costs beside its own
KIND = {"float32": "tf32", "float16": "f16", "bfloat16": "bf16"}

VECTORS = {n: f"VECTOR={n}" for n in (1, 2, 4, 8)}

Bounds = tuple[float, float]
NO_BOUNDS = (-math.inf, math.inf)


def forward(x: Array, w: Array, bias: Array | None, y: Array, shape: Shape, units: str, bounds: Bounds) -> None:
    """y (N, P, Q, G O) from x (N, H, W, G C) and w (G O, kh, kw, C), clipped to `bounds`."""
    _UNITS[units](forward_pass(shape, _chunk(x, units)), x, w, bias, y, shape.groups, bounds)


def backward_data(dy: Array, w: Array, dx: Array, shape: Shape, units: str) -> None:
    """dx (N, H, W, G C) from dy (N, P, Q, G O) and w (G O, kh, kw, C): a pass for each class of pixels (see conv_pass.py)."""
    turned = by_input(w, shape)
    for one in data_passes(shape, _chunk(dy, units)):
        if one.M:
            _UNITS[units](one, dy, turned, None, dx, shape.groups, NO_BOUNDS)


def backward_weights(dy: Array, x: Array, dw: Array, shape: Shape, units: str) -> None:
    """dw (G O, kh, kw, C) from dy (N, P, Q, G O) and x (N, H, W, G C)."""
    one, groups, xp = forward_pass(shape), shape.groups, array_module(x)
    M, K, O = one.M, one.K, one.O
    if units == "hopper" and (x.dtype.itemsize == 4 or O <= 64):
        units = "tensor"  # Hopper's cannot turn over 32-bit numbers, and half of a tile would be empty
    step, tile_m, tile_n = WEIGHT_STEPS[units], _tile(O, x.dtype), 128 if units == "hopper" else _tile(K, x.dtype)
    across, down, steps = blocks(K, tile_n), blocks(O, tile_m), blocks(M, step)
    each = steps_of_a_part(across * down * groups, steps)
    parts = blocks(steps, each)
    room = xp.empty((parts, groups * O * K), real(x.dtype))
    grid, args = (across, down, parts * groups), (x, dy, room, one.structure, groups, each)
    tiles: tuple[str, ...] = _tiles(tile_m, tile_n)
    if units == "gather":
        launch("conv_gather", "conv_gather_weights", grid, 256, args, dtype=x.dtype, macros=(*tiles, VECTORS[_vector(x, shape.C, shape.O)]))
    elif units == "tensor":
        stages, extra = (3, 8) if x.dtype.itemsize == 4 else (4, 0)
        shared = stages * step * x.dtype.itemsize * (tile_m + tile_n + 2 * extra)
        macros: tuple[str, ...] = (*tiles, f"STAGES={stages}", _instruction("MMA=mma_", x.dtype))
        threads = 256 if tile_m + tile_n > 128 else 128
        launch("conv_tensor_weights", "conv_tensor_weights", grid, threads, args, dtype=x.dtype, shared=shared, macros=macros)
    else:
        macros = (*tiles, _instruction("WGMMA_OF=wgmma_", x.dtype, "_transposed"))
        shared = HOPPER_STAGES * step * 2 * (tile_m + tile_n)
        launch("conv_hopper_weights", "conv_hopper_weights", grid, 256, args, dtype=x.dtype, shared=shared, macros=macros, arch="sm_90a")
    launch("conv_parts", "sum_parts", blocks(dw.size), 256, (room, dw, dw.size, parts), dtype=x.dtype)


@functools.lru_cache(maxsize=4096)
def steps_of_a_part(tiles: int, steps: int) -> int:
    """Into how long parts a sum of `steps` is cut, for each of so many tiles, so that the last round of blocks is not nearly empty.

    >>> steps_of_a_part(tiles=264, steps=100), steps_of_a_part(tiles=1, steps=1000)
    (100, 16)
    """

    def time(each: int) -> int:
        return blocks(tiles * blocks(steps, each), AT_ONCE) * (each + EXTRA)

    return min((blocks(steps, parts) for parts in range(1, min(MOST_PARTS, steps) + 1)), key=time)


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


def rounded_tf32(w: Array) -> Array:
    """float32 numbers rounded to the 11 bits of TF32, for tensor cores that would cut them."""
    y = array_module(w).empty_like(w)
    launch("conv_parts", "round_to_tf32", blocks(w.size), 256, (w, y, w.size), dtype=w.dtype)
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
    parts = min(blocks(M, 64), max(1, blocks(2 * AT_ONCE, blocks(O, 32))))
    room, total = xp.empty((parts, O), real(matrix.dtype)), xp.empty(O, matrix.dtype)
    launch("conv_parts", "sum_rows", (blocks(O, 32), parts), (32, 8), (matrix, room, M, O), dtype=matrix.dtype)
    launch("conv_parts", "sum_parts", blocks(O), 256, (room, total, O, parts), dtype=matrix.dtype)
    return total


def _gather(one: Pass, x: Array, w: Array, bias: Array | None, y: Array, groups: int, bounds: Bounds) -> None:
    tile_m, tile_n = _tile(128, x.dtype), _tile(one.O, x.dtype)
    macros = (*_tiles(tile_m, tile_n), VECTORS[_vector(x, one.C, one.C)])
    launch("conv_gather", "conv_gather", _grid(one, tile_m, tile_n, groups), 256, (x, w, bias, y, one.structure, *bounds), dtype=x.dtype, macros=macros)


def _tensor(one: Pass, x: Array, w: Array, bias: Array | None, y: Array, groups: int, bounds: Bounds) -> None:
    tile_m, tile_n = 128, _tile(one.O, x.dtype)
    macros = (*_tiles(tile_m, tile_n), "STAGES=3", _instruction("MMA=mma_", x.dtype))
    shared = max(3 * (tile_m + tile_n) * 128, tile_m * (tile_n + 8) * x.dtype.itemsize)
    grid, args = _grid(one, tile_m, tile_n, groups), (x, w, bias, y, one.structure, *bounds)
    launch("conv_tensor", "conv_tensor", grid, 128, args, dtype=x.dtype, shared=shared, macros=macros)


def _hopper(one: Pass, x: Array, w: Array, bias: Array | None, y: Array, groups: int, bounds: Bounds) -> None:
    tile_m, tile_n = 128, _tile(one.O, x.dtype)
    macros = (*_tiles(tile_m, tile_n), _instruction("WGMMA_OF=wgmma_", x.dtype))
    shared = max(HOPPER_STAGES * (tile_m + tile_n) * 128, tile_m * (tile_n + 8) * x.dtype.itemsize)
    grid, args = _grid(one, tile_m, tile_n, groups), (x, w, bias, y, one.structure, *bounds)
    launch("conv_hopper", "conv_hopper", grid, 256, args, dtype=x.dtype, shared=shared, macros=macros, arch="sm_90a")


_UNITS = {"gather": _gather, "tensor": _tensor, "hopper": _hopper}
HOPPER_STAGES = 3  # STAGES of hopper.cuh
WEIGHT_STEPS = {"gather": 16, "tensor": 32, "hopper": 64}  # pixels in a step of a weight gradient


def _chunk(x: Array, units: str) -> int:
    """Channels of a step of the kernels for tensor cores: 128 bytes."""
    return 0 if units == "gather" else 128 // x.dtype.itemsize


def _grid(one: Pass, tile_m: int, tile_n: int, groups: int) -> tuple[int, int, int]:
    return blocks(one.O, tile_n) * blocks(one.M, tile_m), 1, groups


@functools.cache
def _instruction(macro: str, dtype: Any, more: str = "") -> str:
    return f"{macro}{KIND[dtype.name]}{more}"


@functools.cache
def _tiles(tile_m: int, tile_n: int) -> tuple[str, str]:
    return f"TILE_M={tile_m}", f"TILE_N={tile_n}"


def _tile(size: int, dtype: Any) -> int:
    """Rows or columns of a tile: as many as registers allow, if there are so many."""
    return 128 if size > 64 and dtype.itemsize < 8 else 64


def _vector(x: Array, C: int, O: int) -> int:
    """Numbers that a thread reads at once. With eight, 256 threads would read more than a step of a tile of 64 has."""
    width = min(4, 16 // x.dtype.itemsize)
    return width if C % width == 0 and O % width == 0 else 1


def in_real(b: Array) -> Array:
    """Biases as kernels read them: not of 16 bits."""
    return b if b.dtype.itemsize >= 4 else b.astype(np.float32)
