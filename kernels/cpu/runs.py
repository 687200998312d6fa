"""Runs of numbers that lie side by side in memory: copied, or added, a vector at a time."""

from typing import Any

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.vector import get, lanes, load, put, store


@jit
def copy_run(X: Any, x: int, Y: Any, y: int, length: int) -> None:
    """Y[y:y + length] = X[x:x + length], by whole vectors: what is behind the run in Y, less than a vector, may change. Y must have that much room."""
    W = lanes(X)
    if x + length + W <= X.size:
        for k in range(0, length, W):
            store(Y, y + k, load(X, x + k))
    else:
        copy_exactly(X, x, Y, y, length)


@jit
def copy_exactly(X: Any, x: int, Y: Any, y: int, length: int) -> None:
    """Y[y:y + length] = X[x:x + length], and nothing else changes."""
    W = lanes(X)
    whole = length // W * W
    for k in range(0, whole, W):
        store(Y, y + k, load(X, x + k))
    for k in range(whole, length):
        put(Y, y + k, get(X, x + k))


@jit
def add_run(X: Any, x: int, Y: Any, y: int, length: int) -> None:
    """Y[y:y + length] += X[x:x + length]."""
    W = lanes(X)
    whole = length // W * W
    for k in range(0, whole, W):
        store(Y, y + k, load(Y, y + k) + load(X, x + k))
    for k in range(whole, length):
        put(Y, y + k, get(Y, y + k) + get(X, x + k))
