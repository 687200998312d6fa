"""The matrix product, which is what a convolution spends its time in: compiled Python at the speed of a BLAS.

Why not call BLAS? Its product is as fast, but it is a call from Python, with one more pass over the memory: operands are copied ("packed") into
the order in which they will be read. A convolution *makes* its operands, so it can make them in that order; and whole layers stay in compiled
code, without the interpreter, so that two threads do not wait for each other.

The arithmetic of the kernel. A core multiplies and adds two vectors in every cycle, and can load two. C += A B, done as the textbook does, loads
two numbers for each multiplication. So a tile of C is held in registers: 6 rows times 2 vectors are 12 sums. For each k, two vectors of B and six
numbers of A are loaded, and one that says where they are (9 loads), and used for 12 fused multiply-adds: 6 cycles, of which the loads need 4.5. Twelve
sums also hide that an fma takes four cycles: 2 x 4 = 8 must be under way at once. And 12 + 2 + 1 registers of 16 are all that there are.

Layouts, of arrays that are seen as one-dimensional:

    A              a table of rows and one of columns: A[m, k] is at a + rows[m] + columns[k]. So A need not be a matrix at all: the windows of a
                   convolution are one that nobody has written down. The tables cost one load more for twelve multiply-adds
    panels of B    B (K, N) in strips of TILE columns: B[k, n] is at (n // TILE) K TILE + k TILE + n % TILE, zeros behind column N
"""

from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.runs import copy_exactly
from minicnn.kernels.cpu.vector import broadcast, clip, fma, lanes, load, store

ROWS = 6  # of a tile of C
LINE = 64  # bytes that travel between memory and cache together


def tile_columns(dtype: Any) -> int:
    """Columns of a tile of C: two vectors.

    >>> tile_columns(np.float32), tile_columns(np.float64)
    (16, 8)
    """
    return LINE // np.dtype(dtype).itemsize


def whole_tiles(columns: int, dtype: Any) -> int:
    """`columns`, rounded up to whole tiles.

    >>> whole_tiles(24, np.float32)
    32
    """
    tile = tile_columns(dtype)
    return -(-columns // tile) * tile


def whole_vectors(columns: int, dtype: Any) -> int:
    """`columns`, rounded up to whole vectors.

    >>> whole_vectors(24, np.float32)
    24
    """
    vector = tile_columns(dtype) // 2
    return -(-columns // vector) * vector


@jit
def row_length(columns: int, itemsize: int) -> int:
    """How far apart rows of a workspace should be: an odd number of cache lines.

    A cache has a place for a line by its address: lines whose addresses differ by a power of two compete for the same few places. With rows of
    2048 bytes, the cache would hold 16 of them; with an odd number of lines, all.

    >>> row_length(64, 4), row_length(100, 4)
    (80, 112)
    """
    tile = LINE // itemsize
    return (-(-columns // tile) | 1) * tile


@jit
def product(
    A: Any, a: int, rows: Any, M: int, columns: Any, B: Any, b: int, bias: Any, bounds: Any, C: Any, c: int, ldc: int, N: int, edge: Any
) -> None:
    """C = A B + bias, M rows and N columns: a, b and c say where each begins, ldc how far the rows of C are apart.

    The table of rows has whole tiles, bias a number for each column of whole tiles.

    Strip by strip of B, which stays in the first cache while all of A passes by. Where a tile hangs over the edge of C, it is computed in `edge`
    (ROWS x a strip's columns) and what belongs to C is copied; but if what hangs over will be overwritten by the rows that follow, it may. With `bounds`
    (low, high), results are clipped while they are still in registers: a ReLU for nothing; without, it is empty.
    """
    W, K = lanes(B), columns.size
    tile, origin = 2 * W, 0 * N  # for a literal 0, Numba would compile the tiles once more
    for n in range(0, N, tile):
        narrow = n + W >= N  # the second vector of the strip has no columns
        fits = n + W == N if narrow else n + tile <= N
        for m in range(0, M, ROWS):
            direct = m + ROWS <= M and (fits or (N < W and ldc == N and (m + ROWS - 1) * N + W <= M * N))
            if direct and narrow:
                _narrow_tile_of_rows(A, a, rows, m, columns, B, b + n * K, bias, n, bounds, C, c + m * ldc + n, ldc)
            elif direct:
                _tile_of_rows(A, a, rows, m, columns, B, b + n * K, bias, n, bounds, C, c + m * ldc + n, ldc)
            else:
                if narrow:
                    _narrow_tile_of_rows(A, a, rows, m, columns, B, b + n * K, bias, n, bounds, edge, origin, tile)
                else:
                    _tile_of_rows(A, a, rows, m, columns, B, b + n * K, bias, n, bounds, edge, origin, tile)
                for i in range(min(ROWS, M - m)):
                    copy_exactly(edge, i * tile, C, c + (m + i) * ldc + n, min(tile, N - n))


@jit
def add_product_of_columns(
    A: Any, a: int, rows: Any, K: int, columns: Any, B: Any, b: int, ldb: int, C: Any, c: int, ldc: int, N: int
) -> None:
    """C += Aᵀ B, with K rows of A and of B (K, N), whose rows lie ldb apart; whole tiles of A's columns, and N a multiple of a vector."""
    W = lanes(B)
    for n in range(0, N, 2 * W):
        for m in range(0, columns.size, ROWS):
            if n + W < N:
                _tile_of_columns(A, a, rows, K, columns, m, B, b + n, ldb, C, c + m * ldc + n, ldc)
            else:
                _narrow_tile_of_columns(A, a, rows, K, columns, m, B, b + n, ldb, C, c + m * ldc + n, ldc)


@jit
def _tile_of_rows(
    A: Any, a: int, rows: Any, m: int, columns: Any, B: Any, b: int, bias: Any, n: int, bounds: Any, C: Any, c: int, ldc: int
) -> None:
    """One tile of C = A B + bias."""
    W = lanes(B)
    a0, a1, a2, a3, a4, a5 = _six(a, rows, m)
    c00 = c10 = c20 = c30 = c40 = c50 = load(bias, n)
    c01 = c11 = c21 = c31 = c41 = c51 = load(bias, n + W)
    for k in range(columns.size):
        at = columns[k]
        b0, b1 = load(B, b + 2 * W * k), load(B, b + 2 * W * k + W)
        x = broadcast(A, a0 + at)
        c00, c01 = fma(x, b0, c00), fma(x, b1, c01)
        x = broadcast(A, a1 + at)
        c10, c11 = fma(x, b0, c10), fma(x, b1, c11)
        x = broadcast(A, a2 + at)
        c20, c21 = fma(x, b0, c20), fma(x, b1, c21)
        x = broadcast(A, a3 + at)
        c30, c31 = fma(x, b0, c30), fma(x, b1, c31)
        x = broadcast(A, a4 + at)
        c40, c41 = fma(x, b0, c40), fma(x, b1, c41)
        x = broadcast(A, a5 + at)
        c50, c51 = fma(x, b0, c50), fma(x, b1, c51)
    if bounds.size:
        low, high = broadcast(bounds, 0), broadcast(bounds, 1)
        c00, c01, c10, c11 = clip(c00, low, high), clip(c01, low, high), clip(c10, low, high), clip(c11, low, high)
        c20, c21, c30, c31 = clip(c20, low, high), clip(c21, low, high), clip(c30, low, high), clip(c31, low, high)
        c40, c41, c50, c51 = clip(c40, low, high), clip(c41, low, high), clip(c50, low, high), clip(c51, low, high)
    _put(C, c, W, c00, c01)
    _put(C, c + ldc, W, c10, c11)
    _put(C, c + 2 * ldc, W, c20, c21)
    _put(C, c + 3 * ldc, W, c30, c31)
    _put(C, c + 4 * ldc, W, c40, c41)
    _put(C, c + 5 * ldc, W, c50, c51)


@jit
def _narrow_tile_of_rows(
    A: Any, a: int, rows: Any, m: int, columns: Any, B: Any, b: int, bias: Any, n: int, bounds: Any, C: Any, c: int, ldc: int
) -> None:
    """The left half of a tile. Six sums hide less of an fma's four cycles than twelve, but it is still faster than the whole."""
    W = lanes(B)
    a0, a1, a2, a3, a4, a5 = _six(a, rows, m)
    c0 = c1 = c2 = c3 = c4 = c5 = load(bias, n)
    for k in range(columns.size):
        at, v = columns[k], load(B, b + 2 * W * k)
        c0 = fma(broadcast(A, a0 + at), v, c0)
        c1 = fma(broadcast(A, a1 + at), v, c1)
        c2 = fma(broadcast(A, a2 + at), v, c2)
        c3 = fma(broadcast(A, a3 + at), v, c3)
        c4 = fma(broadcast(A, a4 + at), v, c4)
        c5 = fma(broadcast(A, a5 + at), v, c5)
    if bounds.size:
        low, high = broadcast(bounds, 0), broadcast(bounds, 1)
        c0, c1, c2 = clip(c0, low, high), clip(c1, low, high), clip(c2, low, high)
        c3, c4, c5 = clip(c3, low, high), clip(c4, low, high), clip(c5, low, high)
    _put_six(C, c, ldc, c0, c1, c2, c3, c4, c5)


@jit
def _tile_of_columns(
    A: Any, a: int, rows: Any, K: int, columns: Any, m: int, B: Any, b: int, ldb: int, C: Any, c: int, ldc: int
) -> None:
    """One tile of C += Aᵀ B."""
    W = lanes(B)
    a0, a1, a2, a3, a4, a5 = _six(a, columns, m)
    c00, c01 = load(C, c), load(C, c + W)
    c10, c11 = load(C, c + ldc), load(C, c + ldc + W)
    c20, c21 = load(C, c + 2 * ldc), load(C, c + 2 * ldc + W)
    c30, c31 = load(C, c + 3 * ldc), load(C, c + 3 * ldc + W)
    c40, c41 = load(C, c + 4 * ldc), load(C, c + 4 * ldc + W)
    c50, c51 = load(C, c + 5 * ldc), load(C, c + 5 * ldc + W)
    for k in range(K):
        at, j = rows[k], b + k * ldb
        b0, b1 = load(B, j), load(B, j + W)
        x = broadcast(A, a0 + at)
        c00, c01 = fma(x, b0, c00), fma(x, b1, c01)
        x = broadcast(A, a1 + at)
        c10, c11 = fma(x, b0, c10), fma(x, b1, c11)
        x = broadcast(A, a2 + at)
        c20, c21 = fma(x, b0, c20), fma(x, b1, c21)
        x = broadcast(A, a3 + at)
        c30, c31 = fma(x, b0, c30), fma(x, b1, c31)
        x = broadcast(A, a4 + at)
        c40, c41 = fma(x, b0, c40), fma(x, b1, c41)
        x = broadcast(A, a5 + at)
        c50, c51 = fma(x, b0, c50), fma(x, b1, c51)
    _put(C, c, W, c00, c01)
    _put(C, c + ldc, W, c10, c11)
    _put(C, c + 2 * ldc, W, c20, c21)
    _put(C, c + 3 * ldc, W, c30, c31)
    _put(C, c + 4 * ldc, W, c40, c41)
    _put(C, c + 5 * ldc, W, c50, c51)


@jit
def _narrow_tile_of_columns(
    A: Any, a: int, rows: Any, K: int, columns: Any, m: int, B: Any, b: int, ldb: int, C: Any, c: int, ldc: int
) -> None:
    """The left half of a tile."""
    a0, a1, a2, a3, a4, a5 = _six(a, columns, m)
    c0, c1, c2 = load(C, c), load(C, c + ldc), load(C, c + 2 * ldc)
    c3, c4, c5 = load(C, c + 3 * ldc), load(C, c + 4 * ldc), load(C, c + 5 * ldc)
    for k in range(K):
        at, v = rows[k], load(B, b + k * ldb)
        c0 = fma(broadcast(A, a0 + at), v, c0)
        c1 = fma(broadcast(A, a1 + at), v, c1)
        c2 = fma(broadcast(A, a2 + at), v, c2)
        c3 = fma(broadcast(A, a3 + at), v, c3)
        c4 = fma(broadcast(A, a4 + at), v, c4)
        c5 = fma(broadcast(A, a5 + at), v, c5)
    _put_six(C, c, ldc, c0, c1, c2, c3, c4, c5)


@jit
def _six(a: int, table: Any, m: int) -> tuple[int, int, int, int, int, int]:
    """Where the six rows, or columns, of A from m on begin."""
    return a + table[m], a + table[m + 1], a + table[m + 2], a + table[m + 3], a + table[m + 4], a + table[m + 5]


@jit
def _put_six(C: Any, c: int, ldc: int, c0: Any, c1: Any, c2: Any, c3: Any, c4: Any, c5: Any) -> None:
    store(C, c, c0)
    store(C, c + ldc, c1)
    store(C, c + 2 * ldc, c2)
    store(C, c + 3 * ldc, c3)
    store(C, c + 4 * ldc, c4)
    store(C, c + 5 * ldc, c5)


@jit
def _put(C: Any, c: int, W: int, left: Any, right: Any) -> None:
    store(C, c, left)
    store(C, c + W, right)
