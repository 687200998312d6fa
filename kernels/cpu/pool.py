"""Pooling on a CPU: compiled loops over the windows, the channels of all images spread over threads.

A window that hangs over an edge is cut to the taps i0 <= i < i1, j0 <= j < j1 that meet a pixel before the loop over
them starts, so that the loop itself has no test in it.
"""

from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.geometry import output_window, taps_inside
from minicnn.kernels.types import Array, Needs, Padding, Saved, Window


def max_pool2d_forward(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, dilation: Window, ceil_mode: bool
) -> tuple[Array, Saved]:
    """The largest pixel of each window, and where it is: `winner` = r W + s, counted within its channel.

    Shapes:
        x (N, C, H, W); y and winner (N, C, P, Q).
    """
    N, C, H, W = x.shape
    P, Q = output_window((H, W), kernel_size, stride, padding, dilation, ceil_mode)
    images = np.ascontiguousarray(x).reshape(N * C, H, W)
    y = np.empty((N * C, P, Q), x.dtype)
    winner = np.empty((N * C, P, Q), np.int32)

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        _max_pool(images[part], y[part], winner[part], *kernel_size, *stride, padding[0], padding[2], *dilation)

    over_images(N * C, work, cost=y.size * kernel_size[0] * kernel_size[1])
    return y.reshape(N, C, P, Q), (winner, x.shape)


def max_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx[winner] += dy; channels share no pixel, so each thread takes its own."""
    winner, x_shape = saved
    if not needs[0]:
        return (None,)
    N, C, H, W = x_shape
    gradients = np.ascontiguousarray(dy).reshape(winner.shape)
    dx = np.zeros((N * C, H * W), dy.dtype)

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        _max_pool_dx(gradients[part], winner[part], dx[part])

    over_images(N * C, work, cost=dx.size)
    return (dx.reshape(x_shape),)


def avg_pool2d_forward(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, ceil_mode: bool, count_include_pad: bool
) -> tuple[Array, Saved]:
    """The mean of each window: its sum over D, the number of taps that count.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q); D (P, Q).
    """
    N, C, H, W = x.shape
    P, Q = output_window((H, W), kernel_size, stride, padding, (1, 1), ceil_mode)
    top, bottom, left, right = padding
    rows = taps_inside(H, kernel_size[0], stride[0], top, bottom, P, count_include_pad)
    columns = taps_inside(W, kernel_size[1], stride[1], left, right, Q, count_include_pad)
    D = np.multiply.outer(rows, columns).astype(x.dtype)
    images = np.ascontiguousarray(x).reshape(N * C, H, W)
    y = np.empty((N * C, P, Q), x.dtype)

    def work(start: int, stop: int) -> None:
        _avg_pool(images[start:stop], D, y[start:stop], *kernel_size, *stride, top, left)

    over_images(N * C, work, cost=y.size * kernel_size[0] * kernel_size[1])
    return y.reshape(N, C, P, Q), (D, x.shape, kernel_size, stride, padding)


def avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx += dy/D over the taps of each window."""
    D, x_shape, kernel_size, stride, padding = saved
    if not needs[0]:
        return (None,)
    N, C, H, W = x_shape
    gradients = np.ascontiguousarray(dy).reshape(N * C, *D.shape)
    dx = np.zeros((N * C, H, W), dy.dtype)

    def work(start: int, stop: int) -> None:
        _avg_pool_dx(gradients[start:stop], D, dx[start:stop], *kernel_size, *stride, padding[0], padding[2])

    over_images(N * C, work, cost=dy.size * kernel_size[0] * kernel_size[1])
    return (dx.reshape(x_shape),)


@jit
def _max_pool(
    x: Any, y: Any, winner: Any, kh: int, kw: int, sh: int, sw: int, top: int, left: int, dh: int, dw: int
) -> None:
    """y[c, p, q] = max x[c, p sh + i dh - top, q sw + j dw - left]; NaN counts as the largest, the first of equals wins."""
    C, P, Q = y.shape
    _, H, W = x.shape
    for c in range(C):
        for p in range(P):
            first_row = p * sh - top
            i0 = 0 if first_row >= 0 else -(first_row // dh)
            i1 = min(kh, (H - 1 - first_row) // dh + 1)
            for q in range(Q):
                first_column = q * sw - left
                j0 = 0 if first_column >= 0 else -(first_column // dw)
                j1 = min(kw, (W - 1 - first_column) // dw + 1)
                r, s = first_row + i0 * dh, first_column + j0 * dw
                best, at = x[c, r, s], r * W + s
                for i in range(i0, i1):
                    r = first_row + i * dh
                    for j in range(j0, j1):
                        s = first_column + j * dw
                        v = x[c, r, s]
                        better = (v > best) | ((v != v) & (best == best))  # without branches: it cannot be predicted
                        best = v if better else best
                        at = r * W + s if better else at
                y[c, p, q] = best
                winner[c, p, q] = at


@jit
def _max_pool_dx(dy: Any, winner: Any, dx: Any) -> None:
    C, P, Q = dy.shape
    for c in range(C):
        for p in range(P):
            for q in range(Q):
                dx[c, winner[c, p, q]] += dy[c, p, q]


@jit
def _avg_pool(x: Any, D: Any, y: Any, kh: int, kw: int, sh: int, sw: int, top: int, left: int) -> None:
    """y[c, p, q] = sum x[c, p sh + i - top, q sw + j - left] / D[p, q]."""
    C, P, Q = y.shape
    _, H, W = x.shape
    for c in range(C):
        for p in range(P):
            r0, r1 = max(0, p * sh - top), min(H, p * sh - top + kh)
            for q in range(Q):
                s0, s1 = max(0, q * sw - left), min(W, q * sw - left + kw)
                total = x.dtype.type(0)
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        total += x[c, r, s]
                y[c, p, q] = total / D[p, q]


@jit
def _avg_pool_dx(dy: Any, D: Any, dx: Any, kh: int, kw: int, sh: int, sw: int, top: int, left: int) -> None:
    """dx[c, r, s] += dy[c, p, q] / D[p, q] for the same pixels."""
    C, P, Q = dy.shape
    _, H, W = dx.shape
    for c in range(C):
        for p in range(P):
            r0, r1 = max(0, p * sh - top), min(H, p * sh - top + kh)
            for q in range(Q):
                s0, s1 = max(0, q * sw - left), min(W, q * sw - left + kw)
                share = dy[c, p, q] / D[p, q]
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        dx[c, r, s] += share
