"""Cases of the linear layer: one vector, a batch, a grid of vectors; with and without bias."""

from minicnn.ops.linear import Linear
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


@case("linear")
def linear(draw: Draw) -> Case:
    """D inputs, O outputs, and zero to three leading axes."""
    D, O = draw.integer(1, 5), draw.integer(1, 4)
    leading = [draw.integer(1, 3) for _ in range(draw.integer(0, 3))]
    return kernel_case(
        Linear,
        {"x": draw.array(*leading, D), "w": draw.array(O, D), "b": draw.pick([None, draw.array(O)])},
    )
