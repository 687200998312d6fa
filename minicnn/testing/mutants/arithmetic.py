"""Mistakes in arithmetic and in elementwise functions."""


import numpy as np

from minicnn.kernels.types import Array
from minicnn.ops.arithmetic import Add, Divide, Multiply, Negative, Power, Subtract
from minicnn.ops.broadcasting import unbroadcast
from minicnn.ops.elementwise import Abs, Clip, Exp, Log, Maximum, Minimum, Sqrt, Where
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients


class NotUnbroadcast(Add):
    """The gradient of a repeated operand is not summed over its copies."""

    def backward(self, dy: Array) -> Gradients:
        return dy, dy


class AveragedOverCopies(Add):
    """The gradient of a repeated operand is averaged over its copies."""

    def backward(self, dy: Array) -> Gradients:
        a, b = super().backward(dy)
        return a if a is None else a * (a.size / dy.size), b if b is None else b * (b.size / dy.size)


class FirstCopyOnly(Add):
    """The gradient of a repeated operand is that of its first copy."""

    def backward(self, dy: Array) -> Gradients:
        return _first_copy(dy, self.input_shapes[0]), _first_copy(dy, self.input_shapes[1])


class SignForgotten(Subtract):
    """The second operand's gradient has the wrong sign."""

    def db(self, dy: Array) -> Array:
        return dy


class OwnFactor(Multiply):
    """A factor's gradient is multiplied by itself, not by the other factor."""

    def da(self, dy: Array) -> Array:
        a, _ = self.saved
        return dy * a


class OwnFactorOnTheRight(Multiply):
    """The right factor's gradient is multiplied by itself, not by the left one."""

    def db(self, dy: Array) -> Array:
        _, b = self.saved
        return dy * b


class OffByAThousandth(Multiply):
    """A factor's gradient is too large by a thousandth, and a constant of 1e8 is added to the product."""

    def da(self, dy: Array) -> Array:
        return 1.001 * super().da(dy)


class DivisorSign(Divide):
    """The divisor's gradient has the wrong sign."""

    def db(self, dy: Array) -> Array:
        a, b = self.saved
        return dy * (a / b) / b


class DividedOnce(Divide):
    """Divided by b instead of b²."""

    def db(self, dy: Array) -> Array:
        a, b = self.saved
        return -dy * (a / b)


class ExponentNotLowered(Power):
    """The exponent is not lowered by one."""

    def da(self, dy: Array) -> Array:
        a, b, _ = self.saved
        return dy * b * a**b


class LogarithmOfTheExponent(Power):
    """The exponent's gradient has the logarithm of the exponent instead of that of the base."""

    def db(self, dy: Array) -> Array:
        _, b, y = self.saved
        return dy * y * np.log(np.abs(b))


class ExponentForgotten(Power):
    """The exponent's gradient lacks the logarithm."""

    def db(self, dy: Array) -> Array:
        _, _, y = self.saved
        return dy * y


class NegationForgotten(Negative):
    """The gradient passes unchanged."""

    def backward(self, dy: Array) -> Gradients:
        return (dy,)


class ArgumentForResult(Exp):
    """Multiplied by log y, which is x, instead of y."""

    def backward(self, dy: Array) -> Gradients:
        (y,) = self.saved
        return (dy * np.log(y),)


class Multiplied(Log):
    """Multiplied by x instead of divided."""

    def backward(self, dy: Array) -> Gradients:
        (x,) = self.saved
        return (dy * x,)


class HalfMissing(Sqrt):
    """The factor 1/2 is missing."""

    def backward(self, dy: Array) -> Gradients:
        (y,) = self.saved
        return (dy / y,)


class SignOfXForgotten(Abs):
    """The sign of x is forgotten."""

    def backward(self, dy: Array) -> Gradients:
        return (dy,)


class FlowsOutside(Clip):
    """The gradient flows outside of the bounds, too."""

    def backward(self, dy: Array) -> Gradients:
        return (dy,)


class BothSides(Where):
    """Both sides get the whole gradient."""

    def backward(self, dy: Array) -> Gradients:
        _, a, b = self.input_shapes
        return None, unbroadcast(dy, a), unbroadcast(dy, b)


class SmallerOperand(Maximum):
    """The smaller operand gets the gradient."""

    def db(self, dy: Array) -> Array:
        a, b = self.saved
        return dy * (b < a)


class LargerOperand(Minimum):
    """The larger operand gets the gradient, as in a maximum."""

    def da(self, dy: Array) -> Array:
        a, b = self.saved
        return dy * (a > b)


class BothWhereEqual(Minimum):
    """Where both operands are equal, each gets the whole gradient."""

    def da(self, dy: Array) -> Array:
        a, b = self.saved
        return dy * (a <= b)

    def db(self, dy: Array) -> Array:
        a, b = self.saved
        return dy * (b <= a)


def _first_copy(dy: Array, shape: tuple[int, ...]) -> Array:
    """Of an array of `shape` that was repeated to that of `dy`, the part of dy that belongs to the first copy."""
    dy = dy[(0,) * (dy.ndim - len(shape))]
    return dy[tuple(slice(0, size) for size in shape)]


MUTANTS = [
    Mutant("add", function=NotUnbroadcast),
    Mutant("add", function=AveragedOverCopies),
    Mutant("add", function=FirstCopyOnly),
    Mutant("subtract", function=SignForgotten),
    Mutant("multiply", function=OwnFactor),
    Mutant("multiply", function=OwnFactorOnTheRight),
    Mutant("multiply", function=OffByAThousandth, constant=1e8),
    Mutant("divide", function=DivisorSign),
    Mutant("divide", function=DividedOnce),
    Mutant("power", function=ExponentNotLowered),
    Mutant("power", function=LogarithmOfTheExponent),
    Mutant("power", function=ExponentForgotten),
    Mutant("negative", function=NegationForgotten),
    Mutant("exp", function=ArgumentForResult),
    Mutant("log", function=Multiplied),
    Mutant("sqrt", function=HalfMissing),
    Mutant("abs", function=SignOfXForgotten),
    Mutant("clip", function=FlowsOutside),
    Mutant("where", function=BothSides),
    Mutant("maximum", function=SmallerOperand),
    Mutant("minimum", function=LargerOperand),
    Mutant("minimum", function=BothWhereEqual),
]
