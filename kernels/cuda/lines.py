"""Lines along an axis, and the threads that share one: see lines.cuh."""

import math
from typing import Any, NamedTuple

import numpy as np

from minicnn.kernels.cuda.launch import THREADS, blocks, launch
from minicnn.kernels.types import Array

WARP = 32


class Lines(NamedTuple):
    """An array seen as (A, K, B), as it lies in memory, with the axis in the middle."""

    K: int
    B: int
    amount: int  # A B

    @property
    def team(self) -> int:
        """How many threads share a line: a power of 2, no more than there are numbers; one if the numbers are no neighbours."""
        return min(WARP, 1 << self.K.bit_length() - 1) if self.B == 1 else 1

    @property
    def grid(self) -> int:
        """How many blocks of threads that is."""
        return blocks(self.amount * self.team)

    @property
    def args(self) -> tuple[Any, ...]:
        """The arguments with which a kernel of lines ends."""
        return self.K, self.B, np.int64(self.amount), self.team


def lines_along(x: Array, axis: int) -> Lines:
    """The lines of an array without gaps, in whatever order its axes lie in memory."""
    K = x.shape[axis]
    inner = math.prod(n for n, stride in zip(x.shape, x.strides, strict=True) if abs(stride) < abs(x.strides[axis])) if K > 1 else 1
    return Lines(K, inner, x.size // K)


def over_lines(source: str, kernel: str, lines: Lines, dtype: Any, args: tuple[Any, ...]) -> None:
    """Launch `kernel(*args, K, B, lines, team)`."""
    launch(source, kernel, lines.grid, THREADS, (*args, *lines.args), dtype=dtype)
