"""Adaptive pooling on a CPU: compiled loops over the bins, the channels of all images spread over threads."""

from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.pool import max_pool2d_backward
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.types import Array, Needs, Saved, Window


def adaptive_avg_pool2d_forward(x: Array, *, output_size: Window) -> tuple[Array, Saved]:
    """The mean of each bin.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q) with (P, Q) = output_size.
    """
    N, C, H, W = x.shape
    images = np.ascontiguousarray(x).reshape(N * C, H, W)
    y = np.empty((N * C, *output_size), x.dtype)

    def work(start: int, stop: int) -> None:
        _means(images[start:stop], y[start:stop])

    over_images(N * C, work, cost=max(x.size, y.size))
    return y.reshape(N, C, *output_size), x.shape


def adaptive_avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Every pixel of a bin gets dy / (size of the bin)."""
    N, C, H, W = saved
    if not needs[0]:
        return (None,)
    gradients = np.ascontiguousarray(dy).reshape(N * C, *dy.shape[2:])
    dx = np.zeros((N * C, H, W), dy.dtype)

    def work(start: int, stop: int) -> None:
        _means_dx(gradients[start:stop], dx[start:stop])

    over_images(N * C, work, cost=max(dx.size, dy.size))
    return (dx.reshape(saved),)


def adaptive_max_pool2d_forward(x: Array, *, output_size: Window) -> tuple[Array, Saved]:
    """The largest pixel of each bin, and where it is: `winner` = r W + s, counted within its channel.

    Shapes:
        x (N, C, H, W); y and winner (N, C, P, Q) with (P, Q) = output_size.
    """
    N, C, H, W = x.shape
    images = np.ascontiguousarray(x).reshape(N * C, H, W)
    y = np.empty((N * C, *output_size), x.dtype)
    winner = np.empty(y.shape, np.int32)

    def work(start: int, stop: int) -> None:
        _maxima(images[start:stop], y[start:stop], winner[start:stop])

    over_images(N * C, work, cost=max(x.size, y.size))
    return y.reshape(N, C, *output_size), (winner, x.shape)


def adaptive_max_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx[winner] += dy, as for windows."""
    return max_pool2d_backward(dy, saved, needs=needs)


@jit
def _means(x: Any, y: Any) -> None:
    C, P, Q = y.shape
    _, H, W = x.shape
    for c in range(C):
        for p in range(P):
            r0, r1 = p * H // P, ((p + 1) * H + P - 1) // P
            for q in range(Q):
                s0, s1 = q * W // Q, ((q + 1) * W + Q - 1) // Q
                total = x.dtype.type(0)
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        total += x[c, r, s]
                y[c, p, q] = total / ((r1 - r0) * (s1 - s0))


@jit
def _means_dx(dy: Any, dx: Any) -> None:
    C, P, Q = dy.shape
    _, H, W = dx.shape
    for c in range(C):
        for p in range(P):
            r0, r1 = p * H // P, ((p + 1) * H + P - 1) // P
            for q in range(Q):
                s0, s1 = q * W // Q, ((q + 1) * W + Q - 1) // Q
                share = dx.dtype.type(dy[c, p, q] / ((r1 - r0) * (s1 - s0)))
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        dx[c, r, s] += share


@jit
def _maxima(x: Any, y: Any, winner: Any) -> None:
    """The first of equals wins, and NaN counts as the largest."""
    C, P, Q = y.shape
    _, H, W = x.shape
    for c in range(C):
        for p in range(P):
            r0, r1 = p * H // P, ((p + 1) * H + P - 1) // P
            for q in range(Q):
                s0, s1 = q * W // Q, ((q + 1) * W + Q - 1) // Q
                best, at = x[c, r0, s0], r0 * W + s0
                for r in range(r0, r1):
                    for s in range(s0, s1):
                        v = x[c, r, s]
                        if not (v <= best or np.isnan(best)):  # v is larger, or the first NaN
                            best, at = v, r * W + s
                y[c, p, q] = best
                winner[c, p, q] = at
