"""Launches kernels that treat every number alike, on arrays in one order in memory: see packs.cuh."""

from typing import Any

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.launch import THREADS, blocks, launch
from minicnn.kernels.cuda.layout import channels_last, contiguous, order
from minicnn.kernels.types import Array

PACKS = 2  # packs of 16 bytes that a thread computes: the constant of that name in packs.cuh


def elementwise(source: str, kernel: str, *inputs: Array, scalars: tuple[Any, ...] = (), macros: tuple[str, ...] = ()) -> Array:
    """A new array y, of the shape and the order in memory of the last of the inputs, filled by `kernel(*inputs, y, *scalars, count)`."""
    y = array_module(inputs[-1]).empty_like(inputs[-1])
    over_all(source, kernel, y, (*in_order(y, *inputs), y, *scalars), macros)
    return y


def over_all(source: str, kernel: str, model: Array, args: tuple[Any, ...], macros: tuple[str, ...] = ()) -> None:
    """Launch `kernel(*args, count)` with a thread for every two packs of an array like `model`."""
    if model.size:
        grid = blocks(model.size * model.itemsize, THREADS * PACKS * 16)
        launch(source, kernel, grid, THREADS, (*args, np.int64(model.size)), dtype=model.dtype, macros=macros)


def in_order(y: Array, *arrays: Array) -> list[Array]:
    """The arrays with their numbers in the order in which those of y lie in memory, which has no gaps. Copied only if they are in another.

    Shapes are given up: kernels that treat every number alike have no use for them. That of a single number becomes (1,), for `launch` takes what
    has no axes for a scalar.
    """
    if not y.ndim:
        return [x.reshape(1) for x in arrays]
    return [x if x.strides == y.strides or (x.flags.c_contiguous and y.flags.c_contiguous) else _copied(y, x) for x in arrays]


def without_gaps(x: Array) -> Array:
    """x itself if its numbers fill its memory, in whatever order; else a copy."""
    return x if x.flags.c_contiguous or x.transpose(order(x)).flags.c_contiguous else contiguous(x)


def _copied(y: Array, x: Array) -> Array:
    axes = order(y)
    return channels_last(x) if axes == [0, 2, 3, 1] else contiguous(x.transpose(axes))
