"""The functions of `array/basics.py` as kernels that keep the order in memory: from images with channels innermost come images with channels innermost.

What the kernels do not know (integers, booleans) is left to the array module.
"""

import math
from collections.abc import Sequence

from minicnn.kernels.array import basics as array
from minicnn.kernels.cuda import reduction, walk
from minicnn.kernels.cuda.elementwise import assign, binary, cast, copy, fits, unary
from minicnn.kernels.types import Array

__all__ = [
    "absolute",
    "add",
    "assign",
    "cast",
    "concatenate",
    "copy",
    "divide",
    "exp",
    "log",
    "maximum",
    "mean_over",
    "minimum",
    "multiply",
    "negative",
    "sqrt",
    "subtract",
    "sum_over",
    "sum_product",
]


def add(a: Array, b: Array) -> Array:
    """a + b."""
    return binary("add", a, b) if fits(a, b) else array.add(a, b)


def subtract(a: Array, b: Array) -> Array:
    """a - b."""
    return binary("subtract", a, b) if fits(a, b) else array.subtract(a, b)


def multiply(a: Array, b: Array) -> Array:
    """a b."""
    return binary("multiply", a, b) if fits(a, b) else array.multiply(a, b)


def divide(a: Array, b: Array) -> Array:
    """a / b."""
    return binary("divide", a, b) if fits(a, b) else array.divide(a, b)


def maximum(a: Array, b: Array) -> Array:
    """The larger of two; NaN if one is."""
    return binary("maximum", a, b) if fits(a, b) else array.maximum(a, b)


def minimum(a: Array, b: Array) -> Array:
    """The smaller of two; NaN if one is."""
    return binary("minimum", a, b) if fits(a, b) else array.minimum(a, b)


def negative(x: Array) -> Array:
    """-x."""
    return unary("negative", x) if fits(x) else array.negative(x)


def absolute(x: Array) -> Array:
    """|x|."""
    return unary("absolute", x) if fits(x) else array.absolute(x)


def exp(x: Array) -> Array:
    """e^x."""
    return unary("exp", x) if fits(x) else array.exp(x)


def log(x: Array) -> Array:
    """Natural logarithm."""
    return unary("log", x) if fits(x) else array.log(x)


def sqrt(x: Array) -> Array:
    """Square root."""
    return unary("sqrt", x) if fits(x) else array.sqrt(x)


def sum_over(x: Array, axes: tuple[int, ...]) -> Array:
    """Sum over `axes`."""
    return reduction.sum_over(x, axes) if fits(x) and x.size else array.sum_over(x, axes)


def mean_over(x: Array, axes: tuple[int, ...]) -> Array:
    """Mean over `axes`."""
    if not (fits(x) and x.size):
        return array.mean_over(x, axes)
    return reduction.sum_over(x, axes, 1 / math.prod(x.shape[axis] for axis in axes))


def sum_product(a: Array, b: Array, axes: tuple[int, ...]) -> Array:
    """Sum of a b over `axes`; where both have one shape and one order, the product is never written to memory."""
    if fits(a, b) and a.shape == b.shape and a.strides == b.strides and a.size:
        return reduction.sum_product(a, b, axes)
    return sum_over(multiply(a, b), axes)


def concatenate(arrays: Sequence[Array], axis: int) -> Array:
    """The arrays one after the other along an axis, in memory in the order of the first."""
    first, together = arrays[0], sum(x.shape[axis] for x in arrays)
    shape = (*first.shape[:axis], together, *first.shape[axis + 1 :])
    result = walk.new_array(shape, walk.order(first.shape, first.strides))
    memory = result.empty(first, first.dtype)
    y, start = result.view(memory), 0
    for x in arrays:
        stop = start + x.shape[axis]
        assign(y[(slice(None),) * axis + (slice(start, stop),)], x)
        start = stop
    return y
