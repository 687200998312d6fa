"""Pooling on a CPU: compiled loops over the windows, the channels of all images spread over threads.

A window of max pooling that hangs over an edge is cut to the taps that meet a pixel before the loop over them starts.
The mean needs no such care: the sum over a window goes down its columns first, for all windows of a row at once, and
then along the one line that is left, with zeros for padding. That is kh sw + kw additions per output instead of kh kw,
and the processor does several of them at a time.
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
    geometry = (*kernel_size, *stride, top, left)

    def work(start: int, stop: int) -> None:
        _avg_pool(images[start:stop], D, y[start:stop], *geometry)

    over_images(N * C, work, cost=y.size * kernel_size[0] * kernel_size[1])
    return y.reshape(N, C, P, Q), (D, x.shape, geometry)


def avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx += dy/D over the taps of each window."""
    D, x_shape, geometry = saved
    if not needs[0]:
        return (None,)
    N, C, H, W = x_shape
    gradients = np.ascontiguousarray(dy).reshape(N * C, *D.shape)
    dx = np.zeros((N * C, H, W), dy.dtype)

    def work(start: int, stop: int) -> None:
        _avg_pool_dx(gradients[start:stop], D, dx[start:stop], *geometry)

    over_images(N * C, work, cost=dx.size)
    return (dx.reshape(x_shape),)


@jit
def _max_pool(
    x: Any, y: Any, winner: Any, kh: int, kw: int, sh: int, sw: int, top: int, left: int, dh: int, dw: int
) -> None:
    """y[c, p, q] = max x[c, p sh + i dh - top, q sw + j dw - left]: the first of equals wins, NaN is the largest."""
    C, P, Q = y.shape
    _, H, W = x.shape
    for c in range(C):
        pixels = x[c].reshape(H * W)
        for p in range(P):
            row = p * sh - top
            i0, i1 = _inside(row, dh, kh, H)
            for q in range(Q):
                column = q * sw - left
                j0, j1 = _inside(column, dw, kw, W)
                first = (row + i0 * dh) * W + column + j0 * dw
                best, at = pixels[first], first
                for i in range(i0, i1):
                    for j in range(j0, j1):
                        k = (row + i * dh) * W + column + j * dw
                        v = pixels[k]
                        if not (v <= best or np.isnan(best)):  # v is larger, or the first NaN
                            best, at = v, k
                y[c, p, q] = best
                winner[c, p, q] = at


@jit
def _inside(start: int, dilation: int, taps: int, size: int) -> tuple[int, int]:
    """The range of taps i for which start + i dilation lies in 0..size-1."""
    first = 0 if start >= 0 else -(start // dilation)
    last = taps if start + (taps - 1) * dilation < size else (size - 1 - start) // dilation + 1
    return first, last


@jit
def _max_pool_dx(dy: Any, winner: Any, dx: Any) -> None:
    C, P, Q = dy.shape
    for c in range(C):
        for p in range(P):
            for q in range(Q):
                dx[c, winner[c, p, q]] += dy[c, p, q]


@jit
def _avg_pool(x: Any, D: Any, y: Any, kh: int, kw: int, sh: int, sw: int, top: int, left: int) -> None:
    """y[c, p, q] = sum x[c, p sh + i - top, q sw + j - left] / D[p, q]: first over i into a line, then over j."""
    C, P, Q = y.shape
    _, H, W = x.shape
    line = np.zeros((Q - 1) * sw + kw, x.dtype)  # all columns that the windows see, padding included
    W = min(W, len(line) - left)
    for c in range(C):
        for p in range(P):
            line[:] = 0
            for r in range(max(0, p * sh - top), min(H, p * sh - top + kh)):
                for s in range(W):
                    line[left + s] += x[c, r, s]
            row = y[c, p]
            row[:] = 0
            for j in range(kw):
                for q in range(Q):
                    row[q] += line[q * sw + j]
            row /= D[p]


@jit
def _avg_pool_dx(dy: Any, D: Any, dx: Any, kh: int, kw: int, sh: int, sw: int, top: int, left: int) -> None:
    """The same steps in reverse: dy / D into the line over j, and the line into each row of the window."""
    C, P, Q = dy.shape
    _, H, W = dx.shape
    line = np.zeros((Q - 1) * sw + kw, dx.dtype)
    W = min(W, len(line) - left)
    for c in range(C):
        for p in range(P):
            line[:] = 0
            share = dy[c, p] / D[p]
            for j in range(kw):
                for q in range(Q):
                    line[q * sw + j] += share[q]
            for r in range(max(0, p * sh - top), min(H, p * sh - top + kh)):
                for s in range(W):
                    dx[c, r, s] += line[left + s]
