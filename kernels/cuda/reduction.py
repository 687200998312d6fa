"""Sums over any axes of an array in any order, also of a product: each number is read once, and only the sums are written."""

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda import elementwise, walk
from minicnn.kernels.cuda.launch import THREADS, blocks, launch, real
from minicnn.kernels.types import Array

Shape = tuple[int, ...]

WARPS = 8  # of a block of sum_rows, each with a sum of its own
MOST_SLICES = 4096, 512  # of a row, of a column: what one warp, or a few threads, add up quickly in the end
ENOUGH = 132 * 64, 132 * 8  # warps, or blocks, that keep a large GPU busy
LEAST = 1024, 64  # numbers of a row, or of a column, that are worth a slice


def sum_over(x: Array, axes: Shape, factor: float = 1.0) -> Array:
    """factor * sum of x over `axes`, which stay with size 1; 1/n makes it a mean."""
    return _sum(x, None, axes, factor)


def sum_product(a: Array, b: Array, axes: Shape) -> Array:
    """Sum of a b over `axes`, which stay with size 1; a and b have one shape and lie in memory in one order."""
    return _sum(a, b, axes, 1.0)


class Step(NamedTuple):
    """One launch: so many blocks, of so many threads, fill an array of `sums` numbers; the sizes are the kernel's arguments behind the arrays."""

    kernel: str
    grid: int
    block: tuple[int, int]
    sizes: tuple[Any, ...]
    sums: int


def _sum(x: Array, z: Array | None, axes: Shape, factor: float) -> Array:
    plan = _plan(x.shape, x.strides, axes, x.dtype.itemsize)
    if plan is None:  # x has gaps, or repeated numbers
        return _sum(elementwise.copy(x), None if z is None else elementwise.copy(z), axes, factor)
    steps, result = plan
    y = x
    for step in steps[:-1]:
        sums = array_module(x).empty(step.sums, real(x.dtype))
        _launch(step, y, z, sums, 1.0)
        y, z = sums, None
    sums = result.empty(x, x.dtype)
    _launch(steps[-1], y, z, sums, factor)
    return result.view(sums)


def _launch(step: Step, x: Array, z: Array | None, y: Array, factor: float) -> None:
    macros = (f"TO={elementwise.c_type(y.dtype)}",)
    launch("reduction", step.kernel, step.grid, step.block, (x, z, y, *step.sizes, factor), dtype=x.dtype, macros=macros)


@functools.lru_cache(maxsize=1 << 14)
def _plan(shape: Shape, strides: Shape, axes: Shape, itemsize: int) -> tuple[list[Step], walk.NewArray] | None:
    """The launches one after the other, and what they fill in the end; None if the array has gaps in memory.

    A stretch of axes that follow one another in memory is summed at once, the innermost first. What lies between two launches is of type REAL.
    """
    order = walk.order(shape, strides)
    if not walk.dense(shape, strides, order, itemsize):
        return None
    sizes = [(shape[axis], axis in axes) for axis in order if shape[axis] > 1]
    steps: list[Step] = []
    while any(summed for _, summed in sizes) or not steps:
        stop = max((i + 1 for i, (_, summed) in enumerate(sizes) if summed), default=len(sizes))
        start = max((i + 1 for i in range(stop) if not sizes[i][1]), default=0)
        A, R, B = (math.prod(n for n, _ in part) for part in (sizes[:start], sizes[start:stop], sizes[stop:]))
        steps += _sliced(A, R, B, max(4, itemsize) if steps else itemsize)
        sizes[start:stop] = []
    return steps, walk.new_array(tuple(1 if axis in axes else size for axis, size in enumerate(shape)), order)


def _sliced(A: int, R: int, B: int, itemsize: int) -> list[Step]:
    """The sum over R, in one step or, where that would leave most of the GPU idle, in two."""
    kind, many = int(B > 1), 16 // itemsize
    parallel = A if B == 1 else A * _columns(B, many)[2]
    slices = max(1, min(-(-ENOUGH[kind] // parallel), R // LEAST[kind], MOST_SLICES[kind]))
    length = blocks(blocks(R, slices), many) * many
    slices = blocks(R, length)
    if slices == 1:
        return [_step(A, R, B, 1, R, many)]
    return [_step(A, R, B, slices, length, many), _step(A, slices, B, 1, slices, 16 // max(4, itemsize))]


def _step(A: int, R: int, B: int, slices: int, length: int, many: int) -> Step:
    sums, cut = A * slices, (np.uint64(slices), np.uint64(length))
    if B == 1:
        return Step("sum_rows", blocks(sums, WARPS), (32, WARPS), (np.uint64(sums), np.uint64(R), *cut), sums)
    group, threads, stretches = _columns(B, many)
    sizes = (np.uint64(R), np.uint64(B), *cut, stretches, group)
    return Step("sum_columns", sums * stretches, (threads, THREADS // threads), sizes, sums * B)


def _columns(B: int, many: int) -> tuple[int, int, int]:
    """How B columns are divided: columns of a thread, threads side by side in a block, and blocks side by side."""
    group = many if B % many == 0 else 1
    threads = min(32, 1 << (B // group - 1).bit_length())
    return group, threads, blocks(B // group, threads)
