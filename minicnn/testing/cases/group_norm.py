"""Cases of group normalisation: from one group for all channels to one for each (instance normalisation)."""

from minicnn.ops.group_norm import GroupNorm
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


@case("group_norm")
def group_norm(draw: Draw) -> Case:
    """At least six values per group, so that no variance is near zero."""
    groups, size = draw.integer(1, 3), draw.integer(1, 3)
    C = groups * size
    places = draw.pick([(6,), (2, 3), (3, 3)]) if size == 1 else draw.pick([(3,), (4,), (3, 1), (1, 4), (2, 3)])
    return kernel_case(
        GroupNorm,
        {
            "x": 2 * draw.array(draw.integer(1, 2), C, *places) + 1,
            "gamma": draw.pick([None, draw.array(C), draw.array(C)]),
            "beta": draw.pick([None, draw.array(C)]),
        },
        groups=groups, eps=draw.pick([1e-5, 0.1]),
    )  # fmt: skip
