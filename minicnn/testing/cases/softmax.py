"""Cases of softmax and its logarithm, along every axis."""

from typing import Any

from minicnn.ops.softmax import LogSoftmax, Softmax
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


def along_any_axis(function: Any, draw: Draw) -> Case:
    """One to four axes; along one of them the numbers compete."""
    ndim = draw.integer(1, 4)
    x = draw.array(*(draw.integer(1, 4) for _ in range(ndim)))
    return kernel_case(function, {"x": 2 * x}, axis=draw.integer(0, ndim - 1))


@case("softmax")
def softmax(draw: Draw) -> Case:
    """Sums to one along the axis."""
    return along_any_axis(Softmax, draw)


@case("log_softmax")
def log_softmax(draw: Draw) -> Case:
    """Its logarithm."""
    return along_any_axis(LogSoftmax, draw)
