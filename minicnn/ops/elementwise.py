"""Functions of one tensor, element by element, and choices between two.

Logarithms of 0 and roots of negative numbers give Inf and NaN without a warning; `minicnn.detect_anomaly` finds them.
"""

from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.backend import get_backend
from minicnn.errors import ArgumentError, DtypeError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.ops.autocast import cast
from minicnn.ops.broadcasting import Broadcasting, broadcast_shape, fitting, unbroadcast
from minicnn.ops.dtype import to_float


class Exp(Function):
    """y = e^x: dx = dy y."""

    def forward(self, x: Array) -> Array:
        y = get_backend().basics.exp(x)
        self.save(y)
        return y

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        (y,) = self.saved
        return (get_backend().basics.multiply(dy, y),)


class Log(Function):
    """y = log x: dx = dy / x."""

    def forward(self, x: Array) -> Array:
        self.save(x)
        return get_backend().basics.log(x)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        (x,) = self.saved
        return (get_backend().basics.divide(dy, x),)


class Sqrt(Function):
    """y = sqrt x: dx = dy / (2 y)."""

    def forward(self, x: Array) -> Array:
        y = get_backend().basics.sqrt(x)
        self.save(y)
        return y

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        (y,) = self.saved
        return (dy / (2 * y),)


class Abs(Function):
    """y = |x|: dx = dy sign(x), which is 0 at x = 0."""

    def forward(self, x: Array) -> Array:
        self.save(x)
        return get_backend().basics.absolute(x)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        (x,) = self.saved
        return (get_backend().basics.multiply(dy, array_module(x).sign(x)),)


class Clip(Function):
    """y = x moved into [low, high]: dx = dy where x was inside or on the border, else 0."""

    def forward(self, x: Array, *, low: float, high: float) -> Array:
        self.inside = (x >= low) & (x <= high)
        return array_module(x).clip(x, low, high).astype(x.dtype, copy=False)  # of bfloat16 NumPy makes float32

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        return (dy * self.inside,)


class Where(Function):
    """y = a where the condition holds, else b: da = dy there, db = dy elsewhere."""

    def forward(self, condition: Array, a: Array, b: Array) -> Array:
        self.save(condition)
        return array_module(condition).where(condition, a, b)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        (condition,) = self.saved
        (_, a, b), (_, a_needed, b_needed) = self.input_shapes, self.needs
        da = unbroadcast(dy * condition, a) if a_needed else None
        db = unbroadcast(dy * ~condition, b) if b_needed else None
        return None, da, db


class Maximum(Broadcasting):
    """y = max(a, b): dy goes to the larger one, and half to each where they are equal."""

    def forward(self, a: Array, b: Array) -> Array:
        self.save(a, b)
        return get_backend().basics.maximum(a, b)

    def da(self, dy: Array) -> Array:
        a, b = self.saved
        return dy * share_of_larger(a, b)

    def db(self, dy: Array) -> Array:
        a, b = self.saved
        return dy * share_of_larger(b, a)


class Minimum(Broadcasting):
    """y = min(a, b): dy goes to the smaller one, and half to each where they are equal."""

    def forward(self, a: Array, b: Array) -> Array:
        self.save(a, b)
        return get_backend().basics.minimum(a, b)

    def da(self, dy: Array) -> Array:
        a, b = self.saved
        return dy * share_of_larger(b, a)

    def db(self, dy: Array) -> Array:
        a, b = self.saved
        return dy * share_of_larger(a, b)


def share_of_larger(a: Array, b: Array) -> Array:
    """1 where a > b, 1/2 where a = b, else 0."""
    return ((a > b).astype(a.dtype) + (a >= b)) / 2


def exp(x: Tensor) -> Tensor:
    """e^x. Here and below, integers are converted to float32 first.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x is no tensor, and holds something else than numbers.

    Example:
        >>> exp(Tensor([0.0, 1.0])).numpy().round(4)
        array([1.    , 2.7183], dtype=float32)
    """
    return Exp.apply(*cast("exp", to_float(x)))


def log(x: Tensor) -> Tensor:
    """Natural logarithm: -Inf at 0, NaN below.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x is no tensor, and holds something else than numbers.

    Example:
        >>> log(Tensor([1.0, 10.0])).numpy().round(4)
        array([0.    , 2.3026], dtype=float32)
    """
    return Log.apply(*cast("log", to_float(x)))


def sqrt(x: Tensor) -> Tensor:
    """Square root: NaN below 0. Its gradient is infinite at 0: add a small number first, sqrt(x + 1e-12).

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x is no tensor, and holds something else than numbers.

    Example:
        >>> sqrt(Tensor([4.0, 9.0]))
        Tensor([2., 3.], dtype=float32)
    """
    return Sqrt.apply(to_float(x))


def abs(x: Tensor) -> Tensor:  # the name that NumPy and PyTorch use, too
    """|x|. At 0 the gradient is 0, a subgradient.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x is no tensor, and holds something else than numbers.

    Example:
        >>> abs(Tensor([-1.0, 2.0]))
        Tensor([1., 2.], dtype=float32)
    """
    return Abs.apply(x)


def clip(x: Tensor, low: float | None = None, high: float | None = None) -> Tensor:
    """x, moved into the range from `low` to `high`; None leaves that side open.

    Outside the range the gradient is 0, inside and on the border 1. The bounds are numbers and get none: for bounds that
    are tensors there are `maximum` and `minimum`.

    Shapes:
        x: any; the result has the same.

    Raises:
        ArgumentError: no bound is given, one is no number (or NaN), or `low` exceeds `high`.

    Example:
        >>> clip(Tensor([-2.0, 0.5, 9.0]), 0.0, 6.0)        # ReLU6
        Tensor([0. , 0.5, 6. ], dtype=float32)
    """
    if low is None and high is None:
        raise ArgumentError("clip: give a lower bound, an upper bound, or both")
    low, high = _bound(low, "lower", "maximum", -np.inf), _bound(high, "upper", "minimum", np.inf)
    if low > high:
        raise ArgumentError(f"clip: the lower bound {low} exceeds the upper bound {high}")
    return Clip.apply(to_float(x), low=low, high=high)


def _bound(value: Any, side: str, instead: str, default: float) -> float:
    if isinstance(value, Tensor):
        raise ArgumentError(f"clip: the {side} bound must be a number; for a Tensor, which may want a gradient, use {instead}(x, bound)")
    return default if value is None else checks.real(value, f"clip: the {side} bound")


def where(condition: Any, a: Any, b: Any) -> Tensor:
    """a where the condition holds, else b; all three broadcast.

    The side that is not chosen gets the gradient 0. If that side is computed by something that is infinite there, the
    gradient becomes 0 × Inf = NaN: choose the *input* of such a function instead.

    Shapes:
        condition, a, b: any three that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: the condition is not boolean, or a side is neither a tensor nor numbers.
        ArgumentError: a number does not fit into the element type of the other side.

    Example:
        >>> x = Tensor([-1.0, 2.0])
        >>> where(x > 0, x, 0.1 * x)        # leaky ReLU
        Tensor([-0.1,  2. ], dtype=float32)
    """
    condition = as_tensor(condition)
    if condition.dtype.kind != "b":
        raise DtypeError(f"where: the condition must be boolean, such as x > 0; this one is {condition.dtype}")
    a, b = fitting("where", a, b)
    broadcast_shape("where", condition.shape, broadcast_shape("where", a.shape, b.shape))
    return Where.apply(condition, a, b)


def maximum(a: Any, b: Any) -> Tensor:
    """The larger of two, element by element. Where they are equal, each gets half of the gradient.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.
        ArgumentError: a number does not fit into the element type of the other operand.

    Example:
        >>> maximum(Tensor([-1.0, 2.0]), 0.0)
        Tensor([0., 2.], dtype=float32)
    """
    return Maximum.apply(*fitting("maximum", a, b))


def minimum(a: Any, b: Any) -> Tensor:
    """The smaller of two, element by element. Where they are equal, each gets half of the gradient.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.
        ArgumentError: a number does not fit into the element type of the other operand.

    Example:
        >>> minimum(Tensor([-1.0, 2.0]), 0.0)
        Tensor([-1.,  0.], dtype=float32)
    """
    return Minimum.apply(*fitting("minimum", a, b))
