"""Cases of layer normalisation: over one, several or all axes."""

from minicnn.ops.layer_norm import LayerNorm
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


@case("layer_norm")
def layer_norm(draw: Draw) -> Case:
    """At least five values per sample, so that no variance is near zero."""
    last = draw.pick([(draw.integer(5, 8),), (2, draw.integer(3, 5)), (3, 2, draw.integer(1, 3))])
    samples = draw.pick([(), (draw.integer(1, 3),), (2, 3)])
    return kernel_case(
        LayerNorm,
        {
            "x": 2 * draw.array(*samples, *last) + 1,
            "gamma": draw.pick([None, draw.array(*last), draw.array(*last)]),
            "beta": draw.pick([None, draw.array(*last)]),
        },
        ndim=len(last), eps=draw.pick([1e-5, 0.1]),
    )  # fmt: skip
