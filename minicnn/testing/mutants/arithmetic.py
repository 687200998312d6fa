"""Mistakes in arithmetic and in elementwise functions."""

from typing import Any

import numpy as np

from minicnn.kernels.types import Array
from minicnn.ops import broadcasting
from minicnn.ops.arithmetic import Divide, Multiply, Negative, Power, Subtract
from minicnn.ops.elementwise import Abs, Clip, Exp, Log, Maximum, Sqrt, Where
from minicnn.testing.mutants.mutant import Gradients, wrong_method


@wrong_method("add", broadcasting, "unbroadcast")
def not_unbroadcast(dy: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of a repeated operand is not summed over its copies."""
    return dy


@wrong_method("add", broadcasting, "unbroadcast")
def averaged_over_copies(dy: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of a repeated operand is averaged over its copies."""
    new = dy.ndim - len(shape)
    repeated = tuple(range(new)) + tuple(new + i for i, size in enumerate(shape) if size == 1)
    return dy.mean(axis=repeated).reshape(shape)


@wrong_method("subtract", Subtract, "db")
def sign_forgotten(self: Any, dy: Array) -> Array:
    """The second operand's gradient has the wrong sign."""
    return dy


@wrong_method("multiply", Multiply, "da")
def own_factor(self: Any, dy: Array) -> Array:
    """A factor's gradient is multiplied by itself, not by the other factor."""
    a, _ = self.saved
    return dy * a


@wrong_method("divide", Divide, "db")
def divisor_sign(self: Any, dy: Array) -> Array:
    """The divisor's gradient has the wrong sign."""
    a, b = self.saved
    return dy * (a / b) / b


@wrong_method("divide", Divide, "db")
def divided_once(self: Any, dy: Array) -> Array:
    """Divided by b instead of b²."""
    a, b = self.saved
    return -dy * (a / b)


@wrong_method("power", Power, "da")
def exponent_not_lowered(self: Any, dy: Array) -> Array:
    """The exponent is not lowered by one."""
    a, b, _ = self.saved
    return dy * b * a**b


@wrong_method("negative", Negative, "backward")
def negation_forgotten(self: Any, dy: Array) -> Gradients:
    """The gradient passes unchanged."""
    return (dy,)


@wrong_method("exp", Exp, "backward")
def argument_for_result(self: Any, dy: Array) -> Gradients:
    """Multiplied by log y, which is x, instead of y."""
    (y,) = self.saved
    return (dy * np.log(y),)


@wrong_method("log", Log, "backward")
def multiplied(self: Any, dy: Array) -> Gradients:
    """Multiplied by x instead of divided."""
    (x,) = self.saved
    return (dy * x,)


@wrong_method("sqrt", Sqrt, "backward")
def half_missing(self: Any, dy: Array) -> Gradients:
    """The factor 1/2 is missing."""
    (y,) = self.saved
    return (dy / y,)


@wrong_method("abs", Abs, "backward")
def sign_of_x_forgotten(self: Any, dy: Array) -> Gradients:
    """The sign of x is forgotten."""
    return (dy,)


@wrong_method("clip", Clip, "backward")
def flows_outside(self: Any, dy: Array) -> Gradients:
    """The gradient flows outside of the bounds, too."""
    return (dy,)


@wrong_method("where", Where, "backward")
def both_sides(self: Any, dy: Array) -> Gradients:
    """Both sides get the whole gradient."""
    _, a, b = self.input_shapes
    return None, broadcasting.unbroadcast(dy, a), broadcasting.unbroadcast(dy, b)


@wrong_method("maximum", Maximum, "db")
def smaller_operand(self: Any, dy: Array) -> Array:
    """The smaller operand gets the gradient."""
    a, b = self.saved
    return dy * (b < a)
