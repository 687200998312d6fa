"""Convolution as a matrix product (im2col), for every window, stride, dilation and number of groups.

    y (pixels, O) = cols (pixels, K) · W (K, O)          K = kh kw C, the numbers that a window sees

`array/conv.py` writes all of `cols` down, kh kw times as large as the images. Here it is made for a block of pixels, used and forgotten, while it
is in the cache: copying costs a load and a store for every 2 O multiplications. With a window of 1x1 and stride 1 the image already is that matrix.

    dW (K, O)  = colsᵀ · dy
    dcols      = dy · Wᵀ, each of whose rows is then added to the pixels of its window

With stride 1, dx is itself a convolution, of dy with the filters turned over, and needs no adding; but with few channels
its matrix would be so narrow that most of a tile of the product is empty. Images are (N, H, W, C), in memory too.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.inside import inside
from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.product import (
    LINE,
    ROWS,
    add_product_of_columns,
    product,
    row_length,
    tile_columns,
    whole_tiles,
)
from minicnn.kernels.cpu.runs import add_run, clear_run, copy_run
from minicnn.kernels.cpu.threads import FMA, over_images, split
from minicnn.kernels.cpu.vector import lanes, load, store
from minicnn.kernels.geometry import output_window
from minicnn.kernels.types import Array, Padding, Window

WORKSPACE = 48 * 1024  # numbers of a block of columns: with float32, 192 of the second cache's 512 KiB
CHUNK = 16  # filters whose gradients are written together
STRIDED = 4  # a number that is not beside the one before takes as long as so many that are


def forward(
    x: Array, w: Array, b: Array | None, stride: Window, padding: Padding, dilation: Window, groups: int, bounds: Sequence[float] = ()
) -> Array:
    """Images (N, H, W, C) and filters (O, C/G, kh, kw) to (N, P, Q, O), clipped to `bounds` (low, high) if there are any."""
    N, H, W, _ = x.shape
    O, channels, kh, kw = w.shape
    P, Q = output_window((H, W), (kh, kw), stride, padding, dilation)
    geometry = (kh, kw, *stride, padding[0], padding[2], *dilation)
    panels = _panels(w.reshape(groups, O // groups, channels, kh, kw).transpose(0, 3, 4, 2, 1))
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
    geometry = (kh, kw, *stride, padding[0], padding[2], *dilation)
    panels = _panels_of_transpose(filters)
    dx = arena.zeros((N, *size, groups * channels), dy.dtype)
    K = channels * kh * kw
    over_images(N, lambda i, j: _backward_data(dy, panels, dx, geometry, _block(K), i, j), cost=dy.size * K // FMA)
    return dx


def backward_weights(
    dy: Array, x: Array, kernel_size: Window, stride: Window, padding: Padding, dilation: Window, groups: int
) -> Array:
    """The gradient of the filters (O, C/G, kh, kw). Each thread sums over its own pixels; the sums are added in order."""
    (N, P, Q, O), (kh, kw), channels = dy.shape, kernel_size, x.shape[3] // groups
    geometry = (kh, kw, *stride, padding[0], padding[2], *dilation)
    K, count, cost = channels * kh * kw, N * P * Q, dy.size * channels * kh * kw // FMA
    rows, columns = -(-K // ROWS) * ROWS, whole_tiles(O // groups, x.dtype)
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


def _block(numbers: int) -> int:
    """Pixels that are worked on together, if each has so many numbers; whole tiles of the product."""
    return max(24, min(WORKSPACE // numbers, 384)) // ROWS * ROWS


def _panels(w: Array) -> Array:
    """Filters (G, kh, kw, C, N) as matrices (G, K, N), in panels for the product: (G, strips, K, columns of a strip)."""
    G, kh, kw, C, N = w.shape
    tile = tile_columns(w.dtype)
    panels = arena.zeros((G, whole_tiles(N, w.dtype) // tile, kh * kw * C, tile), w.dtype)
    loop, taps = _pack_rows if w.strides[4] < w.strides[3] else _pack_columns, w.reshape(G, kh * kw, C, N)
    over_images(panels.shape[1], lambda start, stop: loop(taps, panels, start, stop), cost=STRIDED * panels.size)
    return panels


def _panels_of_transpose(w: Array) -> Array:
    """Filters (G, O, C, kh, kw) as matrices (G, O, kh kw C), in panels."""
    G, O, C, kh, kw = w.shape
    return _panels(np.ascontiguousarray(w.transpose(0, 1, 3, 4, 2)).reshape(G, 1, 1, O, kh * kw * C))


@jit
def _forward(x: Any, panels: Any, bias: Any, bounds: Any, y: Any, geometry: Any, block: int, start: int, stop: int) -> None:
    """Pixels start..stop-1 of the result, block by block."""
    O, C = y.shape[3], x.shape[3]
    G, strips, K, tile = panels.shape
    X, Y, B = x.reshape(x.size), y.reshape(y.size), panels.reshape(panels.size)
    pointwise = G == 1 and geometry[:4] == (1, 1, 1, 1) and x.shape[:3] == y.shape[:3]  # the images are the columns
    A, edge = np.zeros(block * K + tile, x.dtype), np.empty(ROWS * tile, x.dtype)
    N = O // G
    for first in range(start, stop, block):
        count = min(block, stop - first)
        for g in range(G):
            to = first * O + g * N
            if pointwise and count % ROWS == 0:
                product(X, first * C, C, count, K, B, 0, bias[g], bounds, Y, to, O, N, edge)
            else:
                _make_columns(x, X, A, K, geometry, y.shape, first, count, g * (C // G), C // G)
                product(A, 0, K, count, K, B, g * strips * K * tile, bias[g], bounds, Y, to, O, N, edge)


@jit
def _backward_data(dy: Any, panels: Any, dx: Any, geometry: Any, block: int, start: int, stop: int) -> None:
    """Images start..stop-1: the columns' gradients, a block of pixels at a time, added to the pixels of their windows."""
    _, P, Q, O = dy.shape
    G, strips, K, tile = panels.shape
    N, channels, columns = O // G, dx.shape[3] // G, strips * tile
    D, X, B = dy.reshape(dy.size), dx.reshape(dx.size), panels.reshape(panels.size)
    A, zeros, edge = np.zeros(block * N + tile, dx.dtype), np.zeros(columns, dx.dtype), np.empty(ROWS * tile, dx.dtype)
    rest = geometry[0] * geometry[1] * channels
    dcols = np.empty(block * rest, dx.dtype)
    for first in range(start * P * Q, stop * P * Q, block):
        count = min(block, stop * P * Q - first)
        for g in range(G):
            for t in range(count):
                copy_run(D, (first + t) * O + g * N, A, t * N, N)
            product(A, 0, N, count, N, B, g * strips * K * tile, zeros, zeros[:0], dcols, 0, rest, rest, edge)
            _add_columns(dx, X, dcols, geometry, dy.shape, first, count, g * channels, channels)


@jit
def _backward_weights(dy: Any, x: Any, sums: Any, geometry: Any, block: int, start: int, stop: int) -> None:
    """sums += colsᵀ dy over pixels start..stop-1."""
    O, C = dy.shape[3], x.shape[3]
    G, rows, columns = sums.shape
    N, channels = O // G, C // G
    X, D, S = x.reshape(x.size), dy.reshape(dy.size), sums.reshape(sums.size)
    lda, ldb = row_length(rows, x.itemsize), row_length(columns, x.itemsize)
    A, B = np.zeros(block * lda + LINE, x.dtype), np.zeros(block * ldb + LINE, x.dtype)
    for first in range(start, stop, block):
        count = min(block, stop - first)
        for g in range(G):
            _make_columns(x, X, A, lda, geometry, dy.shape, first, count, g * channels, channels)
            for t in range(count):
                copy_run(D, (first + t) * O + g * N, B, t * ldb, N)
            add_product_of_columns(A, 0, lda, rows, count, B, 0, ldb, S, g * rows * columns, columns, columns)


@jit
def _make_columns(
    x: Any, X: Any, A: Any, lda: int, geometry: Any, y_shape: Any, first: int, count: int, c: int, channels: int
) -> None:
    """The windows of `count` pixels from `first` on, each a row of A: channels c..c+channels-1 of all taps, zeros outside the image."""
    kh, kw, sh, sw, top, left, dh, dw = geometry
    _, H, W, C = x.shape
    _, P, Q, _ = y_shape
    whole = dw == 1 and channels == C  # taps of a row are side by side in the image, too
    step = lanes(x)
    first_inner, last_inner = inside(-left, sw, W - (kw - 1) * dw, Q)  # of the pixels whose windows hang over neither side
    t = 0
    while t < count:
        image, rest = divmod(first + t, P * Q)
        p, start = divmod(rest, Q)
        upper, lower = inside(p * sh - top, dh, H, kh)
        corner = ((image * H + p * sh - top) * W - left) * C
        simple = whole and upper == 0 and lower == kh and corner + (((kh - 1) * dh + 1) * W + left) * C + step <= X.size
        for q in range(start, min(Q, start + count - t)):
            to, near, far = (t + q - start) * lda, 0, kw
            if simple and first_inner <= q < last_inner:
                _copy_window(X, corner + q * sw * C, dh * W * C, A, to, kh, kw * C)
                continue
            if q < first_inner or q >= last_inner:
                near, far = inside(q * sw - left, dw, W, kw)
            clear_run(A, to, upper * kw * channels)
            for i in range(upper, lower):
                pixel = ((image * H + p * sh + i * dh - top) * W + q * sw - left) * C + c
                row = to + i * kw * channels
                clear_run(A, row, near * channels)
                if whole:
                    copy_run(X, pixel + near * C, A, row + near * C, (far - near) * C)
                else:
                    for j in range(near, far):
                        copy_run(X, pixel + j * dw * C, A, row + j * channels, channels)
                clear_run(A, row + far * channels, (kw - far) * channels)
            clear_run(A, to + lower * kw * channels, (kh - lower) * kw * channels)
        t += min(Q - start, count - t)


@jit
def _copy_window(X: Any, x: int, row: int, A: Any, a: int, kh: int, length: int) -> None:
    """kh runs of so many numbers, one from each row of an image, side by side into A; by whole vectors, as `copy_run`."""
    step = lanes(X)
    for _ in range(kh):
        k = 0
        while k < length:
            store(A, a + k, load(X, x + k))
            k += step
        x += row
        a += length


@jit
def _add_columns(
    dx: Any, X: Any, dcols: Any, geometry: Any, y_shape: Any, first: int, count: int, c: int, channels: int
) -> None:
    """The transpose of `_make_columns`: each number is added to the pixel that it would have been copied from."""
    kh, kw, sh, sw, top, left, dh, dw = geometry
    _, H, W, C = dx.shape
    _, P, Q, _ = y_shape
    whole = dw == 1 and channels == C
    t = 0
    while t < count:
        image, rest = divmod(first + t, P * Q)
        p, start = divmod(rest, Q)
        upper, lower = inside(p * sh - top, dh, H, kh)
        for q in range(start, min(Q, start + count - t)):
            near, far = inside(q * sw - left, dw, W, kw)
            for i in range(upper, lower):
                pixel = ((image * H + p * sh + i * dh - top) * W + q * sw - left) * C + c
                row = ((t + q - start) * kh + i) * kw * channels
                if whole:
                    add_run(dcols, row + near * C, X, pixel + near * C, (far - near) * C)
                else:
                    for j in range(near, far):
                        add_run(dcols, row + j * channels, X, pixel + j * dw * C, channels)
        t += min(Q - start, count - t)


@jit
def _pack_rows(w: Any, panels: Any, start: int, stop: int) -> None:
    """Strips start..stop-1 of the panels, where neighbouring columns are neighbours in w (G, taps, C, N), too."""
    G, taps, C, N = w.shape
    tile = panels.shape[3]
    for g in range(G):
        for strip in range(start, stop):
            columns = min(tile, N - strip * tile)
            for tap in range(taps):
                for c in range(C):
                    row, source = panels[g, strip, tap * C + c], w[g, tap, c, strip * tile : strip * tile + columns]
                    for n in range(columns):
                        row[n] = source[n]


@jit
def _pack_columns(w: Any, panels: Any, start: int, stop: int) -> None:
    """The same where a column's numbers are neighbours in w."""
    G, taps, C, N = w.shape
    tile = panels.shape[3]
    for g in range(G):
        for strip in range(start, stop):
            for n in range(min(tile, N - strip * tile)):
                for tap in range(taps):
                    column, source = panels[g, strip, tap * C : tap * C + C, n], w[g, tap, :, strip * tile + n]
                    for c in range(C):
                        column[c] = source[c]


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
