"""Winograd's convolution: windows of 3x3 with stride 1 by a quarter of the multiplications.

An output tile of m x m pixels needs n x n = (m + 2) x (m + 2) pixels of the input. Both and the filters are transformed (`winograd_lines.py`), and
what was a sum over 9 taps and C channels becomes n² sums over the channels alone, one for each place in the tile:

    y = Aᵀ [ Σ_c (G w[o, c] Gᵀ) ⊙ (Bᵀ d[c] B) ] A         for every place: M (tiles, O) = V (tiles, C) · U (C, O)

which are n² matrix products. Why it pays: with m = 4 they have 36 multiplications for 16 pixels, direct convolution 144. The transforms cost about
150 vector operations per tile and 8 channels, while the products cost 36 C for 8 of the O channels: at C = 64 one in fifteen, at C = 16 still less
than a half. And all of it happens in blocks of tiles that stay in the cache: V and M are 2.25 times as large as the images, and would else
travel to memory and back.

Gradients: that of the images is a convolution of dy with the filters turned over, by the same code. That of the weights is

    dw = Gᵀ [ Σ_tiles (Bᵀ d B) ⊙ (A dy Aᵀ) ] G            for every place: dU (C, O) = Vᵀ (C, tiles) · dM (tiles, O)

Errors: a product of float32 is off by about 1e-7 of its size, with m = 2 by 2e-7, with m = 4 by up to 5e-6, and of the weights' gradient likewise
(`tests/kernels/test_winograd.py` measures it). float64 is for those who want digits, and is never computed this way.
"""

from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.product import ROWS, add_product_of_columns, product, row_length, tile_columns, whole_tiles
from minicnn.kernels.cpu.threads import over_images, split
from minicnn.kernels.cpu.vector import lanes
from minicnn.kernels.cpu.winograd_tiles import (
    add_to_pixels,
    copy_in,
    copy_out,
    corner,
    gradients_of_tile,
    lies_inside,
    numbers_of_tile,
    results_of_tile,
    tap_gradients_of_filter,
    taps_of_filter,
)
from minicnn.kernels.types import Array, Padding, Window

WORKSPACE = 192 * 1024  # numbers of a block of tiles, V and M together: what the second cache holds, and a bit
LEAST_TILES = 24  # of a block: all filters are read for each


def forward(x: Array, w: Array, b: Array | None, padding: Padding, m: int) -> Array:
    """Images (N, H, W, C), filters (O, C, 3, 3), channels a multiple of 8: results (N, P, Q, O)."""
    N, H, W, C = x.shape
    O = w.shape[0]
    P, Q = H + padding[0] + padding[1] - 2, W + padding[2] + padding[3] - 2
    U = _transformed_filters(w.transpose(2, 3, 1, 0), m)
    y = np.empty((N, P, Q, O), x.dtype)
    bias = np.empty(0, x.dtype) if b is None else b
    tiles = (-(-P // m), -(-Q // m))
    block = _block(C + whole_tiles(O, x.dtype), m)

    def work(start: int, stop: int) -> None:
        _forward(x, U, bias, y, m, tiles, padding[0], padding[2], block, start, stop)

    over_images(N * tiles[0] * tiles[1], work, cost=y.size * C)
    return y


def backward_data(dy: Array, w: Array, padding: Padding, size: Window, m: int) -> Array:
    """The gradient of the images: dy (N, P, Q, O), padded so that every pixel meets all its windows, with the filters turned over."""
    turned = w[:, :, ::-1, ::-1].swapaxes(0, 1)
    top, left = 2 - padding[0], 2 - padding[2]
    around = (top, size[0] + 2 - dy.shape[1] - top, left, size[1] + 2 - dy.shape[2] - left)
    return forward(dy, turned, None, around, m)


def backward_weights(dy: Array, x: Array, padding: Padding, m: int) -> Array:
    """The gradient of the filters (O, C, 3, 3). Each thread sums over its own tiles; the sums are added in order."""
    (N, P, Q, O), C = dy.shape, x.shape[3]
    tiles = (-(-P // m), -(-Q // m))
    count, cost = N * tiles[0] * tiles[1], dy.size * C
    block = _block(row_length(C, x.itemsize) + row_length(O, x.itemsize), m)
    rows, columns = -(-C // ROWS) * ROWS, whole_tiles(O, x.dtype)
    parts = {start: np.zeros(((m + 2) ** 2, rows, columns), x.dtype) for start, _ in split(count, cost)}

    def work(start: int, stop: int) -> None:
        _backward_weights(dy, x, parts[start], m, tiles, padding[0], padding[2], block, start, stop)

    over_images(count, work, cost)
    dU, *others = parts.values()
    dw = np.empty((O, C, 3, 3), x.dtype)

    def finish(start: int, stop: int) -> None:
        for other in others:
            dU[:, start:stop] += other[:, start:stop]
        _filters_back(dU, dw, m, start, stop)

    over_images(C, finish, cost=dU.size)
    return dw


def _block(numbers: int, m: int) -> int:
    """Tiles that are worked on together, if each has so many numbers in each of its n² places; whole tiles of the product."""
    return max(LEAST_TILES, min(WORKSPACE // ((m + 2) ** 2 * numbers), 192)) // ROWS * ROWS


def _transformed_filters(w: Array, m: int) -> Array:
    """G w Gᵀ of filters (3, 3, C, O), in panels for the product: (n², strips, C, columns of a strip)."""
    C, O = w.shape[2:]
    tile = tile_columns(w.dtype)
    strips = -(-O // tile)
    U = np.empty(((m + 2) ** 2, strips, C, tile), w.dtype)
    over_images(strips, lambda start, stop: _filters(w, U, m, start, stop), cost=U.size)
    return U


@jit
def _forward(
    x: Any, U: Any, bias: Any, y: Any, m: int, tiles: Any, top: int, left: int, block: int, start: int, stop: int
) -> None:
    """Tiles start..stop-1, block by block: transform, multiply, transform back."""
    _, H, W, C = x.shape
    _, P, Q, O = y.shape
    n, step = m + 2, lanes(x)
    columns = U.shape[1] * U.shape[3]
    with_bias = len(bias) > 0
    X, Y, panels = x.reshape(x.size), y.reshape(y.size), U.reshape(U.size)
    place_v, place_m = row_length(block * C, x.itemsize), row_length(block * columns, x.itemsize)
    V, M = np.zeros(n * n * place_v, x.dtype), np.empty(n * n * place_m, x.dtype)
    half, patch, zeros = np.empty(n * n * step, x.dtype), np.empty(n * n * step, x.dtype), np.zeros(columns, x.dtype)
    for first in range(start, stop, block):
        count = min(block, stop - first)
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
            product(V, k * place_v, C, rows, C, panels, k * columns * C, zeros, M, k * place_m, columns, columns, zeros)
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
                if with_bias:
                    add_to_pixels(bias, o, min(m, P - p), min(m, Q - q), Y, pixel, Q, O)


@jit
def _backward_weights(
    dy: Any, x: Any, dU: Any, m: int, tiles: Any, top: int, left: int, block: int, start: int, stop: int
) -> None:
    """dU += Vᵀ dM, summed over tiles start..stop-1."""
    _, H, W, C = x.shape
    _, P, Q, O = dy.shape
    n, step = m + 2, lanes(x)
    places, rows, columns = dU.shape
    X, G, sums = x.reshape(x.size), dy.reshape(dy.size), dU.reshape(dU.size)
    ldv, ldm = row_length(C, x.itemsize), row_length(O, x.itemsize)
    place_v, place_m = row_length(block * ldv, x.itemsize), row_length(block * ldm, x.itemsize)
    V, M = np.zeros(n * n * place_v + ROWS, x.dtype), np.zeros(n * n * place_m, x.dtype)
    half, patch = np.empty(n * n * step, x.dtype), np.empty(n * n * step, x.dtype)
    for first in range(start, stop, block):
        count = min(block, stop - first)
        for t in range(count):
            image, r, s = corner(first + t, tiles, m, top, left)
            inside = lies_inside(r, s, n, H, W)
            for c in range(0, C, step):
                pixel, to = ((image * H + r) * W + s) * C + c, t * ldv + c
                if inside:
                    numbers_of_tile(m, X, pixel, W * C, C, half, V, to, n * place_v, place_v)
                else:
                    copy_in(X, pixel, r, s, n, H, W, C, patch)
                    numbers_of_tile(m, patch, 0, n * step, step, half, V, to, n * place_v, place_v)
            image, p, q = corner(first + t, tiles, m, 0, 0)
            inside = lies_inside(p, q, m, P, Q)
            for o in range(0, O, step):
                pixel, to = ((image * P + p) * Q + q) * O + o, t * ldm + o
                if inside:
                    gradients_of_tile(m, G, pixel, Q * O, O, half, M, to, n * place_m, place_m)
                else:
                    copy_in(G, pixel, p, q, m, P, Q, O, patch)
                    gradients_of_tile(m, patch, 0, m * step, step, half, M, to, n * place_m, place_m)
        for k in range(places):
            add_product_of_columns(
                V, k * place_v, ldv, rows, count, M, k * place_m, ldm, sums, k * rows * columns, columns, columns
            )


@jit
def _filters(w: Any, U: Any, m: int, start: int, stop: int) -> None:
    """Strips start..stop-1 of the transformed filters; zeros where a strip has no filter."""
    n, step, O = m + 2, lanes(w), w.shape[3]
    _, strips, C, tile = U.shape
    taps, half = np.zeros(9 * tile, w.dtype), np.empty(3 * n * step, w.dtype)
    out, place = U.reshape(U.size), strips * C * tile
    for strip in range(start, stop):
        columns = min(tile, O - strip * tile)
        taps[:] = 0
        for c in range(C):
            for o in range(columns):
                for i in range(3):
                    for j in range(3):
                        taps[(3 * i + j) * tile + o] = w[i, j, c, strip * tile + o]
            for o in range(0, tile, step):
                taps_of_filter(m, taps, o, 3 * tile, tile, half, out, (strip * C + c) * tile + o, n * place, place)


@jit
def _filters_back(dU: Any, dw: Any, m: int, start: int, stop: int) -> None:
    """The gradient of filters (O, C, 3, 3) for channels start..stop-1."""
    n, step, O = m + 2, lanes(dw), dw.shape[0]
    _, rows, columns = dU.shape
    taps, half, sums, place = np.empty(9 * step, dw.dtype), np.empty(n * n * step, dw.dtype), dU.reshape(dU.size), rows * columns
    for o in range(0, O, step):
        for c in range(start, stop):
            tap_gradients_of_filter(m, sums, c * columns + o, n * place, place, half, taps, 0, 3 * step, step)
            for k in range(min(step, O - o)):
                for i in range(3):
                    for j in range(3):
                        dw[o + k, c, i, j] = taps[(3 * i + j) * step + k]
