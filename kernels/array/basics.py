"""The functions of arrays that operations without kernels of their own are made of. Another folder may have them in a file of this name, too.

All broadcast as NumPy's operators do. Axes are indices >= 0, and the axes of a sum stay, with size 1.
"""

from collections.abc import Sequence
from typing import Any

from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array


def add(a: Array, b: Array) -> Array:
    """a + b."""
    return a + b


def subtract(a: Array, b: Array) -> Array:
    """a - b."""
    return a - b


def multiply(a: Array, b: Array) -> Array:
    """a b."""
    return a * b


def divide(a: Array, b: Array) -> Array:
    """a / b."""
    return a / b


def maximum(a: Array, b: Array) -> Array:
    """The larger of two; NaN if one is."""
    return array_module(a).maximum(a, b)


def minimum(a: Array, b: Array) -> Array:
    """The smaller of two; NaN if one is."""
    return array_module(a).minimum(a, b)


def negative(x: Array) -> Array:
    """-x."""
    return -x


def absolute(x: Array) -> Array:
    """|x|."""
    return array_module(x).abs(x)


def exp(x: Array) -> Array:
    """e^x."""
    return array_module(x).exp(x)


def log(x: Array) -> Array:
    """Natural logarithm."""
    return array_module(x).log(x)


def sqrt(x: Array) -> Array:
    """Square root."""
    return array_module(x).sqrt(x)


def sum_over(x: Array, axes: tuple[int, ...]) -> Array:
    """Sum over `axes`."""
    return x.sum(axis=axes, keepdims=True)


def mean_over(x: Array, axes: tuple[int, ...]) -> Array:
    """Mean over `axes`."""
    return x.mean(axis=axes, keepdims=True)


def sum_product(a: Array, b: Array, axes: tuple[int, ...]) -> Array:
    """Sum of a b over `axes`."""
    return (a * b).sum(axis=axes, keepdims=True)


def cast(x: Array, dtype: Any) -> Array:
    """The values in another element type."""
    return x.astype(dtype)


def copy(x: Array) -> Array:
    """The values in new memory."""
    return x.copy()


def assign(y: Array, x: Array) -> None:
    """Overwrite y, as a rule a part of an array, with x."""
    y[...] = x


def concatenate(arrays: Sequence[Array], axis: int) -> Array:
    """The arrays one after the other along an axis."""
    return array_module(arrays[0]).concatenate(arrays, axis)
