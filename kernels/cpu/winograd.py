"""Winograd's convolution: windows of 3x3 with stride 1 by a quarter of the multiplications.

An output tile of m x m pixels needs n x n = (m + 2) x (m + 2) pixels of the input. Both and the filters are transformed (`winograd_lines.py`), and
what was a sum over 9 taps and C channels becomes n² sums over the channels alone, one for each place in the tile:

    y = Aᵀ [ Σ_c (G w[o, c] Gᵀ) ⊙ (Bᵀ d[c] B) ] A         for every place: M (tiles, O) = V (tiles, C) · U (C, O)

which are n² matrix products. Why it pays: with m = 4 they have 36 multiplications for 16 pixels, direct convolution 144. The transforms cost about
150 vector operations per tile and 8 channels, while the products cost 36 C for 8 of the O channels: at C = 64 one in fifteen, at C = 16 still less
than a half. And all of it happens in blocks of tiles that stay in the cache: V and M are 2.25 times as large as the images, and would else
travel to memory and back.

The gradient of the images is a convolution of dy with the filters turned over, by the same code. That of the weights is in `winograd_weights.py`.

Errors, of the largest result: m = 2 is off by 1e-6, as a plain product is; m = 4 by 4e-6 with 64 channels and by 2e-5 with 512
(`tests/kernels/test_winograd.py` measures it). An infinity or a NaN spoils the whole tile. float64 is for those who want digits, and is never computed this way.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.jit import jit_counted
from minicnn.kernels.cpu.product import ROWS, product, row_length, tile_columns
from minicnn.kernels.cpu.threads import FMA, over_images
from minicnn.kernels.cpu.vector import lanes
from minicnn.kernels.cpu.winograd_tiles import (
    copy_in,
    copy_out,
    corner,
    finish_pixels,
    lies_inside,
    numbers_of_tile,
    results_of_tile,
    taps_of_filter,
)
from minicnn.kernels.types import Array, Padding, Window

TILES = 48  # of a block: fewer, and all filters are read too often; more, and V and M leave the cache
CHUNK = 16  # channels whose filters are read together


def forward(
    x: Array, w: Array, b: Array | None, padding: Padding, m: int, bounds: Sequence[float] = (), turned: bool = False
) -> Array:
    """Images (N, H, W, C), filters (O, C, 3, 3), channels a multiple of 8: results (N, P, Q, O), clipped to `bounds` if there are any.

    `turned`: with the filters (C, O, 3, 3) turned over.
    """
    N, H, W, C = x.shape
    O = w.shape[1] if turned else w.shape[0]
    P, Q = H + padding[0] + padding[1] - 2, W + padding[2] + padding[3] - 2
    U = _transformed_filters(w, m, turned)
    y = arena.empty((N, P, Q, O), x.dtype)
    bias = np.zeros(O, x.dtype) if b is None else b
    limits = np.array(bounds, x.dtype)
    tiles = (-(-P // m), -(-Q // m))

    def work(start: int, stop: int) -> None:
        _forward(x, U, bias, limits, y, m, tiles, padding[0], padding[2], start, stop)

    over_images(N * tiles[0] * tiles[1], work, cost=y.size * C // FMA)
    return y


def backward_data(dy: Array, w: Array, padding: Padding, size: Window, m: int) -> Array:
    """The gradient of the images: dy (N, P, Q, O), padded so that every pixel meets all its windows, with the filters turned over."""
    top, left = 2 - padding[0], 2 - padding[2]
    around = (top, size[0] + 2 - dy.shape[1] - top, left, size[1] + 2 - dy.shape[2] - left)
    return forward(dy, w, None, around, m, turned=True)


def _transformed_filters(w: Array, m: int, turned: bool) -> Array:
    """G w Gᵀ of filters (O, C, 3, 3), in panels for the product: (n², strips, C, columns of a strip).

    `turned`: turned over, and with input and output channels exchanged.
    """
    O, C = w.shape[:2] if not turned else w.shape[1::-1]
    tile = tile_columns(w.dtype)
    strips = -(-O // tile)
    U = arena.empty(((m + 2) ** 2, strips, C, tile), w.dtype)
    filters = np.ascontiguousarray(w).reshape(*w.shape[:2], 9)
    over_images(strips, lambda start, stop: _filters(filters, U, m, turned, start, stop), cost=U.size)
    return U


@jit_counted
def _forward(
    x: Any, U: Any, bias: Any, bounds: Any, y: Any, m: int, tiles: Any, top: int, left: int, start: int, stop: int
) -> None:
    """Tiles start..stop-1, block by block: transform, multiply, transform back."""
    _, H, W, C = x.shape
    _, P, Q, O = y.shape
    n, step = m + 2, lanes(x)
    columns = U.shape[1] * U.shape[3]
    finish = bounds.size > 0 or bias.any()
    X, Y, panels = x.reshape(x.size), y.reshape(y.size), U.reshape(U.size)
    place_v, place_m = row_length(TILES * C, x.itemsize), row_length(TILES * columns, x.itemsize)
    V, M = np.zeros(n * n * place_v, x.dtype), np.empty(n * n * place_m, x.dtype)
    half, patch, zeros = np.empty(n * n * step, x.dtype), np.empty(n * n * step, x.dtype), np.zeros(columns, x.dtype)
    lines, channels = C * np.arange(TILES), np.arange(C)
    for first in range(start, stop, TILES):
        count = min(TILES, stop - first)
        for t in range(count):
            image, r, s = corner(first + t, tiles, m, top, left)
            inside = lies_inside(r, s, n, H, W)
            for c in range(0, C, step):
                pixel, to = ((image * H + r) * W + s) * C + c, t * C + c
                if inside:
                    numbers_of_tile(m, X, pixel, W * C, C, half, V, to, n * place_v, place_v)
                else:
                    copy_in(X, pixel, r, s, n, H, W, C, patch)
                    numbers_of_tile(m, patch, 0, n * step, step, half, V, to, n * place_v, place_v)
        rows = (count + ROWS - 1) // ROWS * ROWS
        for k in range(n * n):
            product(V, k * place_v, lines, rows, channels, panels, k * columns * C, zeros, zeros[:0], M, k * place_m, columns, columns, zeros)
        for t in range(count):
            image, p, q = corner(first + t, tiles, m, 0, 0)
            inside = lies_inside(p, q, m, P, Q)
            for o in range(0, O, step):
                at, pixel = t * columns + o, ((image * P + p) * Q + q) * O + o
                if inside:
                    results_of_tile(m, M, at, n * place_m, place_m, half, Y, pixel, Q * O, O)
                else:
                    results_of_tile(m, M, at, n * place_m, place_m, half, patch, 0, m * step, step)
                    copy_out(patch, m, min(m, P - p), min(m, Q - q), Y, pixel, Q, O)
                if finish:
                    finish_pixels(bias, o, bounds, min(m, P - p), min(m, Q - q), Y, pixel, Q, O)


@jit_counted
def _filters(w: Any, U: Any, m: int, turned: bool, start: int, stop: int) -> None:
    """Strips start..stop-1 of the transformed filters; zeros where a strip has no filter.

    The filters w (O, C, 9) are read CHUNK channels at a time, for which they lie side by side in memory: one by one, every number would be a journey.
    """
    n, step = m + 2, lanes(w)
    _, strips, K, tile = U.shape
    filters = w.shape[1] if turned else w.shape[0]
    taps, half = np.zeros(CHUNK * 9 * tile, w.dtype), np.empty(3 * n * step, w.dtype)
    out, place = U.reshape(U.size), strips * K * tile
    for strip in range(start, stop):
        first, columns = strip * tile, min(tile, filters - strip * tile)
        if columns < tile:
            taps[:] = 0
        for k in range(0, K, CHUNK):
            depth = min(CHUNK, K - k)
            if turned:
                for i in range(depth):
                    for o in range(columns):
                        for tap in range(9):
                            taps[(i * 9 + 8 - tap) * tile + o] = w[k + i, first + o, tap]
            else:
                for o in range(columns):
                    for i in range(depth):
                        for tap in range(9):
                            taps[(i * 9 + tap) * tile + o] = w[first + o, k + i, tap]
            for i in range(depth):
                for o in range(0, tile, step):
                    to = (strip * K + k + i) * tile + o
                    taps_of_filter(m, taps, i * 9 * tile + o, 3 * tile, tile, half, out, to, n * place, place)
