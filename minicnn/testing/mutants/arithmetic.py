"""Mistakes in arithmetic and in elementwise functions."""

from typing import Any

import numpy as np

from minicnn.kernels.types import Array
from minicnn.ops import broadcasting
from minicnn.ops.arithmetic import Divide, Multiply, Negative, Power, Subtract
from minicnn.ops.elementwise import Abs, Clip, Exp, Log, Maximum, Sqrt, Where
from minicnn.testing.mutants.mutant import Gradients, wrong_method


@wrong_method("add", broadcasting, "unbroadcast", "the gradient of a repeated operand is not summed over its copies")
def not_unbroadcast(dy: Array, shape: tuple[int, ...]) -> Array:
    return dy


@wrong_method("add", broadcasting, "unbroadcast", "the gradient of a repeated operand is averaged over its copies")
def averaged_over_copies(dy: Array, shape: tuple[int, ...]) -> Array:
    new = dy.ndim - len(shape)
    repeated = tuple(range(new)) + tuple(new + i for i, size in enumerate(shape) if size == 1)
    return dy.mean(axis=repeated).reshape(shape)


@wrong_method("subtract", Subtract, "db", "the second operand's gradient has the wrong sign")
def sign_forgotten(self: Any, dy: Array) -> Array:
    return dy


@wrong_method("multiply", Multiply, "da", "a factor's gradient is multiplied by itself, not by the other factor")
def own_factor(self: Any, dy: Array) -> Array:
    a, _ = self.saved
    return dy * a


@wrong_method("divide", Divide, "db", "the divisor's gradient has the wrong sign")
def divisor_sign(self: Any, dy: Array) -> Array:
    a, b = self.saved
    return dy * (a / b) / b


@wrong_method("divide", Divide, "db", "divided by b instead of b²")
def divided_once(self: Any, dy: Array) -> Array:
    a, b = self.saved
    return -dy * (a / b)


@wrong_method("power", Power, "da", "the exponent is not lowered by one")
def exponent_not_lowered(self: Any, dy: Array) -> Array:
    a, b, _ = self.saved
    return dy * b * a**b


@wrong_method("negative", Negative, "backward", "the gradient passes unchanged")
def negation_forgotten(self: Any, dy: Array) -> Gradients:
    return (dy,)


@wrong_method("exp", Exp, "backward", "multiplied by log y, which is x, instead of y")
def argument_for_result(self: Any, dy: Array) -> Gradients:
    (y,) = self.saved
    return (dy * np.log(y),)


@wrong_method("log", Log, "backward", "multiplied by x instead of divided")
def multiplied(self: Any, dy: Array) -> Gradients:
    (x,) = self.saved
    return (dy * x,)


@wrong_method("sqrt", Sqrt, "backward", "the factor 1/2 is missing")
def half_missing(self: Any, dy: Array) -> Gradients:
    (y,) = self.saved
    return (dy / y,)


@wrong_method("abs", Abs, "backward", "the sign of x is forgotten")
def sign_of_x_forgotten(self: Any, dy: Array) -> Gradients:
    return (dy,)


@wrong_method("clip", Clip, "backward", "the gradient flows outside of the bounds, too")
def flows_outside(self: Any, dy: Array) -> Gradients:
    return (dy,)


@wrong_method("where", Where, "backward", "both sides get the whole gradient")
def both_sides(self: Any, dy: Array) -> Gradients:
    _, a, b = self.input_shapes
    return None, broadcasting.unbroadcast(dy, a), broadcasting.unbroadcast(dy, b)


@wrong_method("maximum", Maximum, "db", "the smaller operand gets the gradient")
def smaller_operand(self: Any, dy: Array) -> Array:
    a, b = self.saved
    return dy * (b < a)
