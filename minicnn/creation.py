"""Tensors from nothing: constants, ranges, random numbers. float32 unless told otherwise."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.backend import generator, get_backend
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of `data`: numbers, nested lists, an array, or a tensor. The same as `Tensor(...)`.

    Python's floats become float32, its integers int64; arrays keep their element type.

    Raises:
        ShapeError: rows of different length.
        DtypeError: elements that are no real numbers, or a gradient is asked for integers.

    Example:
        >>> tensor([[1, 2], [3, 4]]).dtype
        dtype('int64')
    """
    return Tensor(data, requires_grad=requires_grad, dtype=dtype)


def zeros(*shape: int | Sequence[int], dtype: Any = np.float32, requires_grad: bool = False) -> Tensor:
    """All zero. The sizes are given one by one, or as one tuple.

    Raises:
        ArgumentError: a size is negative or no integer.
        DtypeError: the element type is unknown or not numeric.

    Example:
        >>> zeros(1, 3, 8, 8).shape == zeros((1, 3, 8, 8)).shape
        True
    """
    return full(_sizes("zeros", shape), 0, dtype, requires_grad)


def ones(*shape: int | Sequence[int], dtype: Any = np.float32, requires_grad: bool = False) -> Tensor:
    """All one. Arguments and errors as for `zeros`.

    Example:
        >>> ones(3)
        Tensor([1., 1., 1.], dtype=float32)
    """
    return full(_sizes("ones", shape), 1, dtype, requires_grad)


def full(shape: int | Sequence[int], value: float, dtype: Any = np.float32, requires_grad: bool = False) -> Tensor:
    """Every element is `value`. Errors as for `zeros`.

    Example:
        >>> full((2, 2), 7.0)
        Tensor([[7., 7.],
                [7., 7.]], dtype=float32)
    """
    array = get_backend().xp.full(_sizes("full", (shape,)), value, checks.element_type(dtype, "full"))
    return _leaf(array, requires_grad)


def zeros_like(x: Tensor, requires_grad: bool = False) -> Tensor:
    """All zero, of the shape and element type of `x`."""
    return full(x.shape, 0, x.dtype, requires_grad)


def ones_like(x: Tensor, requires_grad: bool = False) -> Tensor:
    """All one, of the shape and element type of `x`."""
    return full(x.shape, 1, x.dtype, requires_grad)


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> Tensor:
    """start, start + step, ... up to, but without, `stop`; `arange(n)` counts from 0 to n - 1.

    Integers give int64, floats float32, unless `dtype` says otherwise.

    Raises:
        ArgumentError: `step` is 0.

    Example:
        >>> arange(3)
        Tensor([0, 1, 2], dtype=int64)
        >>> arange(0, 1, 0.5)
        Tensor([0. , 0.5], dtype=float32)
    """
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ArgumentError(f"arange: the step from {start} to {stop} must not be 0")
    if dtype is None:
        dtype = np.int64 if all(hasattr(v, "__index__") for v in (start, stop, step)) else np.float32
    return _leaf(get_backend().xp.arange(start, stop, step, checks.element_type(dtype, "arange")), requires_grad=False)


def randn(*shape: int | Sequence[int], dtype: Any = np.float32, requires_grad: bool = False) -> Tensor:
    """Numbers from the standard normal distribution, repeatable with `minicnn.manual_seed`.

    Arguments and errors as for `zeros`; the element type must be a floating-point one.

    Example:
        >>> x = randn(2, 3)
        >>> x.shape, x.dtype
        ((2, 3), dtype('float32'))
    """
    dtype = checks.float_type(dtype, "randn")
    return _leaf(generator().standard_normal(_sizes("randn", shape)).astype(dtype), requires_grad)


def rand(*shape: int | Sequence[int], dtype: Any = np.float32, requires_grad: bool = False) -> Tensor:
    """Numbers from the uniform distribution, 0 <= x < 1, repeatable with `minicnn.manual_seed`.

    Arguments and errors as for `randn`.

    Example:
        >>> bool((rand(100) < 1).numpy().all())
        True
    """
    dtype = checks.float_type(dtype, "rand")
    return _leaf(generator().random(_sizes("rand", shape), dtype), requires_grad)


def _leaf(array: Array, requires_grad: bool) -> Tensor:
    return Tensor.wrap(get_backend().asarray(array)).requires_grad_(requires_grad)


def _sizes(function: str, shape: Sequence[Any]) -> tuple[int, ...]:
    """The sizes of `f(2, 3)`, and those of `f((2, 3))`."""
    given = shape[0] if len(shape) == 1 and not hasattr(shape[0], "__index__") else shape
    try:
        sizes = tuple(operator.index(size) for size in given)
    except TypeError:
        raise ArgumentError(f"{function}: a shape is made of integers, not {given!r}") from None
    if any(size < 0 for size in sizes):
        raise ArgumentError(f"{function}: sizes cannot be negative; the shape is {sizes}")
    return sizes
