"""Cases of reductions: over all axes, one, several, negative ones, with and without keeping them."""

from collections.abc import Callable

from minicnn import ops
from minicnn.autograd import Tensor
from minicnn.testing.cases.case import Case, case, op_case
from minicnn.testing.draw import Draw


@case("sum")
def total(draw: Draw) -> Case:
    """Every form of `axis`."""
    return reduction(draw, ops.sum)


@case("mean")
def mean(draw: Draw) -> Case:
    """Every form of `axis`."""
    return reduction(draw, ops.mean)


@case("max")
def largest(draw: Draw) -> Case:
    """Every form of `axis`."""
    return reduction(draw, ops.max)


@case("min")
def smallest(draw: Draw) -> Case:
    """Every form of `axis`."""
    return reduction(draw, ops.min)


@case("logsumexp")
def logsumexp(draw: Draw) -> Case:
    """Every form of `axis`."""
    return reduction(draw, ops.logsumexp)


@case("var")
def var(draw: Draw) -> Case:
    """Every form of `axis`, biased and unbiased."""
    return reduction(draw, ops.var, correction=draw.integer(0, 1))


@case("std")
def std(draw: Draw) -> Case:
    """Every form of `axis`, biased and unbiased."""
    return reduction(draw, ops.std, correction=draw.integer(0, 1))


def reduction(draw: Draw, function: Callable[..., Tensor], **attributes: int) -> Case:
    """The function on a tensor of 1 to 4 axes."""
    shape, axis = draw.pick(
        [
            ((5,), None),
            ((5,), 0),
            ((3, 4), -1),
            ((3, 4), 0),
            ((2, 3, 4), (0, 2)),
            ((2, 3, 4), (-1, 1)),
            ((3, 2, 4, 5), (0, 2, 3)),
            ((2, 3, 4), None),
        ]
    )
    return op_case(function, {"x": draw.array(*shape)}, axis=axis, keepdims=draw.pick([False, True]), **attributes)
