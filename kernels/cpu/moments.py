"""Mean and variance of a row of numbers that lies in the cache: the inner loop of every normalisation."""

from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.threads import over_images, split
from minicnn.kernels.types import Array


@jit
def moments(row: Any) -> tuple[float, float]:
    """The mean, and the sum of squares around it, both summed in float64.

    Two passes over the row, the second one in the cache. One pass that sums x and x² would lose every digit that mean²
    and mean(x²) have in common.
    """
    total = 0.0
    for i in range(row.size):
        total += row[i]
    mean = total / row.size
    squares = 0.0
    for i in range(row.size):
        squares += (row[i] - mean) ** 2
    return mean, squares


@jit
def sums(dy: Any, x: Any, centre: Any) -> tuple[float, float]:
    """Σ dy and Σ dy (x - centre) over a row, in float64."""
    total, moment = 0.0, 0.0
    for i in range(dy.size):
        total += dy[i]
        moment += dy[i] * (x[i] - centre)
    return total, moment


def column_sums(x: Array) -> Array:
    """The sum of each column of a matrix, in float64 until the end: x (M, C) to (C,)."""
    sums = {start: np.zeros(x.shape[1]) for start, _ in split(len(x), x.size)}
    over_images(len(x), lambda start, stop: _add_rows(x[start:stop], sums[start]), cost=x.size)
    return np.asarray(sum(sums.values())).astype(x.dtype)


@jit
def _add_rows(x: Any, sums: Any) -> None:
    for m in range(x.shape[0]):
        for c in range(x.shape[1]):
            sums[c] += x[m, c]
