"""The lower rungs of the ladder of convolution: launches conv_ladder.cu and conv_ladder_product.cu. For learning; `conv.py` computes this way when asked.

Images come with their channels innermost, filters as (G O, kh, kw, C); C and O are those of one group.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.conv_pass import Shape
from minicnn.kernels.cuda.conv_product import NO_BOUNDS, Bounds, by_input, steps_of_a_part
from minicnn.kernels.cuda.launch import blocks, launch, real
from minicnn.kernels.types import Array

_CONV = np.dtype([(name, np.int32) for name in ["N", "H", "W", "C", "P", "Q", "O", "kh", "kw", "sh", "sw", "top", "left", "dh", "dw", "groups"]])
_PRODUCT = np.dtype(
    [(name, np.int32) for name in ["I", "J", "L", "groups", "each"]]
    + [(name, np.int64) for name in ["a_i", "a_l", "a_group", "b_l", "b_group", "c_i", "c_group"]],
    align=True,
)


class _Way(NamedTuple):
    """A kernel of conv_ladder_product.cu: the tile of results of a block, its threads, and the numbers of the sum in a step."""

    kernel: str
    tile: tuple[int, int]
    threads: tuple[int, int]
    depth: int


NAIVE = "naive"
PRODUCTS = {
    "im2col": _Way("product_plain", (8, 32), (32, 8), 32),
    "tiled": _Way("product_tiled", (32, 32), (32, 32), 32),
    "registers": _Way("product_registers", (64, 64), (256, 1), 16),
}
RUNGS = (NAIVE, *PRODUCTS)


def forward(x: Array, w: Array, bias: Array | None, y: Array, shape: Shape, rung: str, bounds: Bounds) -> None:
    """y (N, P, Q, G O) from x (N, H, W, G C) and w (G O, kh, kw, C), clipped to `bounds`."""
    if rung == NAIVE:
        _launch("naive_forward", y.size, (x, w, bias, y, _conv(shape), *bounds), x.dtype)
        return
    M, K, O, G = _sizes(shape)
    strides = {"a_i": G * K, "a_l": 1, "a_group": K, "b_l": O, "b_group": K * O, "c_i": G * O, "c_group": O}
    _multiply(rung, (M, O, K), G, strides, _windows(x, shape), by_input(w, shape), y, bias=bias, bounds=bounds)


def backward_data(dy: Array, w: Array, dx: Array, shape: Shape, rung: str) -> None:
    """dx (N, H, W, G C)."""
    if rung == NAIVE:
        _launch("naive_data", dx.size, (dy, w, dx, _conv(shape)), dy.dtype)
        return
    M, K, O, G = _sizes(shape)
    cols = array_module(dy).empty((M, G * K), dy.dtype)
    strides = {"a_i": G * O, "a_l": 1, "a_group": O, "b_l": K, "b_group": O * K, "c_i": G * K, "c_group": K}
    _multiply(rung, (M, K, O), G, strides, dy, w, cols)
    _launch("col2im", dx.size, (cols, dx, _conv(shape)), dy.dtype)


def backward_weights(dy: Array, x: Array, dw: Array, shape: Shape, rung: str) -> None:
    """dw (G O, kh, kw, C). The products have long sums and few results: each sum is cut into parts, so that there is work for many blocks."""
    if rung == NAIVE:
        _launch("naive_weights", dw.size, (dy, x, dw, _conv(shape)), dy.dtype)
        return
    M, K, O, G = _sizes(shape)
    way = PRODUCTS[rung]
    each = way.depth * steps_of_a_part(_tiles(way, O, K) * G, max(1, blocks(M, way.depth)))
    strides = {"a_i": 1, "a_l": G * O, "a_group": O, "b_l": G * K, "b_group": K, "c_i": K, "c_group": O * K}
    parts = max(1, blocks(M, each))
    room = array_module(dy).empty((parts, dw.size), real(dy.dtype))
    _multiply(rung, (O, K, M), G, strides, dy, _windows(x, shape), room, each=each, parts=parts)
    launch("conv_parts", "sum_parts", blocks(dw.size), 256, (room, dw, dw.size, parts), dtype=dy.dtype)


def _windows(x: Array, shape: Shape) -> Array:
    """cols (N P Q, G kh kw C): what each window sees, in a row."""
    M, K, _, G = _sizes(shape)
    cols = array_module(x).empty((M, G * K), x.dtype)
    _launch("im2col", cols.size, (x, cols, _conv(shape)), x.dtype)
    return cols


def _multiply(
    rung: str, sizes: tuple[int, int, int], groups: int, strides: dict[str, int], a: Array, b: Array, c: Array,
    *, bias: Array | None = None, bounds: Bounds = NO_BOUNDS, each: int = 0, parts: int = 0,
) -> None:  # fmt: skip
    """c (I, J) = a (I, L) b (L, J) for each group; with `parts`, c is (parts, I, J), to be summed."""
    I, J, L = sizes
    way = PRODUCTS[rung]
    structure = _filled(_PRODUCT, I=I, J=J, L=L, groups=groups, each=each or L, **strides)
    grid = (_tiles(way, I, J), 1, groups * max(1, parts))
    results = (None, c) if parts else (c, None)
    launch("conv_ladder_product", way.kernel, grid, way.threads, (a, b, bias, *results, structure, *bounds), dtype=a.dtype)


def _launch(kernel: str, count: int, args: tuple[Any, ...], dtype: Any) -> None:
    """With a thread for each of `count` numbers."""
    launch("conv_ladder", kernel, blocks(count), 256, args, dtype=dtype)


def _tiles(way: _Way, I: int, J: int) -> int:
    return blocks(I, way.tile[0]) * blocks(J, way.tile[1])


def _sizes(s: Shape) -> tuple[int, int, int, int]:
    """M windows, K numbers in each, O filters, G groups."""
    return s.N * s.P * s.Q, math.prod(s.kernel_size) * s.C, s.O, s.groups


@functools.lru_cache(maxsize=1024)
def _conv(s: Shape) -> Any:
    """The structure `Conv`."""
    (kh, kw), (sh, sw), (dh, dw) = s.kernel_size, s.stride, s.dilation
    sizes = {"N": s.N, "H": s.H, "W": s.W, "C": s.C, "P": s.P, "Q": s.Q, "O": s.O, "groups": s.groups}
    return _filled(_CONV, **sizes, kh=kh, kw=kw, sh=sh, sw=sw, dh=dh, dw=dw, top=s.padding[0], left=s.padding[2])


def _filled(fields: Any, **values: int) -> Any:
    structure = np.zeros((), fields)
    for name, value in values.items():
        structure[name] = value
    return structure.view(f"V{fields.itemsize}")
