"""Elementwise functions whose results lie in memory in the order of their arguments, with broadcasting.

CuPy's own `a + b` gives an array whose last axis is innermost, whatever the order of a and b: images in channels-last memory would have to be transposed
before the next convolution. Element types that the kernels do not know (integers, booleans) are left to the array module.
"""

from typing import Any

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda import walk
from minicnn.kernels.cuda.launch import THREADS, TYPES, launch
from minicnn.kernels.types import Array


def cast(x: Array, dtype: Any) -> Array:
    """The values of x in another element type, in memory in the order of x; x itself if it has that type already."""
    dtype = np.dtype(dtype)
    if x.dtype == dtype:
        return x
    return unary("identity", x, dtype) if known(x.dtype) and known(dtype) else x.astype(dtype)


def copy(x: Array) -> Array:
    """The values of x in new memory without gaps, in the order of x."""
    return unary("identity", x, x.dtype) if known(x.dtype) else x.copy(order="K")


def assign(y: Array, x: Array) -> None:
    """y[...] = x: both of one element type; x broadcasts to the shape of y, and both may have gaps."""
    if not known(y.dtype) or y.dtype != x.dtype:
        y[...] = x
        return
    _launch_unary("identity", walk.into(y.shape, y.strides, x.shape, x.strides, y.dtype.itemsize, _at_once(y.dtype)), x, y, y.dtype)


def unary(function: str, x: Array, dtype: Any) -> Array:
    """f(x) for a function of elementwise.cu, as an array of `dtype`."""
    plan = walk.new_array((x.shape,), (x.strides,), x.dtype.itemsize, _at_once(x.dtype, dtype))
    y = array_module(x).empty(plan.memory, dtype)
    _launch_unary(function, plan.walk, x, y, dtype)
    return y.transpose(plan.back)


def binary(function: str, a: Array, b: Array) -> Array:
    """f(a, b) for a function of elementwise.cu, two arrays of one element type that the kernels know."""
    plan = walk.new_array((a.shape, b.shape), (a.strides, b.strides), a.dtype.itemsize, _at_once(a.dtype))
    y = array_module(a).empty(plan.memory, a.dtype)
    way = plan.walk
    if way.blocks:
        kernel, arguments = ("binary", (a, b, y, way.count)) if way.axes is None else ("binary_strided", (a, b, y, way.axes, way.count))
        launch("elementwise", kernel, way.blocks, THREADS, arguments, dtype=a.dtype, macros=(f"BINARY={function}",))
    return y.transpose(plan.back)


def known(dtype: np.dtype[Any]) -> bool:
    """The kernels compute in this element type."""
    return dtype.name in TYPES


def _launch_unary(function: str, way: walk.Walk, x: Array, y: Array, dtype: Any) -> None:
    if way.blocks:
        kernel, arguments = ("unary", (x, y, way.count)) if way.axes is None else ("unary_strided", (x, y, way.axes, way.count))
        macros = (f"UNARY={function}", f"TO={TYPES[np.dtype(dtype).name][0]}")
        launch("elementwise", kernel, way.blocks, THREADS, arguments, dtype=x.dtype, macros=macros)


def _at_once(*dtypes: Any) -> int:
    """How many numbers a thread reads and writes at once: MANY of elementwise.cu."""
    return 16 // max(np.dtype(dtype).itemsize for dtype in dtypes)
