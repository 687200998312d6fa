"""Winograd's transforms of tiles: a line transform down the columns, then along the rows; and where a tile lies in its image.

Everything is done for as many channels at once as a vector holds. A tile in an array is given by where it begins and by the distances of its rows
and of its columns, so that the same code reads an image, writes n² matrices and so on. `half` is a workspace for n x n vectors.
"""

from typing import Any

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.vector import broadcast, clip, lanes, load, spread, store
from minicnn.kernels.cpu.winograd_lines import gradients, numbers, results, tap_gradients, taps


@jit
def numbers_of_tile(m: int, X: Any, x: int, xr: int, xc: int, half: Any, Y: Any, y: int, yr: int, yc: int) -> None:
    """Bᵀ d B: n x n pixels to n x n numbers."""
    n, W = m + 2, lanes(X)
    for j in range(n):
        numbers(m, X, x + j * xc, xr, half, j * W, n * W)
    for i in range(n):
        numbers(m, half, i * n * W, W, Y, y + i * yr, yc)


@jit
def results_of_tile(m: int, X: Any, x: int, xr: int, xc: int, half: Any, Y: Any, y: int, yr: int, yc: int) -> None:
    """Aᵀ p A: n x n products to m x m results."""
    n, W = m + 2, lanes(X)
    for j in range(n):
        results(m, X, x + j * xc, xr, half, j * W, n * W)
    for i in range(m):
        results(m, half, i * n * W, W, Y, y + i * yr, yc)


@jit
def gradients_of_tile(m: int, X: Any, x: int, xr: int, xc: int, half: Any, Y: Any, y: int, yr: int, yc: int) -> None:
    """A dy Aᵀ: the gradients of m x m results to n x n numbers."""
    n, W = m + 2, lanes(X)
    for j in range(m):
        gradients(m, X, x + j * xc, xr, half, j * W, m * W)
    for i in range(n):
        gradients(m, half, i * m * W, W, Y, y + i * yr, yc)


@jit
def taps_of_filter(m: int, X: Any, x: int, xr: int, xc: int, half: Any, Y: Any, y: int, yr: int, yc: int) -> None:
    """G w Gᵀ: 3 x 3 taps to n x n numbers."""
    n, W = m + 2, lanes(X)
    for j in range(3):
        taps(m, X, x + j * xc, xr, half, j * W, 3 * W)
    for i in range(n):
        taps(m, half, i * 3 * W, W, Y, y + i * yr, yc)


@jit
def tap_gradients_of_filter(m: int, X: Any, x: int, xr: int, xc: int, half: Any, Y: Any, y: int, yr: int, yc: int) -> None:
    """Gᵀ u G: n x n numbers to the gradients of 3 x 3 taps."""
    n, W = m + 2, lanes(X)
    for j in range(n):
        tap_gradients(m, X, x + j * xc, xr, half, j * W, n * W)
    for i in range(3):
        tap_gradients(m, half, i * n * W, W, Y, y + i * yr, yc)


@jit
def corner(t: int, tiles: Any, m: int, top: int, left: int) -> tuple[int, int, int]:
    """Image, row and column of tile t's first pixel, with `tiles` (rows, columns) of tiles in an image."""
    image, rest = divmod(t, tiles[0] * tiles[1])
    return image, rest // tiles[1] * m - top, rest % tiles[1] * m - left


@jit
def lies_inside(r: int, s: int, size: int, H: int, W: int) -> bool:
    """Whether the tile of size x size pixels at (r, s) hangs over no border."""
    return r >= 0 and r + size <= H and s >= 0 and s + size <= W


@jit
def copy_in(X: Any, x: int, r: int, s: int, size: int, H: int, W: int, C: int, patch: Any) -> None:
    """A vector of each of size x size pixels from (r, s) on, which is at X[x], of an image (H, W, C); zeros outside."""
    step, zero = lanes(X), spread(X.dtype.type(0))
    for i in range(size):
        for j in range(size):
            inside = 0 <= r + i < H and 0 <= s + j < W
            store(patch, (i * size + j) * step, load(X, x + (i * W + j) * C) if inside else zero)


@jit
def copy_out(patch: Any, size: int, rows: int, columns: int, Y: Any, y: int, W: int, C: int) -> None:
    """The first rows x columns pixels of a patch of size x size to Y[y], in an image (H, W, C)."""
    step = lanes(Y)
    for i in range(rows):
        for j in range(columns):
            store(Y, y + (i * W + j) * C, load(patch, (i * size + j) * step))


@jit
def finish_pixels(b: Any, o: int, bounds: Any, rows: int, columns: int, Y: Any, y: int, W: int, C: int) -> None:
    """Y[y] += b[o], clipped to `bounds` if there are any, for rows x columns pixels of an image (H, W, C)."""
    for i in range(rows):
        for j in range(columns):
            pixel = y + (i * W + j) * C
            v = load(Y, pixel) + load(b, o)
            store(Y, pixel, clip(v, broadcast(bounds, 0), broadcast(bounds, 1)) if bounds.size else v)
