"""Cases of local response normalisation: odd and even windows, smaller and larger than the number of channels."""

from minicnn.ops.local_response_norm import LocalResponseNorm
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


@case("local_response_norm")
def local_response_norm(draw: Draw) -> Case:
    """An alpha of the size of k, so that the neighbours are felt."""
    places = draw.pick([(), (3,), (2, 3)])
    return kernel_case(
        LocalResponseNorm,
        {"x": draw.array(draw.integer(1, 2), draw.integer(1, 6), *places)},
        size=draw.integer(1, 6), alpha=draw.pick([0.1, 0.7]), beta=draw.pick([0.5, 0.75, 1.0]), k=draw.pick([1.0, 2.0]),
    )  # fmt: skip
