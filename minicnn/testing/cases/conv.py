"""Cases of the convolution: every attribute, groups and depthwise, windows that do not tile the input."""

import math
from typing import Any

from minicnn.autograd import KernelFunction
from minicnn.ops.conv import Conv2d, Conv2dReLU
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


@case("conv2d")
def conv2d(draw: Draw) -> Case:
    """Images a little larger than the window, so that the border counts."""
    return _convolution(draw, Conv2d)


@case("conv2d_relu")
def conv2d_relu(draw: Draw) -> Case:
    """The same with a ReLU behind, whose ceiling some results reach."""
    return _convolution(draw, Conv2dReLU, ceiling=draw.pick([math.inf, 0.7]))


def _convolution(draw: Draw, function: type[KernelFunction], **attributes: Any) -> Case:
    kind = draw.pick(["dense", "dense", "grouped", "depthwise", "pointwise"])
    groups = draw.integer(2, 3) if kind in ("grouped", "depthwise") else 1
    C = {"depthwise": groups, "grouped": 2 * groups}.get(kind, draw.integer(1, 2))
    O = groups * draw.integer(1, 2)
    kernel_size = (1, 1) if kind == "pointwise" else (draw.integer(1, 3), draw.integer(1, 3))
    stride = (draw.integer(1, 3), draw.integer(1, 3)) if draw.integer(0, 2) else (1, 1)
    dilation = (draw.integer(1, 2), draw.integer(1, 2))
    padding = (draw.integer(0, 2), draw.integer(0, 1), draw.integer(0, 1), draw.integer(0, 2)) if draw.integer(0, 2) else (0,) * 4
    H = max(1, dilation[0] * (kernel_size[0] - 1) + 1 - padding[0] - padding[1]) + draw.integer(0, 3)
    W = max(1, dilation[1] * (kernel_size[1] - 1) + 1 - padding[2] - padding[3]) + draw.integer(0, 4)
    return kernel_case(
        function,
        {
            "x": draw.array(draw.integer(1, 2), C, H, W),
            "w": draw.array(O, C // groups, *kernel_size),
            "b": draw.pick([None, draw.array(O)]),
        },
        stride=stride, padding=padding, dilation=dilation, groups=groups, **attributes,
    )  # fmt: skip
