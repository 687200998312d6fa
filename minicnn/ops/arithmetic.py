"""Sum, difference, product, quotient, power: elementwise, with broadcasting.

Every docstring gives the rule of the gradients; `Broadcasting` sums them over repeated axes.
"""

from typing import Any

import numpy as np

from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.autograd.total import total
from minicnn.backend import get_backend
from minicnn.errors import ArgumentError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.ops.autocast import cast
from minicnn.ops.broadcasting import Broadcasting, fitting, unbroadcast_product
from minicnn.ops.dtype import astype, operands, to_float


class Add(Broadcasting):
    """y = a + b: da = dy, db = dy."""

    def forward(self, a: Array, b: Array) -> Array:
        return total(a, b)

    def da(self, dy: Array) -> Array:
        return dy

    def db(self, dy: Array) -> Array:
        return dy


class Subtract(Broadcasting):
    """y = a - b: da = dy, db = -dy."""

    def forward(self, a: Array, b: Array) -> Array:
        return get_backend().basics.subtract(a, b)

    def da(self, dy: Array) -> Array:
        return dy

    def db(self, dy: Array) -> Array:
        return get_backend().basics.negative(dy)


class Multiply(Broadcasting):
    """y = a b: da = dy b, db = dy a. Each factor is kept only if the other's gradient is wanted."""

    def forward(self, a: Array, b: Array) -> Array:
        self.save(a if self.needs[1] else None, b if self.needs[0] else None)
        return get_backend().basics.multiply(a, b)

    def da(self, dy: Array) -> Array:
        _, b = self.saved
        return unbroadcast_product(dy, b, self.input_shapes[0])

    def db(self, dy: Array) -> Array:
        a, _ = self.saved
        return unbroadcast_product(dy, a, self.input_shapes[1])


class Divide(Broadcasting):
    """y = a / b: da = dy / b, db = -dy a / b²."""

    def forward(self, a: Array, b: Array) -> Array:
        self.save(a if self.needs[1] else None, b)
        return get_backend().basics.divide(a, b)

    def da(self, dy: Array) -> Array:
        _, b = self.saved
        return get_backend().basics.divide(dy, b)

    def db(self, dy: Array) -> Array:
        a, b = self.saved
        return -dy * (a / b) / b


class Power(Broadcasting):
    """y = a^b: da = dy b a^(b-1), db = dy y log a; the factor 0 wins where b or a is 0."""

    def forward(self, a: Array, b: Array) -> Array:
        y = a**b
        self.save(a, b, y if self.needs[1] else None)
        return y

    def da(self, dy: Array) -> Array:
        a, b, _ = self.saved
        xp = array_module(a)
        return dy * b * a ** xp.where(b == 0, 1, b - 1).astype(b.dtype)

    def db(self, dy: Array) -> Array:
        a, _, y = self.saved
        xp = array_module(a)
        return dy * y * xp.log(xp.where(a == 0, 1, a).astype(a.dtype))


class Negative(Function):
    """y = -x: dx = -dy."""

    def forward(self, x: Array) -> Array:
        return get_backend().basics.negative(x)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        return (get_backend().basics.negative(dy),)


def add(a: Any, b: Any) -> Tensor:
    """a + b. One of the two, here and below, may be a number or an array.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.
        ArgumentError: a number does not fit into the element type of the other operand.

    Example:
        >>> add(Tensor([[1.0], [2.0]]), Tensor([10.0, 20.0, 30.0]))
        Tensor([[11., 21., 31.],
                [12., 22., 32.]], dtype=float32)
    """
    return Add.apply(*_numbers("add", a, b))


def subtract(a: Any, b: Any) -> Tensor:
    """a - b, element by element.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.
        ArgumentError: a number does not fit into the element type of the other operand.

    Example:
        >>> subtract(1.0, Tensor([0.25, 0.5]))
        Tensor([0.75, 0.5 ], dtype=float32)
    """
    return Subtract.apply(*_numbers("subtract", a, b))


def multiply(a: Any, b: Any) -> Tensor:
    """a b, element by element.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.
        ArgumentError: a number does not fit into the element type of the other operand.

    Example:
        >>> multiply(Tensor([1.0, 2.0]), 3)
        Tensor([3., 6.], dtype=float32)
    """
    return Multiply.apply(*_numbers("multiply", a, b))


def divide(a: Any, b: Any) -> Tensor:
    """a / b, element by element. Integers are divided as float32.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.
        ArgumentError: a number does not fit into the element type of the other operand.

    Example:
        >>> divide(Tensor([1, 2]), Tensor([2, 4]))
        Tensor([0.5, 0.5], dtype=float32)
    """
    a, b = operands("divide", a, b)
    return Divide.apply(*fitting("divide", to_float(a), to_float(b)))


def power(a: Any, b: Any) -> Tensor:
    """a to the power of b.

    Where a < 0, the result is a number for integers b only, and has no gradient with respect to b (it is NaN).

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.
        ArgumentError: an integer to a negative power: no integer; or a number does not fit into the element type of the other operand.

    Example:
        >>> power(Tensor([1.0, 2.0, 3.0]), 2)
        Tensor([1., 4., 9.], dtype=float32)
    """
    a, b = cast("power", *_numbers("power", a, b))
    if a.dtype.kind in "iu" and bool((b.data < 0).any()):
        raise ArgumentError("power: an integer to a negative power is no integer; convert the base with astype('float32')")
    return Power.apply(a, b)


def negative(x: Any) -> Tensor:
    """-x.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x is no tensor, and holds something else than numbers.

    Example:
        >>> negative(Tensor([1.0, -2.0]))
        Tensor([-1.,  2.], dtype=float32)
    """
    return Negative.apply(_number(as_tensor(x)))


def _numbers(op: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    return tuple(_number(t) for t in fitting(op, a, b))


def _number(x: Tensor) -> Tensor:
    """Booleans count as the integers 0 and 1."""
    return astype(x, np.int64) if x.dtype.kind == "b" else x
