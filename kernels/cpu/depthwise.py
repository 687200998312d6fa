"""Depthwise convolution: every channel has filters of its own, so that there is no sum over channels, and nothing to multiply as matrices.

With the channels innermost in memory, a vector holds eight channels of a pixel and meets eight channels of a tap. Nine taps are nine multiplications
for each number, so that the time goes into reading and writing. Two loads fit into a cycle, as do two fma: a tap's filters must not be loaded for every
pixel. Nine of them stay in registers while a vector of channels walks along a row; larger windows, and those cut by the upper or lower edge, load a tap
once for four neighbours. Only what hangs over the left or right edge is computed pixel by pixel.

Filters are (kh, kw, O) here. Output channel o sees channel o // M, with M = O / C filters a channel; for M > 1 the images are first repeated.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.inside import inside
from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.threads import over_images, split
from minicnn.kernels.cpu.vector import REGISTER, broadcast, clip, fma, lanes, load, store
from minicnn.kernels.geometry import output_window
from minicnn.kernels.types import Array, Padding, Window

BLOCK, PIXELS = 64, 16  # channels, and pixels of the result, that are worked on together: what they see stays in the first cache
TOGETHER = 4  # pixels, or vectors of channels, that are computed side by side: an fma takes four cycles


def forward(
    x: Array, w: Array, b: Array | None, stride: Window, padding: Padding, dilation: Window, bounds: Sequence[float] = ()
) -> Array:
    """Images (N, H, W, O), one filter a channel, w (kh, kw, O), to (N, P, Q, O), clipped to `bounds` if there are any."""
    N, H, W, O = x.shape
    kh, kw, _ = w.shape
    P, Q = output_window((H, W), (kh, kw), stride, padding, dilation)
    bias = np.zeros(O, x.dtype) if b is None else b
    x, w, bias = _whole_vectors(x), _whole_vectors(w), _whole_vectors(bias)
    limits = np.array(bounds or (-np.inf, np.inf), x.dtype)
    y = arena.empty((N, P, Q, x.shape[3]), x.dtype)
    geometry = (kh, kw, *stride, padding[0], padding[2], *dilation)
    over_images(N * P, lambda i, j: _forward(x, w, bias, limits, y, geometry, i, j), cost=y.size * kh * kw)
    return np.ascontiguousarray(y[..., :O])


def backward_data(dy: Array, w: Array, stride: Window, padding: Padding, dilation: Window, size: Window) -> Array:
    """The gradient of images (N, H, W, O): with stride 1 a convolution with the filters turned over."""
    N, P, Q, O = dy.shape
    kh, kw, _ = w.shape
    top, left = dilation[0] * (kh - 1) - padding[0], dilation[1] * (kw - 1) - padding[2]
    if stride == (1, 1) and top >= 0 and left >= 0:
        around = (top, size[0] - P + dilation[0] * (kh - 1) - top, left, size[1] - Q + dilation[1] * (kw - 1) - left)
        return forward(dy, np.ascontiguousarray(w[::-1, ::-1]), None, (1, 1), around, dilation)
    dy, w = _whole_vectors(dy), _whole_vectors(w)
    dx = arena.zeros((N, *size, dy.shape[3]), dy.dtype)
    geometry = (kh, kw, *stride, padding[0], padding[2], *dilation)
    over_images(N, lambda i, j: _backward_data(dy, w, dx, geometry, i, j), cost=dy.size * kh * kw)
    return np.ascontiguousarray(dx[..., :O])


def backward_weights(
    dy: Array, x: Array, kernel_size: Window, stride: Window, padding: Padding, dilation: Window
) -> Array:
    """The gradient of the filters (kh, kw, O). Each thread sums over its own rows; the sums are added in order."""
    O = dy.shape[3]
    dy, x = _whole_vectors(dy), _whole_vectors(x)
    N, P, _, channels = dy.shape
    geometry = (*kernel_size, *stride, padding[0], padding[2], *dilation)
    cost = dy.size * kernel_size[0] * kernel_size[1]
    sums = {start: np.zeros((*kernel_size, channels), x.dtype) for start, _ in split(N * P, cost)}
    over_images(N * P, lambda i, j: _backward_weights(dy, x, sums[i], geometry, i, j), cost)
    return np.asarray(sum(sums.values()))[..., :O]


def _whole_vectors(x: Array) -> Array:
    """The array with channels of zeros behind its own, so that they fill whole vectors; itself where they do."""
    missing = -x.shape[-1] % (REGISTER // x.itemsize)
    if not missing:
        return x
    whole = arena.zeros((*x.shape[:-1], x.shape[-1] + missing), x.dtype)
    whole[..., : x.shape[-1]] = x
    return whole


@jit
def _forward(x: Any, w: Any, b: Any, bounds: Any, y: Any, geometry: Any, start: int, stop: int) -> None:
    """Rows start..stop-1 of all images' results: of each, a block of channels, and of that, some neighbouring pixels at a time."""
    kh, kw, sh, sw, top, left, dh, dw = geometry
    _, H, W, C = x.shape
    _, P, Q, _ = y.shape
    X, F, Y = x.reshape(x.size), w.reshape(w.size), y.reshape(y.size)
    first, last = inside(-left, sw, W - (kw - 1) * dw, Q)  # of the pixels whose windows hang over neither side
    for row in range(start, stop):
        image, p = divmod(row, P)
        low, high = inside(p * sh - top, dh, H, kh)
        corner = ((image * H + p * sh - top) * W - left) * C
        nine = (kh, kw) == (3, 3) and low == 0 and high == 3
        for block in range(0, C, BLOCK):
            channels, q = range(block, min(block + BLOCK, C), lanes(x)), 0
            while q < Q:
                pixel, to, whole = corner + q * sw * C, (row * Q + q) * C, last - q if first <= q else 0
                if nine and whole > 0:
                    count = min(PIXELS, whole)
                    for c in channels:
                        _nine_taps(X, pixel + c, dh * W * C, dw * C, sw * C, F, c, C, b, bounds, Y, to + c, count)
                elif whole >= TOGETHER:
                    count = TOGETHER
                    for c in channels:
                        _pixels(X, pixel + c, dh * W * C, dw * C, sw * C, F, kw, low, high, c, C, b, bounds, Y, to + c)
                else:
                    count = 1
                    near, far = inside(q * sw - left, dw, W, kw)
                    for c in channels:
                        _pixel(X, pixel + c, dh * W * C, dw * C, F, kw, low, high, near, far, c, C, b, bounds, Y, to + c)
                q += count


@jit
def _nine_taps(
    X: Any, x: int, row: int, column: int, step: int, F: Any, c: int, C: int, b: Any, bounds: Any, Y: Any, y: int, count: int
) -> None:
    """One vector of channels of `count` neighbours in a row of the result, whose windows of 3x3 lie inside: the nine taps stay in registers."""
    f0, f1, f2 = load(F, c), load(F, c + C), load(F, c + 2 * C)
    f3, f4, f5 = load(F, c + 3 * C), load(F, c + 4 * C), load(F, c + 5 * C)
    f6, f7, f8 = load(F, c + 6 * C), load(F, c + 7 * C), load(F, c + 8 * C)
    least, most, bias = broadcast(bounds, 0), broadcast(bounds, 1), load(b, c)
    for _ in range(count):
        x1, x2 = x + row, x + 2 * row
        s = fma(f0, load(X, x), bias)
        t = f3 * load(X, x1)
        s, t = fma(f1, load(X, x + column), s), fma(f4, load(X, x1 + column), t)
        s, t = fma(f2, load(X, x + 2 * column), s), fma(f5, load(X, x1 + 2 * column), t)
        s, t = fma(f6, load(X, x2), s), fma(f7, load(X, x2 + column), t)
        s = fma(f8, load(X, x2 + 2 * column), s)
        store(Y, y, clip(s + t, least, most))
        x += step
        y += C


@jit
def _pixels(
    X: Any, x: int, row: int, column: int, step: int, F: Any, kw: int, low: int, high: int, c: int, C: int, b: Any, bounds: Any, Y: Any, y: int
) -> None:
    """One vector of channels of TOGETHER neighbours, whose windows hang over neither side: each tap is loaded once for all of them."""
    least, most = broadcast(bounds, 0), broadcast(bounds, 1)
    y0 = y1 = y2 = y3 = load(b, c)
    for i in range(low, high):
        for j in range(kw):
            tap, at = load(F, (i * kw + j) * C + c), x + i * row + j * column
            y0 = fma(tap, load(X, at), y0)
            y1 = fma(tap, load(X, at + step), y1)
            y2 = fma(tap, load(X, at + 2 * step), y2)
            y3 = fma(tap, load(X, at + 3 * step), y3)
    store(Y, y, clip(y0, least, most))
    store(Y, y + C, clip(y1, least, most))
    store(Y, y + 2 * C, clip(y2, least, most))
    store(Y, y + 3 * C, clip(y3, least, most))


@jit
def _pixel(
    X: Any, x: int, row: int, column: int, F: Any, kw: int, low: int, high: int, near: int, far: int, c: int, C: int, b: Any, bounds: Any, Y: Any, y: int
) -> None:
    """One vector of channels of one pixel, from the taps of its window that lie inside."""
    s = load(b, c)
    for i in range(low, high):
        for j in range(near, far):
            s = fma(load(F, (i * kw + j) * C + c), load(X, x + i * row + j * column), s)
    store(Y, y, clip(s, broadcast(bounds, 0), broadcast(bounds, 1)))


@jit
def _backward_data(dy: Any, w: Any, dx: Any, geometry: Any, start: int, stop: int) -> None:
    """Images start..stop-1: each gradient, times a tap, is added to the pixel that the tap had seen."""
    kh, kw, sh, sw, top, left, dh, dw = geometry
    _, H, W, C = dx.shape
    _, P, Q, _ = dy.shape
    D, F, X = dy.reshape(dy.size), w.reshape(w.size), dx.reshape(dx.size)
    for row in range(start * P, stop * P):
        image, p = divmod(row, P)
        low, high = inside(p * sh - top, dh, H, kh)
        for i in range(low, high):
            pixels = (image * H + p * sh + i * dh - top) * W
            for j in range(kw):
                first, last = inside(j * dw - left, sw, W, Q)
                for q in range(first, last):
                    pixel, source, tap = (pixels + q * sw + j * dw - left) * C, (row * Q + q) * C, (i * kw + j) * C
                    for c in range(0, C, lanes(dx)):
                        store(X, pixel + c, fma(load(F, tap + c), load(D, source + c), load(X, pixel + c)))


@jit
def _backward_weights(dy: Any, x: Any, sums: Any, geometry: Any, start: int, stop: int) -> None:
    """sums += x dy over the products of rows start..stop-1."""
    kh, kw, sh, sw, top, left, dh, dw = geometry
    _, H, W, C = x.shape
    _, P, Q, _ = dy.shape
    X, D, S = x.reshape(x.size), dy.reshape(dy.size), sums.reshape(sums.size)
    step = lanes(x)
    for row in range(start, stop):
        image, p = divmod(row, P)
        low, high = inside(p * sh - top, dh, H, kh)
        for i in range(low, high):
            pixels = (image * H + p * sh + i * dh - top) * W - left
            for j in range(kw):
                first, last = inside(j * dw - left, sw, W, Q)
                to, c = (i * kw + j) * C, 0
                while c + TOGETHER * step <= C:
                    s0, s1 = load(S, to + c), load(S, to + c + step)
                    s2, s3 = load(S, to + c + 2 * step), load(S, to + c + 3 * step)
                    for q in range(first, last):
                        pixel, source = (pixels + q * sw + j * dw) * C + c, (row * Q + q) * C + c
                        s0 = fma(load(X, pixel), load(D, source), s0)
                        s1 = fma(load(X, pixel + step), load(D, source + step), s1)
                        s2 = fma(load(X, pixel + 2 * step), load(D, source + 2 * step), s2)
                        s3 = fma(load(X, pixel + 3 * step), load(D, source + 3 * step), s3)
                    store(S, to + c, s0)
                    store(S, to + c + step, s1)
                    store(S, to + c + 2 * step, s2)
                    store(S, to + c + 3 * step, s3)
                    c += TOGETHER * step
                while c < C:
                    s0 = load(S, to + c)
                    for q in range(first, last):
                        s0 = fma(load(X, (pixels + q * sw + j * dw) * C + c), load(D, (row * Q + q) * C + c), s0)
                    store(S, to + c, s0)
                    c += step
