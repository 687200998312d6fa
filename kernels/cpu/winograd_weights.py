"""The gradient of the weights by Winograd's algorithm: the transpose of `winograd.py`.

    dw = Gᵀ [ Σ_tiles (Bᵀ d B) ⊙ (A dy Aᵀ) ] G            for every place: dU (C, O) = Vᵀ (C, tiles) · M (tiles, O)

The sums over tiles can be divided among threads in two ways. With few channels and many tiles, each thread sums over its own tiles, a block at a time,
and the threads' dU are added. With 512 channels dU has 36 · 512 · 512 numbers, 38 MB a thread, and adding them would take longer than the products;
but then there are few tiles, and all of V and M are smaller than dU. So they are written down once, and each thread computes dU for its own channels,
a block at a time, which is transformed back before it leaves the cache.
"""

from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.jit import jit_counted
from minicnn.kernels.cpu.product import ROWS, add_product_of_columns, row_length, whole_tiles
from minicnn.kernels.cpu.threads import FMA, num_threads, over_images, split
from minicnn.kernels.cpu.vector import lanes
from minicnn.kernels.cpu.winograd import TILES
from minicnn.kernels.cpu.winograd_tiles import (
    copy_in,
    corner,
    gradients_of_tile,
    lies_inside,
    numbers_of_tile,
    tap_gradients_of_filter,
)
from minicnn.kernels.types import Array, Padding

DEPTH = 96  # tiles that one product sums over
SPARE = 1  # row behind the tiles of a place: the product reads whole tiles of its own, beyond the last channel
CHANNELS, FILTERS = 48, 64  # of a block of dU: 36 · 48 · 64 numbers of four bytes fit into a second cache of 512 KiB


def backward_weights(dy: Array, x: Array, padding: Padding, m: int) -> Array:
    """The gradient of the filters (O, C, 3, 3), from dy (N, P, Q, O) and x (N, H, W, C)."""
    (N, P, Q, O), C = dy.shape, x.shape[3]
    tiles = (-(-P // m), -(-Q // m))
    count = N * tiles[0] * tiles[1]
    by_channels = count * (C + O) < 2 * num_threads() * C * O
    return (_by_channels if by_channels else _by_tiles)(dy, x, padding, m, tiles, count)


def _by_tiles(dy: Array, x: Array, padding: Padding, m: int, tiles: tuple[int, int], count: int) -> Array:
    """Each thread sums over its own tiles; the sums are added in order."""
    O, C = dy.shape[3], x.shape[3]
    cost = dy.size * C // FMA
    rows, columns = -(-C // ROWS) * ROWS, whole_tiles(O, x.dtype)
    parts = {start: arena.zeros(((m + 2) ** 2, rows, columns), x.dtype) for start, _ in split(count, cost)}

    def work(start: int, stop: int) -> None:
        _sum_over_tiles(dy, x, parts[start], m, tiles, padding[0], padding[2], start, stop)

    over_images(count, work, cost)
    dU, *others = parts.values()
    dw = arena.empty((O, C, 3, 3), x.dtype)

    def finish(start: int, stop: int) -> None:
        for other in others:
            dU[:, start:stop] += other[:, start:stop]
        _filters_back(dU[:, start:stop], dw, m, start, stop - start, 0, O)

    over_images(C, finish, cost=dU.size)
    return dw


def _by_channels(dy: Array, x: Array, padding: Padding, m: int, tiles: tuple[int, int], count: int) -> Array:
    """Each thread takes its own channels, and all tiles."""
    O, C, places = dy.shape[3], x.shape[3], (m + 2) ** 2
    V = arena.zeros((places, count + SPARE, row_length(C, x.itemsize)), x.dtype)
    M = arena.zeros((places, count + SPARE, row_length(O, x.itemsize)), x.dtype)
    corners = padding[0], padding[2]
    over_images(count, lambda i, j: _transform(dy, x, V, M, m, tiles, *corners, i, j, i), cost=V.size + M.size)
    dw = arena.empty((O, C, 3, 3), x.dtype)
    over_images(-(-C // CHANNELS), lambda i, j: _sum_over_channels(V, M, count, dw, m, i, j), cost=dy.size * C // FMA)
    return dw


@jit_counted
def _sum_over_tiles(dy: Any, x: Any, dU: Any, m: int, tiles: Any, top: int, left: int, start: int, stop: int) -> None:
    """dU += Vᵀ M, summed over tiles start..stop-1, a block at a time."""
    places, rows, columns = dU.shape
    ldv, ldm = row_length(x.shape[3], x.itemsize), row_length(dy.shape[3], x.itemsize)
    V, M = np.zeros((places, TILES + SPARE, ldv), x.dtype), np.zeros((places, TILES + SPARE, ldm), x.dtype)
    A, B, sums = V.reshape(V.size), M.reshape(M.size), dU.reshape(dU.size)
    lines, channels = ldv * np.arange(TILES), np.arange(rows)
    for first in range(start, stop, TILES):
        last = min(first + TILES, stop)
        _transform(dy, x, V, M, m, tiles, top, left, first, last, 0)
        for k in range(places):
            a, b, to = k * (TILES + SPARE) * ldv, k * (TILES + SPARE) * ldm, k * rows * columns
            add_product_of_columns(A, a, lines, last - first, channels, B, b, ldm, sums, to, columns, columns)


@jit_counted
def _sum_over_channels(V: Any, M: Any, count: int, dw: Any, m: int, start: int, stop: int) -> None:
    """dw for blocks start..stop-1 of CHANNELS channels."""
    O, C, _, _ = dw.shape
    places, stored, ldv = V.shape
    ldm = M.shape[2]
    dU = np.empty((places, CHANNELS, FILTERS), V.dtype)
    A, B, sums = V.reshape(V.size), M.reshape(M.size), dU.reshape(dU.size)
    lines, numbers = ldv * np.arange(DEPTH), np.arange(-(-CHANNELS // ROWS) * ROWS)
    for c in range(start * CHANNELS, min(stop * CHANNELS, C), CHANNELS):
        channels = min(CHANNELS, C - c)
        rows = (channels + ROWS - 1) // ROWS * ROWS
        for o in range(0, O, FILTERS):
            columns = min(FILTERS, ldm - o)
            dU[:] = 0
            for k in range(places):
                for t in range(0, count, DEPTH):
                    a, b = (k * stored + t) * ldv + c, (k * stored + t) * ldm + o
                    depth = min(DEPTH, count - t)
                    add_product_of_columns(A, a, lines, depth, numbers[:rows], B, b, ldm, sums, k * CHANNELS * FILTERS, FILTERS, columns)
            _filters_back(dU, dw, m, c, channels, o, min(FILTERS, O - o))


@jit_counted
def _transform(
    dy: Any, x: Any, V: Any, M: Any, m: int, tiles: Any, top: int, left: int, start: int, stop: int, to: int
) -> None:
    """Tiles start..stop-1 of the images and of the gradients, transformed, into V and M from row `to` on."""
    _, H, W, C = x.shape
    _, P, Q, O = dy.shape
    n, step, ldv, ldm = m + 2, lanes(x), V.shape[2], M.shape[2]
    X, G, A, B = x.reshape(x.size), dy.reshape(dy.size), V.reshape(V.size), M.reshape(M.size)
    place_v, place_m = V.shape[1] * ldv, M.shape[1] * ldm
    half, patch = np.empty(n * n * step, x.dtype), np.empty(n * n * step, x.dtype)
    for t in range(start, stop):
        row = to + t - start
        image, r, s = corner(t, tiles, m, top, left)
        whole = lies_inside(r, s, n, H, W)
        for c in range(0, C, step):
            pixel = ((image * H + r) * W + s) * C + c
            if whole:
                numbers_of_tile(m, X, pixel, W * C, C, half, A, row * ldv + c, n * place_v, place_v)
            else:
                copy_in(X, pixel, r, s, n, H, W, C, patch)
                numbers_of_tile(m, patch, 0, n * step, step, half, A, row * ldv + c, n * place_v, place_v)
        image, p, q = corner(t, tiles, m, 0, 0)
        whole = lies_inside(p, q, m, P, Q)
        for o in range(0, O, step):
            pixel = ((image * P + p) * Q + q) * O + o
            if whole:
                gradients_of_tile(m, G, pixel, Q * O, O, half, B, row * ldm + o, n * place_m, place_m)
            else:
                copy_in(G, pixel, p, q, m, P, Q, O, patch)
                gradients_of_tile(m, patch, 0, m * step, step, half, B, row * ldm + o, n * place_m, place_m)


@jit_counted
def _filters_back(dU: Any, dw: Any, m: int, c: int, channels: int, o: int, filters: int) -> None:
    """Gᵀ dU G for the first `channels` rows and `filters` columns of dU, into dw (O, C, 3, 3) from filter o and channel c on."""
    n, step = m + 2, lanes(dw)
    taps, half = np.empty(9 * step, dw.dtype), np.empty(n * n * step, dw.dtype)
    for j in range(0, filters, step):
        for i in range(channels):
            sums = dU[:, i, j : j + step].copy().reshape(n * n * step)
            tap_gradients_of_filter(m, sums, 0, n * step, step, half, taps, 0, 3 * step, step)
            for k in range(min(step, filters - j)):
                for tap in range(9):
                    dw[o + j + k, c + i, tap // 3, tap % 3] = taps[tap * step + k]
