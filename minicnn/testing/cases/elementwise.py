"""Cases of functions that work element by element, and of choices between two tensors."""

import numpy as np

from minicnn import ops
from minicnn.autograd import Tensor
from minicnn.backend import get_backend
from minicnn.kernels.types import Array
from minicnn.testing.cases.arithmetic import pair
from minicnn.testing.cases.case import Case, case, op_case
from minicnn.testing.draw import Draw


@case("exp")
def exp(draw: Draw) -> Case:
    """Any numbers."""
    return op_case(ops.exp, {"x": numbers(draw)})


@case("log")
def log(draw: Draw) -> Case:
    """Positive numbers."""
    return op_case(ops.log, {"x": np.exp(numbers(draw))})


@case("sqrt")
def sqrt(draw: Draw) -> Case:
    """Positive numbers."""
    return op_case(ops.sqrt, {"x": np.exp(numbers(draw))})


@case("abs")
def absolute(draw: Draw) -> Case:
    """Numbers of both signs."""
    return op_case(ops.abs, {"x": numbers(draw)})


@case("clip")
def clip(draw: Draw) -> Case:
    """One bound, or both."""
    low, high = draw.pick([(-0.5, 0.8), (None, 0.3), (-0.1, None)])
    return op_case(ops.clip, {"x": numbers(draw)}, low=low, high=high)


@case("where")
def where(draw: Draw) -> Case:
    """A condition of a shape of its own."""
    inputs = pair(draw)
    shape = np.broadcast_shapes(*(x.shape for x in inputs.values()))
    condition = draw.array(*(size if draw.integer(0, 1) else 1 for size in shape)) > 0

    def choose(a: Tensor, b: Tensor, *, condition: Array) -> Tensor:
        return ops.where(condition, a, b)

    return op_case(choose, inputs, condition=condition)


@case("maximum")
def maximum(draw: Draw) -> Case:
    """Any numbers."""
    return op_case(ops.maximum, pair(draw))


@case("minimum")
def minimum(draw: Draw) -> Case:
    """Any numbers."""
    return op_case(ops.minimum, pair(draw))


@case("astype")
def astype(draw: Draw) -> Case:
    """There and back again; only through the wider type, since rounding has no slope to measure."""

    def round_trip(x: Tensor) -> Tensor:
        wider = "longdouble" if get_backend().xp is np else "float64"  # a GPU has nothing wider
        return ops.astype(ops.astype(x, wider), "float64")

    return op_case(round_trip, {"x": numbers(draw)})


def numbers(draw: Draw) -> Array:
    """A tensor of 0 to 3 axes."""
    return draw.array(*draw.pick([(), (5,), (2, 3), (2, 3, 4)]))
