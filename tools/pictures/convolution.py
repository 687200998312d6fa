"""A filter walks over an image: the forward pass of a convolution."""

import numpy as np

from minicnn.draw import svg
from pictures.cells import Grid
from pictures.kernel import convolve
from pictures.page import minus, picture
from pictures.steps import Steps

X = np.array([[0, 0, 1, 2, 2], [0, 1, 2, 3, 2], [0, 1, 3, 3, 1], [1, 2, 3, 1, 0], [2, 3, 2, 0, 0]], float)
W = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], float)
STRIDE, PADDING = 2, 1
SIDE = 32  # of a cell


def draw() -> str:
    """convolution.svg: padding 1, stride 2."""
    y = convolve(X, W, STRIDE, PADDING)
    padded = np.pad(X, PADDING)
    steps = Steps("convolution", y.size, seconds=2, still=4)
    image, filters, result = Grid(14, 34, 7, 7, SIDE), Grid(274, 34, 3, 3, SIDE), Grid(274, 162, 3, 3, SIDE)
    positions = list(np.ndindex(y.shape))
    parts = [
        image.title(f"x {X.shape}, in zeros", "said"), filters.title(f"w {W.shape}", "said"), result.title(f"y {y.shape}", "said"),
        image.draw("padding"), Grid(image.x + SIDE, image.y + SIDE, *X.shape, SIDE).draw(), filters.draw("conv"), result.draw("pool"),
        svg.text(256, 88, "∗", "big"), svg.text(256, 216, "=", "big"),
        steps.moving("window", [(q * STRIDE * SIDE, p * STRIDE * SIDE) for p, q in positions], [window(image)]),
        steps.moving("result", [(q * SIDE, p * SIDE) for p, q in positions], [result.part(0, 0)]),
        *(image.number(r, c, padded[r, c], "number" if inside(r, c) else "number faint") for r, c in np.ndindex(padded.shape)),
        *filters.numbers(W),
    ]  # fmt: skip
    for k, (p, q) in enumerate(positions):
        parts += [steps.since(k, [result.number(p, q, y[p, q])]), steps.only(k, products(padded, y, p, q))]
    size = f"(W − F + 2P)/S + 1 = ({len(X)} − {len(W)} + 2·{PADDING})/{STRIDE} + 1 = {len(y)} rows and columns"
    parts.append(svg.text(192, 368, size, "small"))
    label = f"A filter of 3x3 walks over an image of 5x5 with padding {PADDING} and stride {STRIDE}; each window gives one result"
    return picture("convolution", 384, 380, parts, label, steps.style())


def inside(r: int, c: int) -> bool:
    """Whether a pixel of the padded image is one of the image."""
    return PADDING <= r < PADDING + len(X) and PADDING <= c < PADDING + len(X)


def window(image: Grid) -> str:
    """The window at its first place, with the weights in the corners of its cells."""
    weights = (svg.text(image.x + SIDE * c + 29, image.y + SIDE * r + 30, minus(W[r, c]), "weight right") for r, c in np.ndindex(W.shape))
    return image.part(0, 0, 3, 3) + "".join(weights)


def products(padded: np.ndarray, y: np.ndarray, p: int, q: int) -> list[str]:
    """The sum of nine products that gives y[p, q], three in a line, as the window has them."""
    lines = []
    for i, j in np.ndindex(W.shape):
        pixel, weight = padded[p * STRIDE + i, q * STRIDE + j], W[i, j]
        lines.append(svg.text(44 + 70 * j, 287 + 20 * i, f"{minus(pixel)} · {minus(weight)}", "said"))
        if (i, j) != (2, 2):
            lines.append(svg.text(79 + 70 * j, 287 + 20 * i, "+", "said faint"))
    return [*lines, svg.text(322, 307, f"y[{p}, {q}] = {minus(y[p, q])}", "said bold")]
