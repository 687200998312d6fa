"""Elementwise functions whose results lie in memory in the order of their arguments, with broadcasting.

CuPy's own `a + b` gives an array whose last axis is innermost, whatever the order of a and b: images in channels-last memory would have to be transposed
before the next convolution.
"""

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
    return unary("identity", x, dtype) if known(x.dtype, dtype) else x.astype(dtype)


def copy(x: Array) -> Array:
    """The values of x in new memory without gaps, in the order of x."""
    return unary("identity", x, x.dtype) if known(x.dtype) else x.copy(order="K")


def assign(y: Array, x: Array) -> None:
    """y[...] = x, which broadcasts to the shape of y; both may have gaps."""
    if x.dtype == y.dtype and known(x.dtype):
        way = walk.into(y.shape, y.strides, x.shape, x.strides, x.dtype.itemsize, _many(x.dtype))
        _launch("unary", "identity", way, (x, y), x.dtype, y.dtype)
    else:
        y[...] = x


def unary(function: str, x: Array, dtype: Any = None) -> Array:
    """f(x) for a function of elementwise.cu; the results are of `dtype`, as a rule that of x."""
    dtype = x.dtype if dtype is None else dtype
    result, way = walk.to_new((x.shape,), (x.strides,), x.dtype.itemsize, _many(x.dtype, dtype))
    y = result.empty(x, dtype)
    _launch("unary", function, way, (x, y), x.dtype, dtype)
    return result.view(y)


def binary(function: str, a: Array, b: Array) -> Array:
    """f(a, b) for a function of elementwise.cu and two arrays of one element type, which broadcast."""
    dtype = a.dtype
    result, way = walk.to_new((a.shape, b.shape), (a.strides, b.strides), dtype.itemsize, _many(dtype))
    y = result.empty(a, dtype)
    _launch("binary", function, way, (a, b, y), dtype, dtype)
    return result.view(y)


def known(*dtypes: Any) -> bool:
    """The kernels compute in these element types: not in integers, nor booleans."""
    return all(dtype.name in TYPES for dtype in dtypes)


def _launch(kernel: str, function: str, way: walk.Walk, arrays: tuple[Array, ...], dtype: Any, to: Any) -> None:
    macros = f"{kernel.upper()}={function}", f"TO={TYPES[to.name][0]}"
    if way.axes is not None:
        launch("elementwise", f"{kernel}_strided", way.blocks, THREADS, (*arrays, way.axes, way.count), dtype=dtype, macros=macros)
    elif way.blocks:
        launch("elementwise", kernel, way.blocks, THREADS, (*arrays, way.count), dtype=dtype, macros=macros)


def _many(*dtypes: Any) -> int:
    """How many numbers a thread takes at once: MANY of elementwise.cu."""
    return 16 // max(dtype.itemsize for dtype in dtypes)
