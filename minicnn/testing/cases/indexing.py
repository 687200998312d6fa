"""Cases of indexing: every kind of index, alone and combined, with elements that are picked twice."""

import numpy as np

from minicnn import ops
from minicnn.testing.cases.case import Case, case, op_case
from minicnn.testing.draw import Draw


@case("getitem")
def getitem(draw: Draw) -> Case:
    """A tensor (3, 4, 5) and one of many indices."""
    x = draw.array(3, 4, 5)
    index = draw.pick(
        [
            1,
            (0, -1, 2),
            slice(None, None, -2),
            (slice(1, 3), None, Ellipsis, 0),
            Ellipsis,
            np.array([2, 0, 2, 2]),
            [1, 1],
            (np.array([0, 2, 0]), np.array([1, 3, 1])),
            (slice(None), np.array([[0, 1], [1, 1]])),
            (np.array([0, 0]), slice(1, 4, 2), np.array([4, 4])),
            x > 0,
            (slice(None), np.array([True, False, True, True])),
        ]
    )
    return op_case(ops.getitem, {"x": x}, index=index)


@case("flip")
def flip(draw: Draw) -> Case:
    """One axis, or several."""
    return op_case(ops.flip, {"x": draw.array(2, 3, 4)}, axis=draw.pick([0, -1, (1, 2)]))
