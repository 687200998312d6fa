"""Channels last: images in memory as (N, H, W, C), while everybody calls them (N, C, H, W).

A vector instruction wants neighbours in memory that are treated alike. The channels of a pixel are: the same window, the same border, the same
stride. Pixels of a row are not: with stride 2 every other one is skipped, and at the border a part is missing. So the kernels of this folder that
look at images compute with the channels innermost, and give their results that way: as a transposed view, so that shapes stay what they were and
the next kernel finds its input as it likes it. An array in another order is copied once.
"""

from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.types import Array


def channels_last(x: Array) -> Array:
    """Images (N, C, H, W) as a contiguous array (N, H, W, C): a view if memory is in that order, else a copy.

    >>> channels_last(np.zeros((8, 3, 32, 20))).shape
    (8, 32, 20, 3)
    """
    last = x.transpose(0, 2, 3, 1)
    if last.flags.c_contiguous:
        return last
    y = arena.empty(last.shape, x.dtype)
    over_images(len(y), lambda start, stop: _copy_images(last[start:stop], y[start:stop]), cost=x.size)
    return y


def channels_first(x: Array) -> Array:
    """The way back, always a view: (N, H, W, C) as (N, C, H, W)."""
    return x.transpose(0, 3, 1, 2)


def rows(x: Array) -> Array:
    """(N, C) or (N, C, ...) as a matrix with a row for each pixel and a column for each channel; a view if channels are innermost."""
    return np.ascontiguousarray(x.transpose(0, *range(2, x.ndim), 1)).reshape(-1, x.shape[1])


def from_rows(matrix: Array, shape: tuple[int, ...]) -> Array:
    """The way back from `rows`, always a view."""
    last = len(shape) - 1
    return matrix.reshape(shape[0], *shape[2:], shape[1]).transpose(0, last, *range(1, last))


def flat(*arrays: Array) -> list[Array]:
    """Arrays of one shape, each as one row of numbers, all in the same order: that in which the last one lies in memory.

    A view of each array that lies in that order without gaps, else a copy.
    """
    axes = sorted(range(arrays[-1].ndim), key=lambda axis: -abs(arrays[-1].strides[axis]))
    return [np.ascontiguousarray(x.transpose(axes)).reshape(-1) for x in arrays]


@jit
def _copy_images(x: Any, y: Any) -> None:
    N, H, W, C = y.shape
    for n in range(N):
        for r in range(H):
            for s in range(W):
                for c in range(C):
                    y[n, r, s, c] = x[n, r, s, c]
