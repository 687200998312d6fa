"""Cases of adaptive pooling: bins that divide the image, bins that share pixels, and more bins than pixels."""

from minicnn.ops.adaptive_pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


@case("adaptive_avg_pool2d")
def adaptive_avg_pool2d(draw: Draw) -> Case:
    """Bins of unequal sizes along both axes."""
    x = draw.array(draw.integer(1, 2), draw.integer(1, 3), draw.integer(1, 5), draw.integer(1, 6))
    return kernel_case(AdaptiveAvgPool2d, {"x": x}, output_size=(draw.integer(1, 4), draw.integer(1, 3)))


@case("adaptive_max_pool2d")
def adaptive_max_pool2d(draw: Draw) -> Case:
    """Bins of unequal sizes along both axes."""
    x = draw.array(draw.integer(1, 2), draw.integer(1, 3), draw.integer(1, 5), draw.integer(1, 6))
    return kernel_case(AdaptiveMaxPool2d, {"x": x}, output_size=(draw.integer(1, 4), draw.integer(1, 3)))
