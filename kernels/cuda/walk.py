"""The way through arrays of any order in memory: which axes a kernel runs along, and how far apart neighbours are.

Axes that follow one another in the memory of all arrays are joined, so that images of any order, with channels innermost or outermost, are one row of
numbers, and one number for each channel beside them is two axes. The results depend on shapes and strides alone, and are kept.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minicnn.kernels.cuda.launch import blocks
from minicnn.kernels.types import Array

Shape = tuple[int, ...]
Strides = tuple[int, ...]

MOST_AXES = 8
# The structure Axes of elementwise.cu.
AXES = np.dtype(
    [
        ("count", "i4"),
        ("group", "i4"),
        ("size", "u4", MOST_AXES),
        ("step", "i8", (3, MOST_AXES)),
        ("inside", "i8", 3),
    ]
)


class Walk(NamedTuple):
    """How a kernel goes through its arrays.

    Attributes:
        axes: the structure that the kernel reads; None if all arrays are rows of numbers in one order.
        count: so many numbers, or groups of them.
        blocks: so many blocks of threads; 0 if there is nothing to do.
    """

    axes: Array | None
    count: np.uint64
    blocks: int


class Plan(NamedTuple):
    """A walk that fills a new array.

    Attributes:
        memory: sizes of the new array's axes, from the outermost in memory to the innermost.
        back: for each axis of the result, its number among those of `memory`.
        walk: the way through the arguments and the result.
    """

    memory: Shape
    back: tuple[int, ...]
    walk: Walk


@functools.lru_cache(maxsize=1 << 14)
def new_array(shapes: tuple[Shape, ...], strides: tuple[Strides, ...], itemsize: int, many: int) -> Plan:
    """The walk through one or two arguments that broadcast, and a result in the order of the first that is as large as it.

    If two are, and only the second has its channels innermost, in the order of the second.

    Args:
        shapes: of the arguments.
        strides: of the arguments, in bytes.
        itemsize: bytes of a number.
        many: numbers that a thread takes at once where it can.
    """
    shape = np.broadcast_shapes(*shapes)
    full = [order(shape, s) for s, own in zip(strides, shapes, strict=True) if own == shape] or [list(range(len(shape)))]
    axes = next((axes for axes in full if _channels_innermost(shape, axes)), full[0])
    memory = tuple(shape[axis] for axis in axes)
    back = tuple(axes.index(axis) for axis in range(len(axes)))
    of_result = np.cumprod([1, *memory[:0:-1]])[::-1][[*back]] * itemsize if shape else ()
    walk = along((*shapes, shape), (*strides, tuple(map(int, of_result))), axes, itemsize, many)
    return Plan(memory, back, walk)


@functools.lru_cache(maxsize=1 << 14)
def into(shape: Shape, strides: Strides, x_shape: Shape, x_strides: Strides, itemsize: int, many: int) -> Walk:
    """The walk through an argument that broadcasts to `shape`, and an array of that shape and those strides."""
    return along((x_shape, shape), (x_strides, strides), order(shape, strides), itemsize, many)


def along(shapes: Sequence[Shape], strides: Sequence[Strides], axes: Sequence[int], itemsize: int, many: int) -> Walk:
    """The walk along `axes` of the last array, to whose shape the others broadcast."""
    shape, ndim = shapes[-1], len(shapes[-1])
    steps = [[0] * (ndim - len(own)) + [0 if n == 1 else s // itemsize for n, s in zip(own, bytes_apart, strict=True)]
             for own, bytes_apart in zip(shapes, strides, strict=True)]  # fmt: skip
    rows = _joined([(shape[axis], *(step[axis] for step in steps)) for axis in axes if shape[axis] != 1])
    count = int(np.prod(shape, dtype=np.int64))
    if all(step == 1 for row in rows for step in row[1:]) and len(rows) <= 1:
        return Walk(None, np.uint64(count), blocks(blocks(count, many)))
    size, *inside = rows[-1]
    group = many if size % many == 0 and set(inside[:-1]) <= {0, 1} and inside[-1] == 1 else 1
    rows[-1] = (size // group, *(step * group for step in inside))
    return Walk(_structure(rows, group, inside), np.uint64(count // group), blocks(count // group))


def order(shape: Shape, strides: Strides) -> list[int]:
    """The axes from the outermost in memory to the innermost; the strides of axes of size 1 mean nothing."""
    return sorted(range(len(shape)), key=lambda axis: -abs(strides[axis]) if shape[axis] > 1 else 0)


def _channels_innermost(shape: Shape, axes: Sequence[int]) -> bool:
    """Images (N, C, H, W) in memory as (N, H, W, C)?"""
    return len(shape) == 4 and [axis for axis in axes if shape[axis] > 1][-1:] == [1]


def _joined(rows: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Axes (size, steps), outermost first, with neighbours that follow one another in all arrays made one."""
    joined: list[tuple[int, ...]] = []
    for size, *steps in rows:
        if joined and all(outer == size * step for outer, step in zip(joined[-1][1:], steps, strict=True)):
            joined[-1] = (joined[-1][0] * size, *steps)
        else:
            joined.append((size, *steps))
    return joined


def _structure(rows: Sequence[tuple[int, ...]], group: int, inside: Sequence[int]) -> Array:
    if len(rows) > MOST_AXES:
        raise ValueError(f"a kernel walks along at most {MOST_AXES} axes; these arrays have {len(rows)} that do not follow one another")
    structure: Any = np.zeros((), AXES)
    structure["count"], structure["group"] = len(rows), group
    for i, (size, *steps) in enumerate(rows):
        structure["size"][i] = size
        structure["step"][: len(steps), i] = steps
    structure["inside"][: len(inside)] = inside
    return structure
