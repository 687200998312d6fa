"""Softmax on a CPU: the formulas of `array/softmax.py`, in place on pieces that stay in the cache.

The array is seen as (A, K, B) with the axis in the middle; a piece holds some of the A.
"""

import numpy as np

from minicnn.kernels.cpu.pieces import around_axis, in_pieces
from minicnn.kernels.types import Array, Needs, Saved


def softmax_forward(x: Array, *, axis: int) -> tuple[Array, Saved]:
    """y = exp(x - max x) / Σ exp(x - max x)."""

    def piece(x: Array, y: Array) -> None:
        np.subtract(x, x.max(axis=1, keepdims=True), out=y)
        np.exp(y, out=y)
        y /= y.sum(axis=1, keepdims=True)

    y = np.empty(x.shape, x.dtype)
    in_pieces(piece, around_axis(x, axis), around_axis(y, axis))
    return y, (y, axis)


def softmax_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = y (dy - Σ y dy)."""

    def piece(dy: Array, y: Array, dx: Array) -> None:
        np.multiply(y, dy, out=dx)
        np.subtract(dy, dx.sum(axis=1, keepdims=True), out=dx)
        dx *= y

    y, axis = saved
    dx = np.empty(y.shape, y.dtype)
    in_pieces(piece, *(around_axis(array, axis) for array in (dy, y, dx)))
    return (dx if needs[0] else None,)


def log_softmax_forward(x: Array, *, axis: int) -> tuple[Array, Saved]:
    """y = z - log Σ exp(z) with z = x - max x."""

    def piece(x: Array, y: Array) -> None:
        np.subtract(x, x.max(axis=1, keepdims=True), out=y)
        y -= np.log(np.exp(y).sum(axis=1, keepdims=True))

    y = np.empty(x.shape, x.dtype)
    in_pieces(piece, around_axis(x, axis), around_axis(y, axis))
    return y, (y, axis)


def log_softmax_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy - exp(y) Σ dy."""

    def piece(dy: Array, y: Array, dx: Array) -> None:
        np.exp(y, out=dx)
        dx *= dy.sum(axis=1, keepdims=True)
        np.subtract(dy, dx, out=dx)

    y, axis = saved
    dx = np.empty(y.shape, y.dtype)
    in_pieces(piece, *(around_axis(array, axis) for array in (dy, y, dx)))
    return (dx if needs[0] else None,)
