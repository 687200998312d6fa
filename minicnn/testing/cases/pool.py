"""Cases of pooling: overlapping windows and windows with gaps, padding on each side, windows that hang over the end."""

from minicnn.kernels.types import Array, Padding, Window
from minicnn.ops.pool import AvgPool2d, MaxPool2d
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


@case("max_pool2d")
def max_pool2d(draw: Draw) -> Case:
    """Padding of -inf on any side, dilation, overlap."""
    dilation = (draw.integer(1, 2), draw.integer(1, 2))
    kernel_size, stride, padding = _window(draw)
    return kernel_case(
        MaxPool2d,
        {"x": _images(draw, kernel_size, padding, dilation)},
        kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=draw.pick([False, True]),
    )  # fmt: skip


@case("avg_pool2d")
def avg_pool2d(draw: Draw) -> Case:
    """Both ways to count the padding, overlap."""
    kernel_size, stride, padding = _window(draw)
    return kernel_case(
        AvgPool2d,
        {"x": _images(draw, kernel_size, padding, (1, 1))},
        kernel_size=kernel_size, stride=stride, padding=padding,
        ceil_mode=draw.pick([False, True]), count_include_pad=draw.pick([True, False]),
    )  # fmt: skip


def _window(draw: Draw) -> tuple[Window, Window, Padding]:
    """A window, its stride, and as much padding as it may have."""
    kh, kw = draw.integer(1, 3), draw.integer(1, 3)
    top, left = draw.integer(0, kh - 1), draw.integer(0, kw - 1)
    padding = top, draw.integer(0, min(kh - 1, kh - top)), left, draw.integer(0, min(kw - 1, kw - left))
    return (kh, kw), (draw.integer(1, 3), draw.integer(1, 3)), padding


def _images(draw: Draw, kernel_size: Window, padding: Padding, dilation: Window) -> Array:
    """Images a little larger than the window, and never so small that the taps could step over them."""
    H = max(dilation[0], dilation[0] * (kernel_size[0] - 1) + 1 - padding[0] - padding[1]) + draw.integer(0, 3)
    W = max(dilation[1], dilation[1] * (kernel_size[1] - 1) + 1 - padding[2] - padding[3]) + draw.integer(0, 4)
    return draw.array(draw.integer(1, 2), draw.integer(1, 3), H, W)
