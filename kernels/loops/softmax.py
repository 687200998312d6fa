"""Softmax by its definition, one line along the axis after the other."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.kernels.types import Array, Needs, Saved


def softmax_forward(x: Array, *, axis: int) -> tuple[Array, Saved]:
    """Positive numbers that sum to 1 along `axis`.

        y[k] = exp(x[k]) / sum over j of exp(x[j])

    Every x may be lowered by the same number without changing y, since exp(x - m) = exp(x) / exp(m). With m the largest,
    no exponential is above 1 and none overflows.
    """
    y = np.empty(x.shape, x.dtype)
    for line in _lines(x.shape, axis):
        m = max(x[line])
        exponentials = [math.exp(v - m) for v in x[line]]
        y[line] = [e / sum(exponentials) for e in exponentials]
    return y, (y, axis)


def softmax_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Every x moves every y: dy[k]/dx[j] = y[k] ([j = k] - y[j]), so dx[j] = y[j] (dy[j] - sum over k of y[k] dy[k])."""
    y, axis = saved
    dx = np.empty(y.shape, y.dtype)
    for line in _lines(y.shape, axis):
        total = sum(y_k * dy_k for y_k, dy_k in zip(y[line], dy[line], strict=True))
        dx[line] = [y_j * (dy_j - total) for y_j, dy_j in zip(y[line], dy[line], strict=True)]
    return (dx if needs[0] else None,)


def log_softmax_forward(x: Array, *, axis: int) -> tuple[Array, Saved]:
    """The logarithm of softmax, without ever taking the logarithm of a tiny number.

        y[k] = x[k] - log(sum over j of exp(x[j])), with all x lowered by the largest first
    """
    y = np.empty(x.shape, x.dtype)
    for line in _lines(x.shape, axis):
        m = max(x[line])
        log_total = math.log(sum(math.exp(v - m) for v in x[line]))
        y[line] = [v - m - log_total for v in x[line]]
    return y, (y, axis)


def log_softmax_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dy[k]/dx[j] = [j = k] - softmax[j], so dx[j] = dy[j] - exp(y[j]) (sum over k of dy[k])."""
    y, axis = saved
    dx = np.empty(y.shape, y.dtype)
    for line in _lines(y.shape, axis):
        total = sum(dy[line])
        dx[line] = [dy_j - math.exp(y_j) * total for y_j, dy_j in zip(y[line], dy[line], strict=True)]
    return (dx if needs[0] else None,)


def _lines(shape: tuple[int, ...], axis: int) -> Iterator[tuple[Any, ...]]:
    """The index of every line along `axis`: a slice there, one number on each other axis."""
    for i in np.ndindex(shape[:axis] + shape[axis + 1 :]):
        yield (*i[:axis], slice(None), *i[axis:])
