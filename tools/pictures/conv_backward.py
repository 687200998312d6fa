"""The backward pass of a convolution, one pixel of dy after the other."""

import numpy as np

from minicnn.draw import svg
from pictures.cells import Grid
from pictures.kernel import convolve, convolve_backward, first_pixels
from pictures.page import minus, picture
from pictures.steps import Steps

X = np.array([[1, 0, 2, 1], [2, 1, 0, 3], [0, 3, 1, 2], [1, 2, 0, 1]], float)
W = np.array([[1, 0, 2], [0, 1, -1], [2, -1, 0]], float)
DY = np.array([[1, 2], [-1, 3]], float)
SIDE = 30


def draw() -> str:
    """conv_backward.svg."""
    steps = Steps("conv_backward", DY.size, seconds=3, still=1)
    positions = list(np.ndindex(DY.shape))
    moves = [(q * SIDE, p * SIDE) for p, q in positions]
    above, below = Grid(14, 94, 2, 2, SIDE), Grid(14, 288, 2, 2, SIDE)
    image, dw = Grid(112, 64, *X.shape, SIDE), Grid(290, 79, *W.shape, SIDE)
    weights, dx = Grid(112, 273, *W.shape, SIDE), Grid(260, 258, *X.shape, SIDE)
    assert convolve(X, W).shape == DY.shape
    parts = [
        svg.text(14, 24, "The weights: dw += dy[p, q] · window of x", "said bold left"), svg.text(14, 218, "The image: window of dx += dy[p, q] · w", "said bold left"),
        *(grid.title(words) for grid, words in ((above, "dy"), (image, "x"), (dw, "dw"), (below, "dy"), (weights, "w"), (dx, "dx"))),
        above.draw("linear"), image.draw(), dw.draw("linear"), below.draw("linear"), weights.draw("conv"), dx.draw("linear"),
        *(svg.text(93, y, "·", "big") for y in (129, 323)), svg.text(261, 129, "→", "big"), svg.text(231, 323, "→", "big"),
        steps.moving("pixel", moves, [above.part(0, 0), below.part(0, 0)]),
        steps.moving("window", moves, [image.part(0, 0, 3, 3), dx.part(0, 0, 3, 3)]), dw.part(0, 0, 3, 3, "outline"), weights.part(0, 0, 3, 3, "outline"),
        *above.numbers(DY), *below.numbers(DY), *image.numbers(X), *weights.numbers(W),
    ]  # fmt: skip
    for k, (p, q) in enumerate(positions):
        dx_now, dw_now = convolve_backward(X, W, first_pixels(DY, k + 1))
        said = f"dy[{p}, {q}] = {minus(DY[p, q])}"
        parts.append(steps.only(k, [*dw.numbers(dw_now), *dx.numbers(dx_now), svg.text(14, 404, f"{said}: {WORDS[k]}", "said left")]))
    label = "Each pixel of dy adds its multiple of a window of x to dw, and its multiple of w to the same window of dx"
    return picture("conv_backward", 394, 418, parts, label, steps.style())


WORDS = [
    "before, all gradients were 0",
    "windows overlap: what they bring adds up",
    "a negative dy takes away",
    "this is all of dw and dx",
]
