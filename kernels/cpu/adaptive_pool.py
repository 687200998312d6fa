"""Adaptive pooling on a CPU: compiled loops over the bins, innermost over the channels; the images spread over threads."""

from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit, jit_counted
from minicnn.kernels.cpu.layout import channels_first, channels_last
from minicnn.kernels.cpu.pool import keep_larger, max_pool2d_backward
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.types import Array, Needs, Saved, Window


def adaptive_avg_pool2d_forward(x: Array, *, output_size: Window) -> tuple[Array, Saved]:
    """The mean of each bin.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q) with (P, Q) = output_size.
    """
    images = channels_last(x)
    y = np.zeros((len(x), *output_size, x.shape[1]), x.dtype)
    over_images(len(x), lambda start, stop: _means(images[start:stop], y[start:stop]), cost=max(x.size, y.size))
    return channels_first(y), x.shape


def adaptive_avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Every pixel of a bin gets dy / (size of the bin)."""
    N, C, H, W = saved
    if not needs[0]:
        return (None,)
    gradients = channels_last(dy)
    dx = np.zeros((N, H, W, C), dy.dtype)
    over_images(N, lambda start, stop: _means_dx(gradients[start:stop], dx[start:stop]), cost=max(dx.size, dy.size))
    return (channels_first(dx),)


def adaptive_max_pool2d_forward(x: Array, *, output_size: Window) -> tuple[Array, Saved]:
    """The largest pixel of each bin, and where it is: `winner` = r W + s, counted within its channel.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q) with (P, Q) = output_size; winner (N, P, Q, C).
    """
    images = channels_last(x)
    y = np.empty((len(x), *output_size, x.shape[1]), x.dtype)
    winner = np.empty(y.shape, np.int32)

    def work(start: int, stop: int) -> None:
        _maxima(images[start:stop], y[start:stop], winner[start:stop])

    over_images(len(x), work, cost=max(x.size, y.size))
    return channels_first(y), (winner, x.shape)


def adaptive_max_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx[winner] += dy, as for windows."""
    return max_pool2d_backward(dy, saved, needs=needs)


@jit
def _bin(p: int, H: int, P: int) -> tuple[int, int]:
    """Rows of bin p, of P bins on H rows."""
    return p * H // P, ((p + 1) * H + P - 1) // P


@jit
def _means(x: Any, y: Any) -> None:
    N, H, W, C = x.shape
    _, P, Q, _ = y.shape
    for n in range(N):
        for p in range(P):
            r0, r1 = _bin(p, H, P)
            for q in range(Q):
                s0, s1 = _bin(q, W, Q)
                total, size = y[n, p, q], x.dtype.type((r1 - r0) * (s1 - s0))
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        for c in range(C):
                            total[c] += x[n, r, s, c]
                for c in range(C):
                    total[c] /= size


@jit
def _means_dx(dy: Any, dx: Any) -> None:
    N, H, W, C = dx.shape
    _, P, Q, _ = dy.shape
    for n in range(N):
        for p in range(P):
            r0, r1 = _bin(p, H, P)
            for q in range(Q):
                s0, s1 = _bin(q, W, Q)
                size = dx.dtype.type((r1 - r0) * (s1 - s0))
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        for c in range(C):
                            dx[n, r, s, c] += dy[n, p, q, c] / size


@jit_counted
def _maxima(x: Any, y: Any, winner: Any) -> None:
    """The first of equals wins, and NaN counts as the largest."""
    N, H, W, _ = x.shape
    _, P, Q, _ = y.shape
    for n in range(N):
        for p in range(P):
            r0, r1 = _bin(p, H, P)
            for q in range(Q):
                s0, s1 = _bin(q, W, Q)
                y[n, p, q] = x[n, r0, s0]
                winner[n, p, q] = r0 * W + s0
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        keep_larger(x[n, r, s], np.int32(r * W + s), y[n, p, q], winner[n, p, q])
