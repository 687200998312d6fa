"""im2col and col2im: windows become columns, and columns go back to where they came from."""

import numpy as np

from minicnn.draw import svg
from minicnn.kernels.array.conv import col2im, im2col
from pictures.cells import Grid
from pictures.page import minus, picture
from pictures.steps import Steps

X = np.array([[1, 2, 0, 1], [0, 3, 1, 2], [2, 1, 4, 0], [1, 0, 2, 3]], float)
W = np.array([[1, 0, -1, 2], [0, 1, 1, 0]], float)
DY = np.array([[1, 0, 2, -1, 1, 0, 0, 1, 2], [0, 1, 0, 1, 0, 2, -1, 0, 1]], float)
PIXEL = (1, 1)
SIDE = 27
GEOMETRY = ((2, 2), (3, 3), (1, 1), (0, 0, 0, 0), (1, 1))  # window, results, stride, padding, dilation


def draw() -> str:
    """im2col.svg: an image of 4x4, two filters of 2x2."""
    steps = Steps("im2col", 9, seconds=1.6, still=4)
    parts = [*forward(steps), *backward()]
    label = "Windows of an image are copied into the columns of a matrix, filters times columns are the results; backward, every pixel collects what its copies got"
    return picture("im2col", 412, 496, parts, label, steps.style())


def columns(x: np.ndarray) -> np.ndarray:
    """cols (4, 9) of an image, by the kernel."""
    return im2col(x[None, None], *GEOMETRY).reshape(4, 9)


def forward(steps: Steps) -> list[str]:
    """x -> cols, and W times cols."""
    cols = columns(X)
    y = W @ cols
    image, matrix, filters, result = Grid(14, 52, 4, 4, SIDE), Grid(154, 52, 4, 9, SIDE), Grid(14, 192, 2, 4, SIDE), Grid(154, 192, 2, 9, SIDE)
    parts = [
        svg.text(14, 20, "im2col: every window becomes a column", "said bold left"),
        image.title("x (4, 4)", "said"), matrix.title("cols (4, 9)", "said"), filters.title("W (2, 4)", "said"), result.title("y = W · cols (2, 9)", "said"),
        image.draw(), matrix.draw(), filters.draw("conv"), result.draw("pool"),
        steps.moving("window", [(k % 3 * SIDE, k // 3 * SIDE) for k in range(9)], [image.part(0, 0, 2, 2)]),
        steps.moving("column", [(k * SIDE, 0) for k in range(9)], [matrix.part(0, 0, 4, 1), result.part(0, 0, 2, 1)]),
        *image.numbers(X), *filters.numbers(W), svg.text(138, 192 + SIDE + 5, "·", "big"), svg.text(138, 111, "→", "big"),
    ]  # fmt: skip
    for k in range(9):
        shown = [matrix.number(i, k, cols[i, k]) for i in range(4)] + [result.number(o, k, y[o, k]) for o in range(2)]
        parts.append(steps.since(k, shown))
    parts.append(svg.text(206, 270, "a row of W is a filter; a row of y is its 3x3 results, in one line", "small"))
    return parts


def backward() -> list[str]:
    """dcols = Wᵀ times dy, and col2im."""
    dcols = W.T @ DY
    dx = col2im(dcols[None], (1, 1, *X.shape), *GEOMETRY)[0, 0]
    copies = np.argwhere(columns(np.arange(16.0).reshape(4, 4)) == PIXEL[0] * 4 + PIXEL[1])
    image, matrix = Grid(14, 350, 4, 4, SIDE), Grid(154, 350, 4, 9, SIDE)
    total = " + ".join(minus(dcols[i, k]) for i, k in copies).replace("+ −", "− ")
    words = f"dx[{PIXEL[0]}, {PIXEL[1]}] = {total} = {minus(dx[PIXEL])}: the pixel was in four windows"
    return [
        svg.text(14, 312, "col2im, back: every pixel collects from its copies", "said bold left"),
        svg.text(138, 409, "←", "big"), image.title("dx (4, 4)", "said"), matrix.title("dcols = Wᵀ · dy (4, 9)", "said"), matrix.draw("linear"), image.draw("linear"),
        *(matrix.part(i, k) for i, k in copies), image.part(*PIXEL), *matrix.numbers(dcols), *image.numbers(dx),
        svg.text(14, 482, words, "said left"),
    ]  # fmt: skip
