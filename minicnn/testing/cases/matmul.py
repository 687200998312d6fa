"""Cases of the matrix product: vectors, matrices, and stacks of matrices that broadcast."""

from minicnn import ops
from minicnn.testing.cases.case import Case, case, op_case
from minicnn.testing.draw import Draw


@case("matmul")
def matmul(draw: Draw) -> Case:
    """All sizes different, so that a forgotten transpose cannot pass."""
    n, k, m = draw.integer(1, 2), draw.integer(3, 4), draw.integer(5, 6)
    a, b = draw.pick(
        [
            ((n, k), (k, m)),
            ((k,), (k,)),
            ((k,), (k, m)),
            ((n, k), (k,)),
            ((3, n, k), (3, k, m)),
            ((3, n, k), (k, m)),
            ((n, k), (3, k, m)),
            ((2, 1, n, k), (3, k, m)),
            ((k,), (2, k, m)),
            ((3, n, k), (k,)),
        ]
    )
    return op_case(ops.matmul, {"a": draw.array(*a), "b": draw.array(*b)})
