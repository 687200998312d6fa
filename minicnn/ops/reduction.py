"""Sums, means, variances, extremes: operations that reduce one or several axes to one number each.

Common arguments: `axis` is an index, a sequence of them, or None for all; with `keepdims` the reduced axes stay, with
size 1. In the rules of the gradients, n is the number of elements that are reduced to one.
"""

import math
from collections.abc import Sequence
from typing import Any

from minicnn import checks
from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.backend import get_backend
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.ops import axis as axes_of
from minicnn.ops.autocast import cast
from minicnn.ops.dtype import to_float
from minicnn.ops.elementwise import sqrt


class Reduction(Function):
    """Computes with the reduced axes kept, at size 1, so that everything broadcasts against x; drops them at the end."""

    def forward(self, x: Array, *, axes: tuple[int, ...], keepdims: bool, **_: Any) -> Array:
        y = self.reduce(x, axes)
        self.kept_shape = y.shape
        return y if keepdims else y.reshape([size for i, size in enumerate(x.shape) if i not in axes])

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        return (self.spread(dy.reshape(self.kept_shape)),)

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        """y, with the reduced axes at size 1."""
        raise NotImplementedError

    def spread(self, dy: Array) -> Array:
        """dx, from dy with the reduced axes at size 1."""
        raise NotImplementedError


class Sum(Reduction):
    """y = Σ x: every element gets dx = dy."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        return get_backend().basics.sum_over(x, axes)

    def spread(self, dy: Array) -> Array:
        return array_module(dy).broadcast_to(dy, self.input_shapes[0])


class Mean(Reduction):
    """y = Σ x / n: every element gets dx = dy / n."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        self.n = math.prod(x.shape[i] for i in axes)
        return get_backend().basics.mean_over(x, axes)

    def spread(self, dy: Array) -> Array:
        return array_module(dy).broadcast_to(dy / self.n, self.input_shapes[0])


class Var(Reduction):
    """y = Σ (x - mu)² / (n - correction): dx = 2 dy (x - mu) / (n - correction).

    Nothing comes through mu, whose gradient is proportional to Σ (x - mu) = 0.
    """

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        self.divisor = math.prod(x.shape[i] for i in axes) - self.attributes["correction"]
        basics = get_backend().basics
        difference = basics.subtract(x, basics.mean_over(x, axes))
        self.save(difference)
        return basics.sum_product(difference, difference, axes) / self.divisor

    def spread(self, dy: Array) -> Array:
        (difference,) = self.saved
        return get_backend().basics.multiply(dy * dy.dtype.type(2 / self.divisor), difference)


class Max(Reduction):
    """y = max x: dy goes to the element that was taken, in equal parts if several tie."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        y = x.max(axis=axes, keepdims=True)
        self.share = equal_parts(x == y, axes, x.dtype) if self.needs[0] else None
        return y

    def spread(self, dy: Array) -> Array:
        return dy * self.share


class Min(Reduction):
    """y = min x: dy goes to the element that was taken, in equal parts if several tie."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        y = x.min(axis=axes, keepdims=True)
        self.share = equal_parts(x == y, axes, x.dtype) if self.needs[0] else None
        return y

    def spread(self, dy: Array) -> Array:
        return dy * self.share


def equal_parts(taken: Array, axes: tuple[int, ...], dtype: Any) -> Array:
    """1/k for each of the k elements that tie, else 0."""
    return taken / taken.sum(axis=axes, keepdims=True, dtype=dtype)


class LogSumExp(Reduction):
    """y = log Σ e^x = m + log Σ e^(x - m) with m = max x, which cannot overflow: dx = dy e^(x - y), the softmax."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        xp = array_module(x)
        m = x.max(axis=axes, keepdims=True)
        y = m + xp.log(xp.exp(x - m).sum(axis=axes, keepdims=True))
        self.save(x, y)
        return y

    def spread(self, dy: Array) -> Array:
        x, y = self.saved
        return dy * array_module(x).exp(x - y)


def sum(x: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Σ x. Booleans are counted: `(prediction == label).sum()`.

    Shapes:
        x: any; the result lacks the axes that are reduced, or has them with size 1 if `keepdims` is true.

    Raises:
        ShapeError: there is no such axis.
        ArgumentError: an axis is no integer, or is given twice.

    Example:
        >>> sum(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
        Tensor([4., 6.], dtype=float32)
    """
    (x,) = cast("sum", as_tensor(x))
    return Sum.apply(x, axes=axes_of.several("sum", axis, x.ndim), keepdims=keepdims)


def mean(x: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Σ x / n. Integers and booleans are averaged as float32: `(prediction == label).mean()` is an accuracy.

    Shapes:
        x: any; the result lacks the axes that are reduced, or has them with size 1 if `keepdims` is true.

    Raises:
        ShapeError: there is no such axis, or no element to average.
        ArgumentError: an axis is no integer, or is given twice.

    Example:
        >>> mean(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=(0, 1))
        Tensor(2.5, dtype=float32)
    """
    (x,) = cast("mean", to_float(x))
    return Mean.apply(x, axes=_not_empty("mean", x, axis), keepdims=keepdims)


def var(x: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False, correction: int = 0) -> Tensor:
    """Σ (x - mean)² / (n - correction). Batch norm normalises with `correction=0`; `correction=1` is unbiased.

    Shapes:
        x: any; the result lacks the axes that are reduced, or has them with size 1 if `keepdims` is true.

    Raises:
        ShapeError: there is no such axis, or no element.
        ArgumentError: an axis is no integer, or is given twice; `correction` is no integer >= 0, or n - correction is not positive.

    Example:
        >>> var(Tensor([1.0, 2.0, 3.0])), var(Tensor([1.0, 2.0, 3.0]), correction=1)
        (Tensor(0.6666667, dtype=float32), Tensor(1., dtype=float32))
    """
    (x,) = cast("var", to_float(x))
    axes = _not_empty("var", x, axis)
    n, correction = math.prod(x.shape[i] for i in axes), checks.integer(correction, "var: correction", least=0)
    if n - correction <= 0:
        raise ArgumentError(
            f"var: {n} element(s) less the correction {correction} leave nothing to divide by; x is {x.shape}, axis {axis}"
        )
    return Var.apply(x, axes=axes, keepdims=keepdims, correction=correction)


def std(x: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False, correction: int = 0) -> Tensor:
    """sqrt(var(x)); its gradient is infinite where all elements are equal. Arguments as for `var`.

    Shapes:
        x: any; the result lacks the axes that are reduced, or has them with size 1 if `keepdims` is true.

    Raises:
        ShapeError: there is no such axis, or no element.
        ArgumentError: an axis is no integer, or is given twice; `correction` is no integer >= 0, or n - correction is not positive.

    Example:
        >>> std(Tensor([1.0, 3.0]))
        Tensor(1., dtype=float32)
    """
    return sqrt(var(x, axis, keepdims, correction))


def max(x: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Largest element. If several tie, each gets an equal part of the gradient: a subgradient that favours none.

    Shapes:
        x: any; the result lacks the axes that are reduced, or has them with size 1 if `keepdims` is true.

    Raises:
        ShapeError: there is no such axis, or no element.
        ArgumentError: an axis is no integer, or is given twice.

    Example:
        >>> x = Tensor([3.0, 1.0, 3.0], requires_grad=True)
        >>> max(x).backward()
        >>> x.grad
        Tensor([0.5, 0. , 0.5], dtype=float32)
    """
    x = as_tensor(x)
    return Max.apply(x, axes=_not_empty("max", x, axis), keepdims=keepdims)


def min(x: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Smallest element. If several tie, each gets an equal part of the gradient, as for `max`.

    Shapes:
        x: any; the result lacks the axes that are reduced, or has them with size 1 if `keepdims` is true.

    Raises:
        ShapeError: there is no such axis, or no element.
        ArgumentError: an axis is no integer, or is given twice.

    Example:
        >>> min(Tensor([[3.0, 1.0], [0.0, 2.0]]), axis=1)
        Tensor([1., 0.], dtype=float32)
    """
    x = as_tensor(x)
    return Min.apply(x, axes=_not_empty("min", x, axis), keepdims=keepdims)


def logsumexp(x: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """log Σ e^x without overflow: a smooth maximum, and the normaliser of a softmax.

    Shapes:
        x: any; the result lacks the axes that are reduced, or has them with size 1 if `keepdims` is true.

    Raises:
        ShapeError: there is no such axis, or no element.
        ArgumentError: an axis is no integer, or is given twice.

    Example:
        >>> round(logsumexp(Tensor([1000.0, 1000.0])).item(), 3)
        1000.693
    """
    (x,) = cast("logsumexp", to_float(x))
    return LogSumExp.apply(x, axes=_not_empty("logsumexp", x, axis), keepdims=keepdims)


def argmax(x: Tensor, axis: int | None = None) -> Tensor:
    """Index of the largest element along `axis` (of the flattened tensor if None), the first if several tie.

    An integer tensor, without a gradient.

    Shapes:
        x: any; the result lacks `axis`, or has no axis at all if that is None.

    Raises:
        ShapeError: there is no such axis, or no element.
        ArgumentError: `axis` is no integer.

    Example:
        >>> argmax(Tensor([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]), axis=1)
        Tensor([1, 0], dtype=int64)
    """
    x = as_tensor(x)
    _not_empty("argmax", x, axis)
    return as_tensor(x.data.argmax(axis=None if axis is None else axes_of.one("argmax", axis, x.ndim)))


def _not_empty(op: str, x: Tensor, axis: int | Sequence[int] | None) -> tuple[int, ...]:
    """The axes to reduce, after a check that they hold elements."""
    axes = axes_of.several(op, axis, x.ndim)
    if any(x.shape[i] == 0 for i in axes):
        raise ShapeError(f"{op}: no element along axis {axis} of a tensor of shape {x.shape}: an empty batch?")
    return axes
