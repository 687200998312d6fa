"""Element types: conversion, and the type in which tensors of several types meet.

The rules:

- Python's and NumPy's *scalars* are weak: `2.0 * x` has the element type of `x`.
- Tensors of different floating-point types meet in the wider one, as in NumPy: the sum of a bfloat16 and a float32 is a float32. float16
  and bfloat16, of which neither holds the other's numbers, meet in float32. (So it is in PyTorch, too.)
- An integer tensor joins a floating-point tensor without widening it (NumPy would make int64 and float32 a float64).
- Where a result cannot be an integer (a quotient, a mean, an exponential), integers become float32 first.

Every input gets its gradient in its own element type: a conversion is an operation of the graph.
"""

from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.backend import get_backend
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array


class AsType(Function):
    """y = x in another type: dx = dy in the type of x."""

    gives_new_arrays = True

    def forward(self, x: Array, *, dtype: Any) -> Array:
        self.x_dtype = x.dtype
        y: Array = get_backend().basics.cast(x, dtype)
        return y

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        return (get_backend().basics.cast(dy, self.x_dtype),)


def astype(x: Tensor, dtype: Any) -> Tensor:
    """The values of `x` in another element type; `x` itself if it has that type already.

    Integers have no gradient: a conversion to them leaves the graph.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: the element type is unknown or not a real number.

    Example:
        >>> astype(Tensor([1.7, -1.7]), "int64")
        Tensor([ 1, -1], dtype=int64)
    """
    x = as_tensor(x)
    dtype = checks.element_type(dtype, "astype")
    if dtype == x.dtype:
        return x
    return AsType.apply(x if checks.is_floating(dtype) else x.detach(), dtype=dtype)


def to_float(x: Any) -> Tensor:
    """A floating-point tensor as it is, an integer or boolean one as float32."""
    x = as_tensor(x)
    return x if checks.is_floating(x.dtype) else astype(x, np.float32)


def common(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors in the element type in which they meet."""
    types = [t.dtype for t in tensors]
    if types.count(types[0]) == len(types):
        return tensors
    floats = [dtype for dtype in types if checks.is_floating(dtype)]
    if len({dtype for dtype in floats if checks.is_16_bit(dtype)}) > 1:
        floats = [np.dtype(np.float32) if checks.is_16_bit(dtype) else dtype for dtype in floats]
    dtype = np.result_type(*(floats or types))
    return tuple(astype(t, dtype) for t in tensors)


def operands(op: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    """Two operands as tensors of one element type; a scalar adopts the type of the other."""
    if is_scalar(a) and not is_scalar(b):
        b = as_tensor(b)
        a = _adopt(op, a, b.dtype)
    elif is_scalar(b):
        a = as_tensor(a)
        b = _adopt(op, b, a.dtype)
    return common(as_tensor(a), as_tensor(b))


def is_scalar(value: Any) -> bool:
    """A number of Python or NumPy, as opposed to an array or a tensor."""
    return isinstance(value, (bool, int, float, np.generic))


def _adopt(op: str, value: Any, dtype: np.dtype[Any]) -> Tensor:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and not checks.is_floating(dtype):
        dtype = np.dtype(np.float32)
    elif isinstance(value, int) and not isinstance(value, bool) and dtype.kind == "b":
        dtype = np.dtype(np.int64)
    try:
        return as_tensor(np.asarray(value, dtype))
    except OverflowError:
        raise ArgumentError(f"{op}: {value} does not fit into the other operand's element type {dtype}") from None
