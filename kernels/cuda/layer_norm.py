"""Layer normalisation on a GPU: threads share a row of the numbers that are normalised together. See layer_norm.cu."""

import math

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.channels import ROWS_OF_TWO, THREADS, WARPS, parameter, plan, vector
from minicnn.kernels.cuda.launch import blocks, launch, real
from minicnn.kernels.cuda.layout import aligned, contiguous
from minicnn.kernels.types import Array, Needs, Saved

LONG = 8  # vectors that a thread of a warp may have; a longer row gets a block
VERY_LONG = 32  # likewise for a thread of a block, which then has as many threads as can be


def layer_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, *, ndim: int, eps: float
) -> tuple[Array, Saved]:
    """y = gamma (x - mean) / sqrt(var + eps) + beta, with mean and var over the last `ndim` axes.

    Shapes:
        x (..., *last) with `ndim` last axes; gamma and beta of shape `last`, or None, float32 beside an x of 16 bits; y like x.
    """
    last = x.shape[x.ndim - ndim :]
    D = math.prod(last)
    values, gamma, beta = aligned(contiguous(x)).reshape(-1, D), parameter(gamma), parameter(beta)
    xp, R = array_module(x), len(values)
    y, statistics = xp.empty((R, D), x.dtype), xp.empty((3, R), real(x.dtype))
    grid, block, macros = _teams(R, D, x.itemsize)
    launch("layer_norm", "normalise_rows", grid, block, (values, gamma, beta, y, statistics, R, D, eps), dtype=x.dtype, macros=macros)
    return y.reshape(x.shape), (values, statistics, gamma, x.shape, last)


def layer_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dgamma = Σ dy x_hat and dbeta = Σ dy over the rows; with dx_hat = gamma dy and means over the row

    dx = (dx_hat - mean(dx_hat) - x_hat · mean(dx_hat x_hat)) / sigma
    """
    values, statistics, gamma, shape, last = saved
    xp, (R, D) = array_module(dy), values.shape
    dy = aligned(contiguous(dy)).reshape(R, D)
    dx = dgamma = dbeta = None
    if needs[0]:
        dx = xp.empty((R, D), dy.dtype)
        grid, block, macros = _teams(R, D, dy.itemsize)
        launch("layer_norm", "row_gradient", grid, block, (dy, values, gamma, statistics, dx, R, D), dtype=dy.dtype, macros=macros)
        dx = dx.reshape(shape)
    if needs[1] or needs[2]:
        p = plan(1, R, D, dy.itemsize, ROWS_OF_TWO, 1)
        found = xp.empty((2, D, p.parts), statistics.dtype)
        dgamma, dbeta = xp.empty(last, statistics.dtype), xp.empty(last, statistics.dtype)
        launch("layer_norm", "column_sums", p.grid, p.block, (dy, values, statistics, found, R, D, p.parts), dtype=dy.dtype, macros=p.macros)
        launch("layer_norm", "add_parts", blocks(D, WARPS), (32, WARPS), (found, dgamma, dbeta, D, p.parts), dtype=dy.dtype, macros=p.macros)
    return dx, dgamma if needs[1] else None, dbeta if needs[2] else None


def _teams(R: int, D: int, itemsize: int) -> tuple[int, tuple[int, int], tuple[str]]:
    """Grid, block and macros: a warp for each row, eight rows a block; or a block for each, with the more threads the longer it is."""
    vectors = D // vector(D, itemsize)
    threads = 32 if vectors <= 32 * LONG else THREADS if vectors <= THREADS * VERY_LONG else 1024
    rows = THREADS // threads or 1
    return blocks(R, rows), (threads, rows), (f"VECTOR={vector(D, itemsize)}",)
