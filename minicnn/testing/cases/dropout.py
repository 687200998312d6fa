"""Cases of dropout: elements, channels and samples; the mask is fixed by its seed."""

from minicnn.ops.dropout import Dropout
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


@case("dropout")
def dropout(draw: Draw) -> Case:
    """One to four axes, of which the first few are drawn independently."""
    ndim = draw.integer(1, 4)
    return kernel_case(
        Dropout,
        {"x": draw.array(*(draw.integer(1, 4) for _ in range(ndim)))},
        p=draw.pick([0.2, 0.5, 0.75, 1.0]), seed=draw.integer(0, 2**63 - 1), mask_axes=draw.integer(1, ndim),
    )  # fmt: skip
