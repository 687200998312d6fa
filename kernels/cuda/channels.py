"""How threads are assigned to rows of channels: matrices for `channels.cuh`, blocks and grids."""

import functools
import math
from typing import NamedTuple

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.launch import launch, real
from minicnn.kernels.cuda.layout import aligned, contiguous, rows
from minicnn.kernels.types import Array

THREADS = 256  # at most, in a block
ROWS_OF_ONE, ROWS_OF_TWO = 4, 2  # that a thread reads before it uses the first, of one array and of two: as in channels.cuh
AT_ONCE = 396  # blocks that a large GPU holds at once: 3 on each of 132 multiprocessors
ELEMENTWISE = 5  # times as many blocks for a pass that writes an image: it ends soon after the first block finds no more to do
WARPS = 4  # of a block, where each has an entry of a table
ENTRIES = 6  # numbers of a line (`write_line` in channels.cuh)


class Plan(NamedTuple):
    """Blocks for rows of channels.

    Attributes:
        grid: (images · parts, blocks along the channels).
        block: (threads along the channels, rows).
        parts: into which the rows of an image are divided, among blocks.
        tile: rows that a block reads at once.
        macros: VECTOR, how many numbers a thread reads at once.
    """

    grid: tuple[int, int]
    block: tuple[int, int]
    parts: int
    tile: int
    macros: tuple[str]


@functools.cache
def plan(images: int, S: int, C: int, itemsize: int, rows: int, waves: int) -> Plan:
    """For `images` matrices (S, C).

    Args:
        rows: that a thread reads before it uses the first.
        waves: how many times as many blocks as a large GPU holds, at most. One, if what each has found is put together afterwards: then there are few
            findings, and all blocks end at the same time.

    Example:
        >>> plan(1, 50176, 256, 4, ROWS_OF_ONE, 1)
        Plan(grid=(198, 2), block=(32, 8), parts=198, tile=32, macros=('VECTOR=4',))
    """
    V = vector(C, itemsize)
    groups = C // V
    columns = -(-groups // 32)
    width = -(-groups // columns)
    height = THREADS // width
    tile = height * rows
    parts = max(1, min(-(-S // tile), AT_ONCE * waves // (columns * images)))
    return Plan((images * parts, columns), (width, height), parts, tile, (f"VECTOR={V}",))


def vector(C: int, itemsize: int) -> int:
    """How many neighbouring numbers a thread reads at once: 16 bytes, if C is a multiple of as many, else the most that divides both.

    >>> vector(64, 4), vector(64, 2), vector(6, 2), vector(3, 4)
    (4, 8, 2, 1)
    """
    return math.gcd(C, 16 // itemsize)


def matrix(x: Array) -> Array:
    """(N, C, ...) as `layout.rows`, beginning at a multiple of 16 bytes: else it is copied once."""
    return aligned(rows(x))


def parameter(p: Array | None) -> Array | None:
    """One number for each channel (or for each element of a row), without gaps."""
    return None if p is None else contiguous(p)


def found_moments(images: int, x: Array) -> tuple[Array, Plan]:
    """The kernel `statistics` for x (images · S, C): what the parts have found (3, images · C, parts), and how they were divided."""
    M, C = x.shape
    p = plan(images, M // images, C, x.itemsize, ROWS_OF_ONE, 1)
    found = array_module(x).empty((3, images * C, p.parts), real(x.dtype))
    launch("batch_norm", "statistics", p.grid, p.block, (x, found, M // images, C, p.parts), dtype=x.dtype, macros=p.macros)
    return found, p


def normalised(images: int, x: Array, line: Array, low: float, high: float) -> Array:
    """The kernel `normalise`: x (images · S, C) along the lines (6, images · C), clipped to low and high."""
    M, C = x.shape
    p = plan(images, M // images, C, x.itemsize, ROWS_OF_ONE, ELEMENTWISE)
    y: Array = array_module(x).empty((M, C), x.dtype)
    launch("batch_norm", "normalise", p.grid, p.block, (x, line, y, M // images, C, p.parts, low, high), dtype=x.dtype, macros=p.macros)
    return y


def found_sums(images: int, dy: Array, x: Array, line: Array, low: float, high: float) -> tuple[Array, Plan]:
    """The kernel `sums`: what the parts have found (2, images · C, parts), and how they were divided."""
    M, C = x.shape
    p = plan(images, M // images, C, x.itemsize, ROWS_OF_TWO, 1)
    found = array_module(x).empty((2, images * C, p.parts), real(x.dtype))
    launch("batch_norm", "sums", p.grid, p.block, (dy, x, line, found, M // images, C, p.parts, low, high), dtype=x.dtype, macros=p.macros)
    return found, p


def gradient(images: int, dy: Array, x: Array, line: Array, slopes: Array | None, low: float, high: float) -> Array:
    """The kernel `gradient`: dx (images · S, C)."""
    M, C = x.shape
    p = plan(images, M // images, C, x.itemsize, ROWS_OF_TWO, ELEMENTWISE)
    dx: Array = array_module(x).empty((M, C), x.dtype)
    args = dy, x, line, slopes, dx, M // images, C, p.parts, low, high
    launch("batch_norm", "gradient", p.grid, p.block, args, dtype=x.dtype, macros=p.macros)
    return dx
