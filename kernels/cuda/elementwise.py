"""Elementwise functions whose results lie in memory in the order of their arguments, with broadcasting.

CuPy's own `a + b` gives an array whose last axis is innermost, whatever the order of a and b: images in channels-last memory would have to be transposed
before the next convolution.
"""

import functools
from typing import Any

import numpy as np

from minicnn.kernels.cuda import walk
from minicnn.kernels.cuda.launch import THREADS, TYPES, launch
from minicnn.kernels.types import Array


def cast(x: Array, dtype: Any) -> Array:
    """The values of x in another element type, in memory in the order of x; x itself if it has that type already."""
    dtype = np.dtype(dtype)
    if x.dtype == dtype:
        return x
    return unary("identity", x, dtype) if fits(x) and c_type(dtype) else x.astype(dtype)


def copy(x: Array) -> Array:
    """The values of x in new memory without gaps, in the order of x."""
    return unary("identity", x) if fits(x) else x.copy(order="K")


def assign(y: Array, x: Array) -> None:
    """y[...] = x, which broadcasts to the shape of y; both may have gaps."""
    if fits(y, x):
        way = walk.into(y.shape, y.strides, x.shape, x.strides, x.dtype.itemsize, _many(x.dtype, y.dtype))
        _launch("unary", "identity", way, (x, y))
    else:
        y[...] = x


def unary(function: str, x: Array, dtype: Any = None) -> Array:
    """f(x) for a function of elementwise.cu; the results are of `dtype`, as a rule that of x."""
    dtype = dtype or x.dtype
    result, way = walk.to_new((x.shape,), (x.strides,), x.dtype.itemsize, _many(x.dtype, dtype))
    y = result.empty(x, dtype)
    _launch("unary", function, way, (x, y))
    return result.view(y)


def binary(function: str, a: Array, b: Array) -> Array:
    """f(a, b) for a function of elementwise.cu and two arrays of one element type, which broadcast."""
    dtype = a.dtype
    result, way = walk.to_new((a.shape, b.shape), (a.strides, b.strides), dtype.itemsize, _many(dtype, dtype))
    y = result.empty(a, dtype)
    _launch("binary", function, way, (a, b, y))
    return result.view(y)


def fits(first: Any, *others: Any) -> bool:
    """These are arrays (NumPy has scalars, too) with at most 8 axes, of one element type in which the kernels compute: not of integers, nor booleans."""
    dtype = first.dtype
    return c_type(dtype) is not None and _is_array(first) and all(x.dtype == dtype and _is_array(x) for x in others)


def _is_array(x: Any) -> bool:
    return not isinstance(x, np.generic) and x.ndim <= walk.MOST_AXES


@functools.cache
def c_type(dtype: np.dtype[Any]) -> str | None:
    """What the kernels call an element type; None if they do not know it, or its bytes are in the order of another machine."""
    return TYPES[dtype.name][0] if dtype.name in TYPES and dtype.isnative else None


def _launch(kernel: str, function: str, way: walk.Walk, arrays: tuple[Array, ...]) -> None:
    """The last array is the result."""
    dtype, macros = arrays[0].dtype, _macros(kernel, function, arrays[-1].dtype)
    if way.axes is not None:
        launch("elementwise", f"{kernel}_strided", way.blocks, THREADS, (*arrays, way.axes, way.amount), dtype=dtype, macros=macros)
    elif way.blocks:
        launch("elementwise", kernel, way.blocks, THREADS, (*arrays, way.amount), dtype=dtype, macros=macros)


@functools.cache
def _macros(kernel: str, function: str, to: np.dtype[Any]) -> tuple[str, str]:
    return f"{kernel.upper()}={function}", f"TO={c_type(to)}"


@functools.cache
def _many(dtype: np.dtype[Any], to: np.dtype[Any]) -> int:
    """How many numbers a thread takes at once: MANY of elementwise.cu."""
    return 16 // max(dtype.itemsize, to.itemsize)
