"""Works through large arrays in pieces that fit into a processor's cache, spread over threads.

A formula of several NumPy operations reads and writes its arrays once per operation. In pieces small enough to stay in
the cache between one operation and the next, they travel to memory and back only once.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.layout import flat
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.types import Array

FORMULA = 10  # a formula with an exponential takes as long as so many numbers to be read or written
PIECE = 1 << 16  # elements; much smaller, and the threads queue for the interpreter; larger, and the cache is too small


def in_pieces(work: Callable[..., Any], *arrays: Array) -> None:
    """Call `work(*pieces)` on matching pieces along the first axis, of at most PIECE elements where a row allows it.

    `work` writes its result into one of the pieces: slices of an array are views of it.
    """
    rows = len(arrays[0])
    step = max(1, PIECE * rows // max(1, arrays[0].size))

    def part(start: int, stop: int) -> None:
        for i in range(start, stop, step):
            j = min(i + step, stop)
            work(*(array[i:j] for array in arrays))

    over_images(rows, part, cost=FORMULA * arrays[0].size)


def elementwise(work: Callable[..., Any], *inputs: Array) -> Array:
    """A new array y, as large as each of the inputs, that `work(*inputs, y)` fills piece by piece, all flattened.

    In memory, y is in the same order as the last of the inputs. For formulas of several NumPy operations.

    >>> elementwise(lambda x, y: np.multiply(x, x, out=y), np.arange(4.0).reshape(2, 2))
    array([[0., 1.],
           [4., 9.]])
    """
    y = arena.empty_like(inputs[-1])
    in_pieces(work, *flat(*inputs, y))
    return y


def compiled_elementwise(loop: Callable[..., Any], *inputs: Array) -> Array:
    """The same for a compiled loop, which reads and writes every number once, whatever the size: one piece for each thread."""
    y = arena.empty_like(inputs[-1])
    arrays = flat(*inputs, y)
    over_images(y.size, lambda start, stop: loop(*(array[start:stop] for array in arrays)), cost=y.size)
    return y


def around_axis(x: Array, axis: int) -> Array:
    """The array as (A, K, B): the axes before `axis`, the axis itself, and those after it. A view where possible."""
    return np.ascontiguousarray(x).reshape(math.prod(x.shape[:axis]), x.shape[axis], -1)
