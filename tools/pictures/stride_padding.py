"""Stride, padding and dilation: where the first two windows of an image are, and how many there are."""

from minicnn.draw import svg
from minicnn.kernels.geometry import extent, output_size
from pictures.cells import Grid
from pictures.page import picture

SIDE = 15
STYLE = ".picture-convolution_stride_padding .tap { stroke-width: 1.4 }\n"
PANELS = [  # title, W, stride, padding, dilation; filters are 3x3
    ("stride 1, no padding", 5, 1, 0, 1),
    ("stride 2", 7, 2, 0, 1),
    ("padding 1", 5, 1, 1, 1),
    ("dilation 2", 7, 1, 0, 2),
]


def draw() -> str:
    """convolution_stride_padding.svg."""
    parts = [panel(14 + 204 * (k % 2), 26 + 176 * (k // 2), *given) for k, given in enumerate(PANELS)]
    label = "The first two windows of a 3x3 filter with stride 1, with stride 2, with padding 1 and with dilation 2, and the sizes of the results"
    return picture("convolution_stride_padding", 412, 352, parts, label, STYLE)


def panel(x: float, y: float, title: str, W: int, stride: int, padding: int, dilation: int) -> str:
    """One of the four: the image with two windows, and the result with the two numbers that they give."""
    Q = output_size(W, 3, stride, padding, padding, dilation)
    whole = W + 2 * padding
    image = Grid(x, y + 8, whole, whole, SIDE)
    result = Grid(x + 7 * SIDE + 14, y + 8, Q, Q, SIDE)
    pixels = Grid(x + padding * SIDE, image.y + padding * SIDE, W, W, SIDE)
    parts = [svg.text(x, y - 2, title, "said bold left"), image.draw("padding") if padding else "", pixels.draw(), result.draw("pool")]
    for first, kind in ((0, "mark"), (stride, "other")):
        parts += [image.part(i * dilation, first + j * dilation, kind=f"{kind} tap") for i in range(3) for j in range(3)]
    parts += [result.part(0, 0, kind="mark"), result.part(0, 1, kind="other")]
    span = f"{W} − {extent(3, dilation)}" + (f" + 2·{padding}" if padding else "")
    parts.append(svg.text(x, image.y + 7 * SIDE + 18, f"({span})/{stride} + 1 = {Q}", "said left"))
    return svg.group(parts)
