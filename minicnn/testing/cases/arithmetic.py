"""Cases of arithmetic: operands whose shapes are equal or broadcast, in either direction."""

from minicnn import ops
from minicnn.kernels.types import Array
from minicnn.testing.cases.case import Case, case, op_case
from minicnn.testing.draw import Draw


@case("add")
def add(draw: Draw) -> Case:
    """Any numbers."""
    return op_case(ops.add, pair(draw))


@case("subtract")
def subtract(draw: Draw) -> Case:
    """Any numbers."""
    return op_case(ops.subtract, pair(draw))


@case("multiply")
def multiply(draw: Draw) -> Case:
    """Any numbers."""
    return op_case(ops.multiply, pair(draw))


@case("divide")
def divide(draw: Draw) -> Case:
    """Divisors of both signs, away from 0."""
    inputs = pair(draw)
    b = inputs["b"]
    return op_case(ops.divide, {"a": inputs["a"], "b": b + (b > 0) - (b <= 0)})


@case("power")
def power(draw: Draw) -> Case:
    """Positive bases and any exponents."""
    inputs = pair(draw)
    return op_case(ops.power, {"a": abs(inputs["a"]) + 0.3, "b": inputs["b"]})


@case("negative")
def negative(draw: Draw) -> Case:
    """Any numbers."""
    return op_case(ops.negative, {"x": draw.array(*draw.pick([(), (3,), (2, 3, 4)]))})


def pair(draw: Draw) -> dict[str, Array]:
    """Two operands whose shapes fit together."""
    a, b = draw.pick(
        [
            ((2, 3), (2, 3)),
            ((2, 3), ()),
            ((), (4,)),
            ((2, 3, 4), (4,)),
            ((3, 1), (2, 3, 4)),
            ((2, 1, 4), (3, 1)),
            ((2, 3, 4, 5), (1, 3, 1, 1)),
            ((4, 1), (4,)),
        ]
    )
    return {"a": draw.array(*a), "b": draw.array(*b)}
