"""Max and average pooling: forward, and where the gradient goes back."""

from collections.abc import Callable

import numpy as np

from minicnn.draw import svg
from minicnn.kernels.loops.pool import (
    avg_pool2d_backward,
    avg_pool2d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)
from pictures.cells import Grid
from pictures.kernel import first_pixels
from pictures.page import minus, picture
from pictures.steps import Steps

SIDE = 30
PIXELS = np.array([[1, 0, 2, 9, 1], [3, 2, 1, 0, 2], [0, 1, 7, 3, 1], [5, 2, 0, 1, 6], [1, 8, 2, 0, 3]], float)


def draw_max() -> str:
    """max_pool.svg: windows of 3x3 with stride 2, which overlap."""
    y, saved = max_pool2d_forward(PIXELS[None, None], kernel_size=(3, 3), stride=(2, 2), padding=(0,) * 4, dilation=(1, 1), ceil_mode=False)
    dy = np.array([[1, 2], [-1, 3]], float)

    def backward(dy: np.ndarray) -> np.ndarray:
        return max_pool2d_backward(dy[None, None], saved, needs=(True,))[0][0, 0]

    def winner(p: int, q: int) -> tuple[int, int]:
        r, s = np.argwhere(backward(np.eye(1, 4, 2 * p + q).reshape(2, 2)))[0]
        return int(r), int(s)

    def words(p: int, q: int) -> tuple[str, str]:
        r, s = winner(p, q)
        return f"the largest of 9: {minus(y[0, 0, p, q])}", f"dx[{r}, {s}] += {minus(dy[p, q])}"

    def touched(p: int, q: int) -> list[tuple[int, int]]:
        return [winner(p, q)]

    label = "Max pooling keeps the largest pixel of each window; the gradient of a result goes back to the pixel that won"
    return draw("max_pool", PIXELS, y[0, 0], dy, backward, touched, words, 3, label)


def draw_avg() -> str:
    """avg_pool.svg: windows of 2x2 with stride 2."""
    x = np.array([[1, 3, 2, 0], [2, 6, 4, 2], [5, 1, 0, 3], [3, 3, 1, 0]], float)
    y, saved = avg_pool2d_forward(x[None, None], kernel_size=(2, 2), stride=(2, 2), padding=(0,) * 4, ceil_mode=False, count_include_pad=True)
    dy = np.array([[4, 8], [-4, 2]], float)

    def backward(dy: np.ndarray) -> np.ndarray:
        return avg_pool2d_backward(dy[None, None], saved, needs=(True,))[0][0, 0]

    def words(p: int, q: int) -> tuple[str, str]:
        total = " + ".join(minus(v) for v in x[2 * p : 2 * p + 2, 2 * q : 2 * q + 2].flat)
        return f"({total})/4 = {minus(y[0, 0, p, q])}", f"each gets {minus(dy[p, q])}/4 = {minus(dy[p, q] / 4)}"

    def touched(p: int, q: int) -> list[tuple[int, int]]:
        return [(2 * p + i, 2 * q + j) for i in range(2) for j in range(2)]

    label = "Average pooling takes the mean of each window; the gradient of a result goes back in equal shares"
    return draw("avg_pool", x, y[0, 0], dy, backward, touched, words, 2, label)


def draw(
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    dy: np.ndarray,
    backward: Callable[[np.ndarray], np.ndarray],
    touched: Callable[[int, int], list[tuple[int, int]]],
    words: Callable[[int, int], tuple[str, str]],
    size: int,
    label: str,
) -> str:
    """Forward above, backward below; windows of `size` with stride 2. `touched`: the pixels that a result is made of."""
    steps = Steps(name, y.size, seconds=3, still=1)
    H = len(x) * SIDE
    image, dx = Grid(14, 34, *x.shape, SIDE), Grid(14, 78 + H, *x.shape, SIDE)
    result, given = Grid(70 + H, 19 + H / 2 - 15, 2, 2, SIDE), Grid(70 + H, 63 + 1.5 * H - 15, 2, 2, SIDE)
    positions = list(np.ndindex(y.shape))
    moves = [(q * 2 * SIDE, p * 2 * SIDE) for p, q in positions]
    parts = [
        image.title("x"), result.title("y"), dx.title("dx"), given.title("dy"), image.draw(), result.draw("pool"), dx.draw("linear"), given.draw("linear"),
        svg.path(f"M{22 + H:g},{34 + H / 2:g}h38", tip=True), svg.path(f"M{62 + H:g},{78 + 1.5 * H:g}h-38", tip=True),
        steps.moving("window", moves, [image.part(0, 0, size, size), dx.part(0, 0, size, size, "outline")]),
        steps.moving("pixel", [(q * SIDE, p * SIDE) for p, q in positions], [result.part(0, 0), given.part(0, 0)]),
    ]  # fmt: skip
    for k, (p, q) in enumerate(positions):
        forth, back = words(p, q)
        marks = [grid.part(r, s, kind="taken bare") for grid in (image, dx) for r, s in touched(p, q)]
        numbers = dx.numbers(backward(first_pixels(dy, k + 1)))
        parts.append(steps.only(k, [*marks, *numbers, svg.text(146 + H, 40 + H / 2 - 1, forth, "said left"), svg.text(146 + H, 84 + 1.5 * H - 1, back, "said left")]))
        parts.append(steps.since(k, [result.number(p, q, y[p, q])]))
    parts += [*image.numbers(x), *given.numbers(dy)]
    style = f".picture-{name} .taken {{ fill: var(--m-hot); fill-opacity: .55 }}\n" + steps.style()
    return picture(name, 280 + H if size == 3 else 310 + H, 92 + 2 * H, parts, label, style)
