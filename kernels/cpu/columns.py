"""Convolution as a matrix product (im2col) of a matrix that nobody writes down, for every window, stride, dilation and number of groups.

    y (pixels, O) = cols (pixels, K) · W (K, O)          K = kh kw C, the numbers that a window sees

`array/conv.py` writes all of `cols` down, kh kw times as large as the images: a load and a store for every O multiply-adds. But cols[t, k] is
a number of the image already. It stands at corner[t] + tap[k]: where the window of pixel t begins, and how far its k-th number is from there; and
our product finds its operand by just such tables. Only what hangs over the border is not there, so images are copied into a frame of zeros
before, if there is padding: one copy instead of kh kw.

    dW (K, O)  = colsᵀ · dy
    dcols      = dy · Wᵀ, each of whose rows is then added to the pixels of its window

dW reads a few columns over many pixels. Where pixels have few channels, it finds them in the image, and dy where it is; with many, the numbers of
a column lie on as many cache lines, often a power of two apart (see `row_length`), and then they are written down after all, for a block
of pixels that stays in the cache.

With stride 1, dx is itself a convolution, of dy with the filters turned over, and needs no adding; but with few channels
its matrix would be so narrow that most of a tile of the product is empty. Images are (N, H, W, C), in memory too.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.jit import jit, jit_counted
from minicnn.kernels.cpu.panels import STRIDED, panels_of, panels_of_transpose
from minicnn.kernels.cpu.product import (
    LINE,
    ROWS,
    add_product_of_columns,
    product,
    row_length,
    tile_columns,
    whole_tiles,
    whole_vectors,
)
from minicnn.kernels.cpu.runs import add_run, copy_exactly, copy_run
from minicnn.kernels.cpu.threads import FMA, over_images, split
from minicnn.kernels.cpu.vector import put
from minicnn.kernels.geometry import output_window
from minicnn.kernels.types import Array, Padding, Window

WORKSPACE = 48 * 1024  # numbers that a block of pixels sees: with float32, 192 of the second cache's 512 KiB
CHUNK = 16  # filters whose gradients are written together


def forward(
    x: Array, w: Array, b: Array | None, stride: Window, padding: Padding, dilation: Window, groups: int, bounds: Sequence[float] = ()
) -> Array:
    """Images (N, H, W, C) and filters (O, C/G, kh, kw) to (N, P, Q, O), clipped to `bounds` (low, high) if there are any."""
    N, H, W, _ = x.shape
    O, channels, kh, kw = w.shape
    P, Q = output_window((H, W), (kh, kw), stride, padding, dilation)
    geometry = (kh, kw, *stride, *dilation)
    x = framed(x, padding)
    panels = panels_of(w.reshape(groups, O // groups, channels, kh, kw).transpose(0, 3, 4, 2, 1))
    bias = np.zeros((groups, whole_tiles(O // groups, x.dtype)), x.dtype)
    if b is not None:
        bias[:, : O // groups] = b.reshape(groups, -1)
    limits = np.array(bounds, x.dtype)
    y = arena.empty((N, P, Q, O), x.dtype)
    K = channels * kh * kw
    over_images(N * P * Q, lambda i, j: _forward(x, panels, bias, limits, y, geometry, _block(K), i, j), cost=y.size * K // FMA)
    return y


def backward_data(
    dy: Array, w: Array, stride: Window, padding: Padding, dilation: Window, groups: int, size: Window
) -> Array:
    """The gradient of images (N, H, W, C) of which `size` is (H, W)."""
    N, P, Q, O = dy.shape
    _, channels, kh, kw = w.shape
    filters = w.reshape(groups, O // groups, channels, kh, kw)
    top, left = dilation[0] * (kh - 1) - padding[0], dilation[1] * (kw - 1) - padding[2]
    if stride == (1, 1) and top >= 0 and left >= 0 and channels >= tile_columns(dy.dtype) // 2:
        turned = filters[..., ::-1, ::-1].swapaxes(1, 2).reshape(groups * channels, O // groups, kh, kw)
        around = (top, size[0] - P + dilation[0] * (kh - 1) - top, left, size[1] - Q + dilation[1] * (kw - 1) - left)
        return forward(dy, turned, None, (1, 1), around, dilation, groups)
    geometry = (kh, kw, *stride, *dilation)
    panels = panels_of_transpose(filters)
    top, bottom, left, right = padding
    dx = arena.zeros((N, size[0] + top + bottom, size[1] + left + right, groups * channels), dy.dtype)
    K = channels * kh * kw
    over_images(N, lambda i, j: _backward_data(dy, panels, dx, geometry, _block(K), i, j), cost=dy.size * K // FMA)
    return framed(dx, (-top, -bottom, -left, -right))


def backward_weights(
    dy: Array, x: Array, kernel_size: Window, stride: Window, padding: Padding, dilation: Window, groups: int
) -> Array:
    """The gradient of the filters (O, C/G, kh, kw). Each thread sums over its own pixels; the sums are added in order."""
    (N, P, Q, O), (kh, kw), channels = dy.shape, kernel_size, x.shape[3] // groups
    geometry = (kh, kw, *stride, *dilation)
    x = framed(x, padding)
    K, count, cost = channels * kh * kw, N * P * Q, dy.size * channels * kh * kw // FMA
    rows, columns = -(-K // ROWS) * ROWS, whole_vectors(O // groups, x.dtype)
    sums = {start: arena.zeros((groups, rows, columns), x.dtype) for start, _ in split(count, cost)}
    block = _block(K + O // groups)
    over_images(count, lambda i, j: _backward_weights(dy, x, sums[i], geometry, block, i, j), cost)
    dw = arena.empty((O, channels, kh, kw), x.dtype)
    total, *others = sums.values()
    for other in others:
        total += other
    taps = dw.reshape(groups, O // groups, channels, kh * kw)
    over_images(O // groups, lambda i, j: _unpack(total, taps, i, j), cost=STRIDED * dw.size)
    return dw


def framed(x: Array, padding: Padding) -> Array:
    """The images in a frame of zeros, so many rows above and below and columns left and right; cut, where that is negative."""
    if not any(padding):
        return x
    (N, H, W, C), (top, bottom, left, right) = x.shape, padding
    y = arena.empty((N, H + top + bottom, W + left + right, C), x.dtype)
    over_images(N * y.shape[1], lambda start, stop: _frame(x, y, top, left, start, stop), cost=2 * y.size)
    return y


def _block(numbers: int) -> int:
    """Pixels that are worked on together, if each sees so many numbers; whole tiles of the product."""
    return max(24, min(WORKSPACE // numbers, 384)) // ROWS * ROWS


@jit_counted
def _forward(x: Any, panels: Any, bias: Any, bounds: Any, y: Any, geometry: Any, block: int, start: int, stop: int) -> None:
    """Pixels start..stop-1 of the result, block by block."""
    O, C = y.shape[3], x.shape[3]
    G, strips, K, tile = panels.shape
    X, Y, B = x.reshape(x.size), y.reshape(y.size), panels.reshape(panels.size)
    corners, taps = np.empty(block, np.intp), _taps(x, geometry, C // G, K)
    edge = np.empty(ROWS * tile, x.dtype)
    for first in range(start, stop, block):
        count = min(block, stop - first)
        _corners(x, y, geometry, first, count, corners)
        for g in range(G):
            to = first * O + g * (O // G)
            product(X, g * (C // G), corners, count, taps, B, g * strips * K * tile, bias[g], bounds, Y, to, O, O // G, edge)


@jit_counted
def _backward_data(dy: Any, panels: Any, dx: Any, geometry: Any, block: int, start: int, stop: int) -> None:
    """Images start..stop-1: the columns' gradients, a block of pixels at a time, added to the pixels of their windows."""
    _, P, Q, O = dy.shape
    G, strips, N, tile = panels.shape
    C = dx.shape[3]
    D, X, B = dy.reshape(dy.size), dx.reshape(dx.size), panels.reshape(panels.size)
    K = geometry[0] * geometry[1] * (C // G)
    corners, taps, run = np.empty(block, np.intp), _taps(dx, geometry, C // G, K), _run(geometry, C, G)
    rows, filters = np.empty(block, np.intp), np.arange(N)
    origin = 0 * N  # for a literal 0, Numba would compile the product once more
    zeros, edge, dcols = np.zeros(strips * tile, dx.dtype), np.empty(ROWS * tile, dx.dtype), np.empty(block * K, dx.dtype)
    for first in range(start * P * Q, stop * P * Q, block):
        count = min(block, stop * P * Q - first)
        _corners(dx, dy, geometry, first, count, corners)
        for t in range(block):
            rows[t] = (first + min(t, count - 1)) * O
        for g in range(G):
            product(D, g * N, rows, count, filters, B, g * strips * N * tile, zeros, zeros[:0], dcols, origin, K, K, edge)
            for t in range(count):
                for k in range(0, K, run):
                    add_run(dcols, t * K + k, X, corners[t] + g * (C // G) + taps[k], run)


@jit_counted
def _backward_weights(dy: Any, x: Any, sums: Any, geometry: Any, block: int, start: int, stop: int) -> None:
    """sums += colsᵀ dy over pixels start..stop-1."""
    O, C = dy.shape[3], x.shape[3]
    G, K, N = sums.shape
    X, D, S = x.reshape(x.size), dy.reshape(dy.size), sums.reshape(sums.size)
    corners, taps, run = np.empty(block, np.intp), _taps(x, geometry, C // G, K), _run(geometry, C, G)
    few, narrow = C * x.itemsize <= LINE, O * x.itemsize <= LINE  # neighbours lie on one cache line
    lda, ldb = row_length(K, x.itemsize), row_length(N, x.itemsize)
    A, B = np.empty(0 if few else block * lda + LINE, x.dtype), np.zeros(block * ldb + LINE, x.dtype)
    lines, numbers, origin = lda * np.arange(block), np.arange(K), 0 * N
    seen = geometry[0] * geometry[1] * (C // G)  # K without what makes its tiles whole
    for first in range(start, stop, block):
        count = min(block, stop - first)
        _corners(x, dy, geometry, first, count, corners)
        for g in range(G):
            c, d, to = g * (C // G), first * O + g * (O // G), g * K * N
            if few and narrow and d + (count - 1) * O + N <= D.size:
                add_product_of_columns(X, c, corners, count, taps, D, d, O, S, to, N, N)
                continue
            for t in range(count):
                copy_run(D, d + t * O, B, t * ldb, O // G)
            if few:
                add_product_of_columns(X, c, corners, count, taps, B, origin, ldb, S, to, N, N)
                continue
            for t in range(count):
                for k in range(0, seen, run):
                    copy_run(X, corners[t] + c + taps[k], A, t * lda + k, run)
            add_product_of_columns(A, origin, lines, count, numbers, B, origin, ldb, S, to, N, N)


@jit
def _corners(x: Any, y: Any, geometry: Any, first: int, count: int, corners: Any) -> None:
    """Where in x the windows of pixels first..first+count-1 of y begin; repeats the last to fill `corners`."""
    _, _, sh, sw, _, _ = geometry
    _, H, W, C = x.shape
    _, P, Q, _ = y.shape
    t = 0
    while t < count:
        row, q = divmod(first + t, Q)
        image, p = divmod(row, P)
        corner = ((image * H + p * sh) * W + q * sw) * C
        for k in range(min(Q - q, count - t)):
            corners[t + k] = corner + k * sw * C
        t += Q - q
    corners[count:] = corners[count - 1]


@jit_counted
def _taps(x: Any, geometry: Any, channels: int, K: int) -> Any:
    """How far each of a window's numbers is from its first one, in x; repeats the last to make K of them."""
    kh, kw, _, _, dh, dw = geometry
    taps, k = np.empty(K, np.intp), 0
    for i in range(kh):
        for j in range(kw):
            for c in range(channels):
                taps[k] = (i * dh * x.shape[2] + j * dw) * x.shape[3] + c
                k += 1
    taps[k:] = taps[k - 1]
    return taps


@jit
def _run(geometry: Any, C: int, G: int) -> int:
    """How many numbers of a window are side by side in the image, too: a row of it, or only a pixel."""
    _, kw, _, _, _, dw = geometry
    return kw * C if dw == 1 and G == 1 else C // G


@jit
def _frame(x: Any, y: Any, top: int, left: int, start: int, stop: int) -> None:
    """Rows start..stop-1 of y, of all images one below the other."""
    _, H, W, C = x.shape
    _, P, Q, _ = y.shape
    X, Y = x.reshape(x.size), y.reshape(y.size)
    zero, first, last = x.dtype.type(0), max(0, left) * C, min(Q, W + left) * C
    for row in range(start, stop):
        n, p = divmod(row, P)
        to, inside = row * Q * C, 0 <= p - top < H
        for k in range(first if inside else Q * C):
            put(Y, to + k, zero)
        if inside:
            copy_exactly(X, ((n * H + p - top) * W - left) * C + first, Y, to + first, last - first)
            for k in range(last, Q * C):
                put(Y, to + k, zero)


@jit
def _unpack(sums: Any, dw: Any, start: int, stop: int) -> None:
    """dw[g, o, c, tap] = sums[g, tap C/G + c, o] for filters start..stop-1 of each group, some at a time: a cache line holds that many."""
    G, _, channels, taps = dw.shape
    for g in range(G):
        for first in range(start, stop, CHUNK):
            for c in range(channels):
                for tap in range(taps):
                    for o in range(first, min(first + CHUNK, stop)):
                        dw[g, o, c, tap] = sums[g, tap * channels + c, o]
