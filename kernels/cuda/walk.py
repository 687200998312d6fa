"""The way through arrays of any order in memory: which axes a kernel runs along, and how far apart neighbours are.

Axes that follow one another in the memory of all arrays are joined. So images are one row of numbers, whether their channels are innermost or not; and images
with one number beside them for each channel are two axes. All this depends on shapes and strides alone, and is worked out once for each.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minicnn.kernels.array.module import array_module
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
        ("inside", "i8", 2),
    ]
)


class NewArray(NamedTuple):
    """An array that is to be made in a certain order in memory.

    Attributes:
        memory: the sizes of its axes, from the outermost in memory to the innermost.
        back: for each axis as it is called, its number among those; None if that changes nothing.
    """

    memory: Shape
    back: Shape | None

    def empty(self, model: Array, dtype: Any) -> Array:
        """The memory, where that of `model` is. A single number has an axis, too: what has none is passed to a kernel by its value."""
        array: Array = array_module(model).empty(self.memory or (1,), dtype)
        return array

    def view(self, y: Array) -> Array:
        """The array `y` that `empty` made, with its axes as they are called."""
        if not self.memory:
            return y.reshape(())
        return y if self.back is None else y.transpose(self.back)


class Walk(NamedTuple):
    """How a kernel goes through its arrays.

    Attributes:
        axes: the structure that the kernel reads; None if all arrays are rows of numbers in one order.
        amount: so many numbers, or groups of them.
        blocks: so many blocks of threads; 0 if there is nothing to do.
    """

    axes: Array | None
    amount: np.uint64
    blocks: int


@functools.lru_cache(maxsize=1 << 14)
def to_new(shapes: tuple[Shape, ...], strides: tuple[Strides, ...], itemsize: int, many: int) -> tuple[NewArray, Walk]:
    """A result in the order of the first argument that is as large as it, and the way through the arguments, which broadcast, and the result.

    If two are as large, and only the second has its channels innermost, it is in the order of the second.

    Args:
        shapes: of the arguments.
        strides: of the arguments, in bytes.
        itemsize: bytes of a number.
        many: numbers that a thread takes at once where it can.
    """
    shape = np.broadcast_shapes(*shapes)
    full = [order(own, s) for own, s in zip(shapes, strides, strict=True) if own == shape] or [list(range(len(shape)))]
    axes = next((axes for axes in full if _channels_innermost(shape, axes)), full[0])
    result = new_array(shape, axes)
    steps = {axis: itemsize * math.prod(result.memory[i + 1 :]) for i, axis in enumerate(axes)}
    own = tuple(steps[axis] for axis in range(len(shape)))
    return result, _along((*shapes, shape), (*strides, own), axes, itemsize, many)


@functools.lru_cache(maxsize=1 << 14)
def into(shape: Shape, strides: Strides, x_shape: Shape, x_strides: Strides, itemsize: int, many: int) -> Walk:
    """The way through an argument that broadcasts to `shape`, and an array of that shape and those strides."""
    return _along((x_shape, shape), (x_strides, strides), order(shape, strides), itemsize, many)


def new_array(shape: Shape, axes: Sequence[int]) -> NewArray:
    """An array of this shape whose axes lie in memory in the order `axes`, the outermost first."""
    back = tuple(axes.index(axis) for axis in range(len(axes)))
    return NewArray(tuple(shape[axis] for axis in axes), None if back == tuple(range(len(axes))) else back)


def order(shape: Shape, strides: Strides) -> list[int]:
    """The axes from the outermost in memory to the innermost; the strides of axes of size 1 mean nothing."""
    return sorted(range(len(shape)), key=lambda axis: -abs(strides[axis]) if shape[axis] > 1 else 0)


def dense(shape: Shape, strides: Strides, axes: Sequence[int], itemsize: int) -> bool:
    """The array's numbers, taken along `axes`, lie in memory one behind the other."""
    step = itemsize
    for axis in reversed(axes):
        if shape[axis] > 1 and strides[axis] != step:
            return False
        step *= shape[axis]
    return True


def _along(shapes: Sequence[Shape], strides: Sequence[Strides], axes: Sequence[int], itemsize: int, many: int) -> Walk:
    """The way along `axes` of the last array, to whose shape the others broadcast."""
    shape = shapes[-1]
    steps = [_steps(len(shape), own, s, itemsize) for own, s in zip(shapes, strides, strict=True)]
    rows = _joined([(shape[axis], *(step[axis] for step in steps)) for axis in axes if shape[axis] != 1])
    count = math.prod(shape)
    if not rows or (len(rows) == 1 and set(rows[0][1:]) == {1}):
        return Walk(None, np.uint64(count), blocks(blocks(count, many)))
    size, *inside = rows[-1]
    group = many if size % many == 0 and set(inside[:-1]) <= {0, 1} and inside[-1] == 1 else 1
    rows[-1] = (size // group, *(step * group for step in inside))
    return Walk(_structure(rows, group, inside), np.uint64(count // group), blocks(count // group))


def _steps(ndim: int, shape: Shape, strides: Strides, itemsize: int) -> list[int]:
    """How many numbers lie between neighbours along each of `ndim` axes; 0 along those where the array is repeated."""
    return [0] * (ndim - len(shape)) + [0 if size == 1 else stride // itemsize for size, stride in zip(shape, strides, strict=True)]


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
    structure: Any = np.zeros((), AXES)
    structure["count"], structure["group"] = len(rows), group
    for i, (size, *steps) in enumerate(rows):
        structure["size"][i] = size
        structure["step"][: len(steps), i] = steps
    structure["inside"][: len(inside) - 1] = inside[:-1]
    return structure


def _channels_innermost(shape: Shape, axes: Sequence[int]) -> bool:
    """Images (N, C, H, W) in memory as (N, H, W, C)?"""
    return len(shape) == 4 and [axis for axis in axes if shape[axis] > 1][-1:] == [1]
