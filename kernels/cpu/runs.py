"""Runs of numbers that lie side by side in memory: copied, cleared, added, a vector at a time."""

from typing import Any

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.vector import lanes, load, spread, store


@jit
def copy_run(X: Any, x: int, Y: Any, y: int, length: int) -> None:
    """Y[y:y + length] = X[x:x + length]. The last vector may overlap the one before: the same numbers are written twice."""
    W = lanes(X)
    if length < W:
        for k in range(length):
            Y[y + k] = X[x + k]
        return
    for k in range(0, length - W, W):
        store(Y, y + k, load(X, x + k))
    store(Y, y + length - W, load(X, x + length - W))


@jit
def clear_run(Y: Any, y: int, length: int) -> None:
    """Y[y:y + length] = 0."""
    W, zero = lanes(Y), spread(Y.dtype.type(0))
    if length < W:
        for k in range(length):
            Y[y + k] = 0
        return
    for k in range(0, length - W, W):
        store(Y, y + k, zero)
    store(Y, y + length - W, zero)


@jit
def add_run(X: Any, x: int, Y: Any, y: int, length: int) -> None:
    """Y[y:y + length] += X[x:x + length]."""
    W = lanes(X)
    whole = length // W * W
    for k in range(0, whole, W):
        store(Y, y + k, load(Y, y + k) + load(X, x + k))
    for k in range(whole, length):
        Y[y + k] += X[x + k]
