"""Depthwise convolution: every channel has filters of its own, so that there is no sum over channels, and nothing to multiply as matrices.

With the channels innermost in memory, a vector holds eight channels of a pixel and meets eight channels of a tap: a row of the result is, tap by
tap, a product added. Nine taps are nine multiplications for each number, so that the time goes into reading and writing them; what can be
saved are loads. Four neighbouring pixels of the result are computed together, with one load of each tap's filters for all four.

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

BLOCK = 128  # channels that are worked on together: as long a piece of memory as possible, with filters that stay in the first cache
TOGETHER = 4  # pixels of the result, or vectors of channels, that are computed side by side: an fma takes four cycles


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
    """Rows start..stop-1 of all images' results."""
    kh, kw, sh, sw, top, left, dh, dw = geometry
    _, H, W, C = x.shape
    _, P, Q, _ = y.shape
    X, F, Y = x.reshape(x.size), w.reshape(w.size), y.reshape(y.size)
    least, most = broadcast(bounds, 0), broadcast(bounds, 1)
    first, last = inside(-left, sw, W - (kw - 1) * dw, Q)  # of the pixels whose windows hang over neither side
    for row in range(start, stop):
        image, p = divmod(row, P)
        low, high = inside(p * sh - top, dh, H, kh)
        for block in range(0, C, BLOCK):
            q = 0
            while q < Q:
                together = first <= q and q + TOGETHER <= last
                for c in range(block, min(block + BLOCK, C), lanes(x)):
                    to = (row * Q + q) * C + c
                    y0 = y1 = y2 = y3 = load(b, c)
                    if not together:
                        near, far = inside(q * sw - left, dw, W, kw)
                        for i in range(low, high):
                            pixel = ((image * H + p * sh + i * dh - top) * W + q * sw - left) * C + c
                            for j in range(near, far):
                                y0 = fma(load(F, (i * kw + j) * C + c), load(X, pixel + j * dw * C), y0)
                        store(Y, to, clip(y0, least, most))
                        continue
                    for i in range(low, high):
                        pixel = ((image * H + p * sh + i * dh - top) * W + q * sw - left) * C + c
                        for j in range(kw):
                            tap, at = load(F, (i * kw + j) * C + c), pixel + j * dw * C
                            y0 = fma(tap, load(X, at), y0)
                            y1 = fma(tap, load(X, at + sw * C), y1)
                            y2 = fma(tap, load(X, at + 2 * sw * C), y2)
                            y3 = fma(tap, load(X, at + 3 * sw * C), y3)
                    store(Y, to, clip(y0, least, most))
                    store(Y, to + C, clip(y1, least, most))
                    store(Y, to + 2 * C, clip(y2, least, most))
                    store(Y, to + 3 * C, clip(y3, least, most))
                q += TOGETHER if together else 1


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
