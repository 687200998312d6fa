"""Cases of the activations: numbers on both sides of every kink, on zero to four axes."""

from minicnn.kernels.types import Array
from minicnn.ops.activation import Hardswish, LeakyReLU, ReLU, ReLU6, Sigmoid, SiLU, Tanh
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


def numbers(draw: Draw, scale: float) -> Array:
    """Normal numbers in an array of zero to four axes."""
    return scale * draw.array(*(draw.integer(1, 4) for _ in range(draw.integer(0, 4))))


@case("relu")
def relu(draw: Draw) -> Case:
    """Kink at 0."""
    return kernel_case(ReLU, {"x": numbers(draw, 1)})


@case("leaky_relu")
def leaky_relu(draw: Draw) -> Case:
    """Kink at 0; a slope of 0 is ReLU, one of -1 the absolute value."""
    return kernel_case(LeakyReLU, {"x": numbers(draw, 1)}, negative_slope=draw.pick([0.01, 0.2, 0.0, -1.0]))


@case("relu6")
def relu6(draw: Draw) -> Case:
    """Kinks at 0 and 6."""
    return kernel_case(ReLU6, {"x": numbers(draw, 6)})


@case("sigmoid")
def sigmoid(draw: Draw) -> Case:
    """Up to the flat parts."""
    return kernel_case(Sigmoid, {"x": numbers(draw, draw.pick([1, 5]))})


@case("tanh")
def tanh(draw: Draw) -> Case:
    """Up to the flat parts."""
    return kernel_case(Tanh, {"x": numbers(draw, draw.pick([1, 3]))})


@case("silu")
def silu(draw: Draw) -> Case:
    """On both sides of the minimum at -1.28."""
    return kernel_case(SiLU, {"x": numbers(draw, draw.pick([1, 5]))})


@case("hardswish")
def hardswish(draw: Draw) -> Case:
    """Kinks at -3 and 3."""
    return kernel_case(Hardswish, {"x": numbers(draw, 4)})
