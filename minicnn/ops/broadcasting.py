"""Operations on two tensors whose shapes need not be equal, only fit: NumPy's broadcasting, and its transpose.

Shapes are aligned at the last axis. Where one of them has size 1, or no axis at all, it is repeated to the other's size.
"""

from collections.abc import Sequence
from typing import Any

from minicnn.autograd import Function, Tensor
from minicnn.backend import get_backend
from minicnn.errors import ShapeError
from minicnn.kernels.types import Array
from minicnn.ops.dtype import operands


class Broadcasting(Function):
    """y = f(a, b), element by element. Subclasses give the gradients, as `da` and `db`: in the shape of y, or already summed to that of the operand."""

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        rules = zip((self.da, self.db), self.input_shapes, self.needs, strict=True)
        return tuple(unbroadcast(rule(dy), shape) if needed else None for rule, shape, needed in rules)

    def da(self, dy: Array) -> Array:
        """Gradient of the first operand, before repeated axes are summed."""
        raise NotImplementedError

    def db(self, dy: Array) -> Array:
        """Gradient of the second operand, before repeated axes are summed."""
        raise NotImplementedError


def unbroadcast(dy: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which an array of `shape` was repeated to that of `dy`: each copy sends its gradient back.

    >>> import numpy as np
    >>> unbroadcast(np.ones((4, 2, 3)), (2, 1))
    array([[12.],
           [12.]])
    """
    return dy if dy.shape == shape else get_backend().basics.sum_over(dy, repeated(shape, dy.ndim)).reshape(shape)


def unbroadcast_product(dy: Array, factor: Array, shape: tuple[int, ...]) -> Array:
    """unbroadcast(dy * factor, shape), where the backend can without writing the product to memory.

    >>> import numpy as np
    >>> unbroadcast_product(np.ones((4, 2, 3)), np.full((4, 2, 3), 2.0), (2, 1))
    array([[24.],
           [24.]])
    """
    basics = get_backend().basics
    return basics.multiply(dy, factor) if dy.shape == shape else basics.sum_product(dy, factor, repeated(shape, dy.ndim)).reshape(shape)


def repeated(shape: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """The axes, of `ndim`, along which an array of `shape` may be repeated.

    >>> repeated((2, 1), 3)
    (0, 2)
    """
    new = ndim - len(shape)
    return tuple(range(new)) + tuple(new + i for i, size in enumerate(shape) if size == 1)


def fitting(op: str, a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """The operands as tensors of one element type, after a check that their shapes fit."""
    a, b = operands(op, a, b)
    broadcast_shape(op, a.shape, b.shape)
    return a, b


def broadcast_shape(op: str, a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    """The shape to which two shapes broadcast.

    >>> broadcast_shape("add", (8, 1, 5), (3, 1))
    (8, 3, 5)

    Raises:
        ShapeError: they do not fit; names both, and the axis.
    """
    ndim = max(len(a), len(b))
    long_a, long_b = (1,) * (ndim - len(a)) + tuple(a), (1,) * (ndim - len(b)) + tuple(b)
    for axis in range(-1, -ndim - 1, -1):
        m, n = long_a[axis], long_b[axis]
        if m != n and 1 not in (m, n):
            raise ShapeError(
                f"{op}: shapes {tuple(a)} and {tuple(b)} do not fit together: axis {axis} has size {m} in one and {n} in "
                f"the other; aligned at the last axis, sizes must be equal, or one of them 1{_bias_hint(tuple(a), tuple(b))}"
            )
    return tuple(m if n == 1 else n for m, n in zip(long_a, long_b, strict=True))


def _bias_hint(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """The usual cause with images: one value per channel, without the axes of the pixels."""
    images, values = (a, b) if len(a) > len(b) else (b, a)
    if len(images) == 4 and values == (images[1],):
        return f"; one value per channel needs the shape {(*values, 1, 1)}"
    return ""
