"""Local response normalisation on a GPU: channels are neighbours in memory, and a window is a piece of a row. See local_response_norm.cu.

Only x is kept for backward: to compute the sums over windows again costs less than to read them.
"""


from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.channels import THREADS
from minicnn.kernels.cuda.launch import blocks, launch, real
from minicnn.kernels.cuda.layout import from_rows, rows
from minicnn.kernels.types import Array, Needs, Saved


def local_response_norm_forward(x: Array, *, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Saved]:
    """y = x · d^-beta, with d = k + alpha · (sum of x² over the channels from c - size // 2 to c + (size - 1) // 2).

    Shapes:
        x (N, C, ...); y like x.
    """
    values = rows(x)
    M, C = values.shape
    y = array_module(x).empty((M, C), x.dtype)
    window = min(size // 2, C - 1), min((size - 1) // 2, C - 1), float(alpha), float(beta), float(k)
    launch("local_response_norm", "normalise", *_blocks(M, C), (values, y, M, C, *window), dtype=x.dtype)
    return from_rows(y, x.shape), (values, x.shape, window)


def local_response_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy · d^-beta + 2 alpha x · (sum of dd over the mirrored window), with dd = -beta dy x d^(-beta - 1)."""
    values, shape, window = saved
    if not needs[0]:
        return (None,)
    dy = rows(dy)
    M, C = values.shape
    dx = array_module(dy).empty((M, C), dy.dtype)
    grid, block = _blocks(M, C)
    before, after, *_ = window
    shared = block[1] * (block[0] + before + after) * real(dy.dtype).itemsize
    launch("local_response_norm", "gradient", grid, block, (dy, values, dx, M, C, *window), dtype=dy.dtype, shared=shared)
    return (from_rows(dx, shape),)


def _blocks(M: int, C: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Grid and block: up to 128 threads along the channels, and as many rows as a block has room for."""
    width = -(-C // blocks(C, 128))
    height = THREADS // width
    return (blocks(M, height), blocks(C, width)), (width, height)
