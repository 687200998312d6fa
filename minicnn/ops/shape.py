"""The same elements in another arrangement of axes. Nothing is computed, and nothing copied unless it must be."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.ops import axis as axes_of
from minicnn.ops.broadcasting import broadcast_shape, unbroadcast


class Reshape(Function):
    """y = x in another shape: dx = dy in the shape of x."""

    is_view = True

    def forward(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        self.x_shape = x.shape
        return x.reshape(shape)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        return (dy.reshape(self.x_shape),)


class Transpose(Function):
    """y has axis axes[i] of x as its axis i: dx is dy in the inverse order."""

    is_view = True

    def forward(self, x: Array, *, axes: tuple[int, ...]) -> Array:
        return x.transpose(axes)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        axes = self.attributes["axes"]
        return (dy.transpose(sorted(range(len(axes)), key=axes.__getitem__)),)


class BroadcastTo(Function):
    """y repeats x along axes of size 1: dx sums dy over the copies."""

    is_view = True

    def forward(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        self.x_shape = x.shape
        return array_module(x).broadcast_to(x, shape)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        return (unbroadcast(dy, self.x_shape),)


def reshape(x: Tensor, shape: int | Sequence[int]) -> Tensor:
    """The same elements, read row by row, in another shape. One size may be -1: what remains for it is computed.

    Shapes:
        x: any; the result has the shape `shape`.

    Raises:
        ShapeError: the shape does not hold as many elements as `x`, or has more than one -1.
        ArgumentError: a size is no integer.

    Example:
        >>> reshape(Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), (3, -1))
        Tensor([[1., 2.],
                [3., 4.],
                [5., 6.]], dtype=float32)
    """
    x = as_tensor(x)
    sizes = _sizes("reshape", shape)
    known = math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) > 1 or any(size < -1 for size in sizes):
        raise ShapeError(f"reshape: sizes are 0 or more, and only one of them may be -1; given {sizes}")
    has = f"reshape: {x.shape} has {x.size} elements"
    if -1 in sizes and (known == 0 or x.size % known):
        raise ShapeError(f"{has}, which cannot be divided into {sizes}: {known} does not divide {x.size}")
    if -1 not in sizes and known != x.size:
        raise ShapeError(f"{has}, but {sizes} needs {known}")
    return Reshape.apply(x, shape=tuple(x.size // known if size == -1 else size for size in sizes))


def flatten(x: Tensor, start: int = 0) -> Tensor:
    """All axes from `start` on as one; `flatten(x, 1)` turns each image of a batch into a row.

    Shapes:
        x: any; with start = 1, (N, C, H, W) becomes (N, C H W). A single number becomes (1,).

    Raises:
        ShapeError: there is no axis `start`.
        ArgumentError: `start` is no integer.

    Example:
        >>> import minicnn
        >>> flatten(minicnn.zeros(8, 16, 5, 5), 1).shape
        (8, 400)
    """
    x = as_tensor(x)
    start = axes_of.one("flatten", start, x.ndim) if x.ndim else 0
    return Reshape.apply(x, shape=(*x.shape[:start], math.prod(x.shape[start:])))


def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in the given order; in reverse order if none is given.

    Shapes:
        x: any; axis i of the result is axis axes[i] of x.

    Raises:
        ShapeError: there is no such axis.
        ArgumentError: not every axis is named exactly once.

    Example:
        >>> import minicnn
        >>> transpose(minicnn.zeros(8, 3, 32, 40), (0, 2, 3, 1)).shape      # NCHW to NHWC
        (8, 32, 40, 3)
    """
    x = as_tensor(x)
    if axes is None:
        return Transpose.apply(x, axes=tuple(reversed(range(x.ndim))))
    given = axes[0] if len(axes) == 1 and isinstance(axes[0], Sequence) else axes
    order = tuple(axes_of.one("transpose", a, x.ndim) for a in given)
    if sorted(order) != list(range(x.ndim)):
        raise ArgumentError(f"transpose: each axis of {x.shape} must be named exactly once; the order is {tuple(given)}")
    return Transpose.apply(x, axes=order)


def squeeze(x: Tensor, axis: int | Sequence[int] | None = None) -> Tensor:
    """Without the axes of size 1, or without those in `axis`.

    Shapes:
        x: any; (8, 10, 1, 1) becomes (8, 10).

    Raises:
        ShapeError: an axis in `axis` does not exist, or its size is not 1.
        ArgumentError: an axis is no integer, or is given twice.

    Example:
        >>> import minicnn
        >>> squeeze(minicnn.zeros(8, 10, 1, 1)).shape
        (8, 10)
    """
    x = as_tensor(x)
    gone = [i for i in axes_of.several("squeeze", axis, x.ndim) if axis is not None or x.shape[i] == 1]
    for i in gone:
        if x.shape[i] != 1:
            raise ShapeError(f"squeeze: axis {i} of {x.shape} has size {x.shape[i]}; only size 1 can be dropped")
    return Reshape.apply(x, shape=tuple(size for i, size in enumerate(x.shape) if i not in gone))


def unsqueeze(x: Tensor, axis: int) -> Tensor:
    """With a new axis of size 1, which is axis number `axis` of the result.

    Shapes:
        x: any; the result has one axis more.

    Raises:
        ShapeError: the result would have no such axis.
        ArgumentError: `axis` is no integer.

    Example:
        >>> import minicnn
        >>> unsqueeze(minicnn.zeros(28, 28), 0).shape
        (1, 28, 28)
    """
    x = as_tensor(x)
    axis = axes_of.one("unsqueeze", axis, x.ndim + 1)
    return Reshape.apply(x, shape=(*x.shape[:axis], 1, *x.shape[axis:]))


def broadcast_to(x: Tensor, shape: Sequence[int]) -> Tensor:
    """`x`, repeated along its axes of size 1 and along new axes in front. The result cannot be edited.

    Shapes:
        x: any that broadcasts to `shape`, which the result has.

    Raises:
        ShapeError: `x` does not broadcast to that shape.
        ArgumentError: a size is no integer.

    Example:
        >>> broadcast_to(Tensor([1.0, 2.0]), (3, 2)).shape
        (3, 2)
    """
    x = as_tensor(x)
    sizes = _sizes("broadcast_to", shape)
    if broadcast_shape("broadcast_to", x.shape, sizes) != sizes:
        raise ShapeError(f"broadcast_to: {x.shape} cannot be repeated to {sizes}: it has fewer or smaller axes")
    return BroadcastTo.apply(x, shape=sizes)


def _sizes(op: str, shape: Any) -> tuple[int, ...]:
    try:
        sizes = shape if isinstance(shape, (Sequence, np.ndarray)) else (shape,)
        return tuple(operator.index(size) for size in sizes)
    except TypeError:
        raise ArgumentError(f"{op}: a shape is made of integers, not {shape!r}") from None
