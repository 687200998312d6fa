"""Pooling on a CPU: compiled loops over the windows, innermost over the channels, which a vector holds several of; rows spread over threads.

A window that hangs over an edge is cut to the taps that meet a pixel before the loop over them starts.
"""

from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.inside import inside
from minicnn.kernels.cpu.jit import jit, jit_counted
from minicnn.kernels.cpu.layout import channels_first, channels_last
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.cpu.vector import fma, get, lanes, load, put, spread, store
from minicnn.kernels.geometry import output_window, taps_inside
from minicnn.kernels.types import Array, Needs, Padding, Saved, Window

STEPS = 4  # a tap of a window takes as long as so many numbers to be read or written


def max_pool2d_forward(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, dilation: Window, ceil_mode: bool
) -> tuple[Array, Saved]:
    """The largest pixel of each window, and where it is: `winner` = r W + s, counted within its channel.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q); winner (N, P, Q, C).
    """
    N, C, H, W = x.shape
    P, Q = output_window((H, W), kernel_size, stride, padding, dilation, ceil_mode)
    images = channels_last(x)
    y, winner = arena.empty((N, P, Q, C), x.dtype), arena.empty((N, P, Q, C), np.int32)
    geometry = (*kernel_size, *stride, padding[0], padding[2], *dilation)
    cost = STEPS * y.size * kernel_size[0] * kernel_size[1]
    over_images(N * P, lambda start, stop: _max_pool(images, y, winner, geometry, start, stop), cost)
    return channels_first(y), (winner, x.shape)


def max_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx[winner] += dy; images share no pixel, so each thread takes its own."""
    winner, (N, C, H, W) = saved
    if not needs[0]:
        return (None,)
    gradients = channels_last(dy)
    dx = arena.zeros((N, H * W, C), dy.dtype)
    over_images(N, lambda start, stop: _max_pool_dx(gradients, winner, dx, start, stop), cost=STEPS * dx.size)
    return (channels_first(dx.reshape(N, H, W, C)),)


def avg_pool2d_forward(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, ceil_mode: bool, count_include_pad: bool
) -> tuple[Array, Saved]:
    """The mean of each window: its sum over D, the number of taps that count.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q); share = 1/D (P, Q).
    """
    N, C, H, W = x.shape
    P, Q = output_window((H, W), kernel_size, stride, padding, (1, 1), ceil_mode)
    top, bottom, left, right = padding
    rows = taps_inside(H, kernel_size[0], stride[0], top, bottom, P, count_include_pad)
    columns = taps_inside(W, kernel_size[1], stride[1], left, right, Q, count_include_pad)
    share = (1 / np.multiply.outer(rows, columns)).astype(x.dtype)
    images = channels_last(x)
    y = arena.empty((N, P, Q, C), x.dtype)
    geometry = (*kernel_size, *stride, top, left)
    cost = STEPS * y.size * kernel_size[0] * kernel_size[1]
    over_images(N * P, lambda start, stop: _avg_pool(images, share, y, geometry, start, stop), cost)
    return channels_first(y), (share, x.shape, geometry)


def avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = Σ dy/D over the windows that a pixel is in."""
    share, (N, C, H, W), geometry = saved
    if not needs[0]:
        return (None,)
    gradients = channels_last(dy)
    dx = arena.empty((N, H, W, C), dy.dtype)
    cost = STEPS * dy.size * geometry[0] * geometry[1]
    over_images(N * H, lambda start, stop: _avg_pool_dx(gradients, share, dx, geometry, start, stop), cost)
    return (channels_first(dx),)


@jit_counted
def _max_pool(x: Any, y: Any, winner: Any, geometry: Any, start: int, stop: int) -> None:
    """y[n, p, q, c] = max x[n, p sh + i dh - top, q sw + j dw - left, c]: the first of equals wins, NaN is the largest."""
    kh, kw, sh, sw, top, left, dh, dw = geometry
    _, H, W, _ = x.shape
    _, P, Q, _ = y.shape
    for row in range(start, stop):
        n, p = divmod(row, P)
        i0, i1 = inside(p * sh - top, dh, H, kh)
        for q in range(Q):
            j0, j1 = inside(q * sw - left, dw, W, kw)
            best, at = y[n, p, q], winner[n, p, q]
            best[:] = x[n, p * sh - top + i0 * dh, q * sw - left + j0 * dw]
            at[:] = (p * sh - top + i0 * dh) * W + q * sw - left + j0 * dw
            for i in range(i0, i1):
                for j in range(j0, j1):
                    r, s = p * sh - top + i * dh, q * sw - left + j * dw
                    keep_larger(x[n, r, s], np.int32(r * W + s), best, at)


@jit
def keep_larger(values: Any, place: Any, best: Any, at: Any) -> None:
    """No branch depends on a value, so that this becomes vector code."""
    for c in range(values.size):
        v, b = values[c], best[c]
        larger = (v > b) | ((v != v) & (b == b))  # or the first NaN  # noqa: PLR0124 - NaN differs from itself
        best[c] = v if larger else b
        at[c] = place if larger else at[c]


@jit
def _max_pool_dx(dy: Any, winner: Any, dx: Any, start: int, stop: int) -> None:
    _, P, Q, C = dy.shape
    for n in range(start, stop):
        for p in range(P):
            for q in range(Q):
                for c in range(C):
                    dx[n, winner[n, p, q, c], c] += dy[n, p, q, c]


@jit
def _avg_pool(x: Any, share: Any, y: Any, geometry: Any, start: int, stop: int) -> None:
    """y[n, p, q, c] = share[p, q] sum x[n, p sh + i - top, q sw + j - left, c]."""
    kh, kw, sh, sw, top, left = geometry
    _, H, W, C = x.shape
    _, P, Q, _ = y.shape
    X, Y = x.reshape(x.size), y.reshape(y.size)
    zero = x.dtype.type(0)
    for row in range(start, stop):
        n, p = divmod(row, P)
        r0, r1 = max(0, p * sh - top), min(H, p * sh - top + kh)
        for q in range(Q):
            s0, s1, to = max(0, q * sw - left), min(W, q * sw - left + kw), (row * Q + q) * C
            whole = _whole_vectors(Y, to, stop * Q * C, X, ((n * H + r1 - 1) * W + s1 - 1) * C, C)
            for c in range(0, whole, lanes(X)):
                total = spread(zero)
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        total = total + load(X, ((n * H + r) * W + s) * C + c)
                store(Y, to + c, spread(share[p, q]) * total)
            for c in range(whole, C):
                number = zero
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        number += get(X, ((n * H + r) * W + s) * C + c)
                put(Y, to + c, share[p, q] * number)


@jit_counted
def _avg_pool_dx(dy: Any, share: Any, dx: Any, geometry: Any, start: int, stop: int) -> None:
    """dx[n, r, s, c] = sum share[p, q] dy[n, p, q, c] over the windows that pixel (r, s) is in."""
    kh, kw, sh, sw, top, left = geometry
    _, H, W, C = dx.shape
    _, P, Q, _ = dy.shape
    G, X = dy.reshape(dy.size), dx.reshape(dx.size)
    zero, windows = dy.dtype.type(0), np.empty((W, 2), np.intp)
    for s in range(W):
        windows[s, 0], windows[s, 1] = _windows_around(s + left, kw, sw, Q)
    for row in range(start, stop):
        n, r = divmod(row, H)
        p0, p1 = _windows_around(r + top, kh, sh, P)
        for s in range(W):
            q0, q1, to = windows[s, 0], windows[s, 1], (row * W + s) * C
            whole = _whole_vectors(X, to, stop * W * C, G, ((n * P + p1 - 1) * Q + q1 - 1) * C, C)
            for c in range(0, whole, lanes(G)):
                total = spread(zero)
                for p in range(p0, p1):
                    for q in range(q0, q1):
                        total = fma(spread(share[p, q]), load(G, ((n * P + p) * Q + q) * C + c), total)
                store(X, to + c, total)
            for c in range(whole, C):
                number = zero
                for p in range(p0, p1):
                    for q in range(q0, q1):
                        number += share[p, q] * get(G, ((n * P + p) * Q + q) * C + c)
                put(X, to + c, number)


@jit
def _windows_around(place: int, size: int, stride: int, count: int) -> tuple[int, int]:
    """Which of `count` windows hold a row, or column, that is so far from where the first one begins."""
    return max(0, (place - size) // stride + 1), min(count, place // stride + 1)


@jit
def _whole_vectors(Y: Any, to: int, end: int, X: Any, last: int, C: int) -> int:
    """Channels of a pixel that can be written by whole vectors.

    With fewer channels than a vector holds, that is one vector, if what hangs over belongs to the next pixel, which is written next: so not at the
    `end` of a thread's part, nor where reading the `last` pixel would leave X.
    """
    step = lanes(Y)
    if step > C and to + step <= end and last + step <= X.size:
        return step
    return C // step * step
