"""Batch normalisation on a GPU: an image is read twice and written once, in either direction. The kernels are in batch_norm.cu.

What backward needs of the forward pass is x itself, and a table of six numbers a channel (`write_line` in channels.cuh). A normalised image is never kept:
to compute it again is a subtraction and a product for each number, where reading it would be another journey through memory.
"""

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.channels import (
    ELEMENTWISE,
    ENTRIES,
    ROWS_OF_TWO,
    THREADS,
    WARPS,
    found_moments,
    found_sums,
    gradient,
    matrix,
    normalised,
    parameter,
    plan,
    vector,
)
from minicnn.kernels.cuda.launch import blocks, launch, real
from minicnn.kernels.cuda.layout import from_rows
from minicnn.kernels.types import Array, Needs, Saved


def batch_norm_forward(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    *,
    training: bool,
    eps: float,
) -> tuple[tuple[Array, Array, Array], Saved]:
    """y = gamma (x - mean) / sqrt(var + eps) + beta; mean and var of the batch, or the running ones.

    Shapes:
        x (N, C, ...); all others (C,) or None, float32 beside an x of 16 bits. Returns y like x, and mean and var (C,).
    """
    return _forward(x, gamma, beta, running_mean, running_var, training, eps, np.nan, np.nan)  # no number is below or above NaN


def batch_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dgamma = Σ dy x_hat, dbeta = Σ dy, and with sigma = sqrt(var + eps)

        dx = gamma / sigma · (dy - dbeta / M - x_hat · dgamma / M)        in training
        dx = gamma / sigma · dy                                           in evaluation

    (derived in `array/batch_norm.py`). First the two sums, then dx = scale dy - along (x - mean) - offset.
    """
    return _backward(dy, saved, needs)


def batch_norm_relu_forward(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    *,
    training: bool,
    eps: float,
    ceiling: float,
) -> tuple[tuple[Array, Array, Array], Saved]:
    """Normalised, then min(max(y, 0), ceiling), before it is written."""
    return _forward(x, gamma, beta, running_mean, running_var, training, eps, 0.0, float(ceiling))


def batch_norm_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """As for `batch_norm`, with dy where 0 < y < ceiling, else 0. What y was is computed again from x, which is read anyway."""
    return _backward(dy, saved, needs)


def batch_norm_add_relu_forward(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    z: Array,
    running_mean: Array | None,
    running_var: Array | None,
    *,
    training: bool,
    eps: float,
    ceiling: float,
) -> tuple[tuple[Array, Array, Array], Saved]:
    """y = min(max(batch_norm(x) + z, 0), ceiling). Whether y is between the two is noted: one bit for each number, a byte for each vector of channels."""
    values = matrix(x)
    line = _line(values, gamma, beta, running_mean, running_var, training, eps)
    xp, (M, C) = array_module(x), values.shape
    p = plan(1, M, C, x.itemsize, ROWS_OF_TWO, ELEMENTWISE)
    y, mask = xp.empty((M, C), x.dtype), xp.empty((M, C // vector(C, x.itemsize)), np.uint8)
    args = values, matrix(z), line, y, mask, M, C, p.parts, 0.0, float(ceiling)
    launch("batch_norm", "normalise_add", p.grid, p.block, args, dtype=x.dtype, macros=p.macros)
    return (from_rows(y, x.shape), line[0], line[1]), (values, line, mask, x.shape, training)


def batch_norm_add_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dz is dy where 0 < y < ceiling, else 0: it is written while the sums are made. The others as for `batch_norm`, of dz instead of dy."""
    values, line, mask, shape, training = saved
    dy = matrix(dy)
    xp, (M, C) = array_module(dy), values.shape
    p = plan(1, M, C, dy.itemsize, ROWS_OF_TWO, 1)
    dz, found = xp.empty((M, C), dy.dtype), xp.empty((2, C, p.parts), real(dy.dtype))
    launch("batch_norm", "sums_add", p.grid, p.block, (dy, values, mask, line, dz, found, M, C, p.parts), dtype=dy.dtype, macros=p.macros)
    dgamma, dbeta, slopes = _finish_sums(found, line, M, training, dy, p.macros)
    dx = gradient(1, dz, values, line, slopes, np.nan, np.nan) if needs[0] else None
    return (
        None if dx is None else from_rows(dx, shape),
        dgamma if needs[1] else None,
        dbeta if needs[2] else None,
        from_rows(dz, shape) if needs[3] else None,
        None,
        None,
    )


def move_running(running_mean: Array, running_var: Array, mean: Array, var: Array, *, momentum: float, unbiased: float) -> tuple[Array, Array]:
    """The running statistics after this batch, as new arrays, in one launch.

        running_mean = (1 - momentum) running_mean + momentum mean
        running_var  = (1 - momentum) running_var  + momentum var unbiased

    All are (C,); `unbiased` is M / (M - 1), for M values in a channel.
    """
    xp, C = array_module(mean), len(mean)
    new_mean, new_var = xp.empty(C, mean.dtype), xp.empty(C, mean.dtype)
    args = parameter(running_mean), parameter(running_var), mean, var, new_mean, new_var, C, momentum, unbiased
    launch("batch_norm", "move_running", blocks(C, THREADS), THREADS, args, dtype=mean.dtype, macros=("VECTOR=1",))
    return new_mean, new_var


def _forward(
    x: Array, gamma: Array | None, beta: Array | None, running_mean: Array | None, running_var: Array | None,
    training: bool, eps: float, low: float, high: float,
) -> tuple[tuple[Array, Array, Array], Saved]:  # fmt: skip
    values = matrix(x)
    line = _line(values, gamma, beta, running_mean, running_var, training, eps)
    y = normalised(1, values, line, low, high)
    return (from_rows(y, x.shape), line[0], line[1]), (values, line, x.shape, training, low, high)


def _backward(dy: Array, saved: Saved, needs: Needs) -> tuple[Array | None, ...]:
    values, line, shape, training, low, high = saved
    dy = matrix(dy)
    dx = dgamma = dbeta = slopes = None
    if training or needs[1] or needs[2]:
        found, p = found_sums(1, dy, values, line, low, high)
        dgamma, dbeta, slopes = _finish_sums(found, line, len(dy), training, dy, p.macros)
    if needs[0]:
        dx = from_rows(gradient(1, dy, values, line, slopes, low, high), shape)
    return dx, dgamma if needs[1] else None, dbeta if needs[2] else None, None, None


def _line(
    x: Array, gamma: Array | None, beta: Array | None, running_mean: Array | None, running_var: Array | None, training: bool, eps: float
) -> Array:
    """The table (6, C) with which x (M, C) is normalised."""
    M, C = x.shape
    gamma, beta = parameter(gamma), parameter(beta)
    line: Array = array_module(x).empty((ENTRIES, C), real(x.dtype))
    if not training:
        running = parameter(running_mean), parameter(running_var), gamma, beta, line, C, eps
        macros = (f"VECTOR={vector(C, x.itemsize)}",)
        launch("batch_norm", "line_of_running", blocks(C, THREADS), THREADS, running, dtype=x.dtype, macros=macros)
        return line
    found, p = found_moments(1, x)
    args = found, gamma, beta, line, M, C, p.parts, p.tile, eps
    launch("batch_norm", "finish_statistics", blocks(C, WARPS), (32, WARPS), args, dtype=x.dtype, macros=p.macros)
    return line


def _finish_sums(found: Array, line: Array, M: int, training: bool, x: Array, macros: tuple[str, ...]) -> tuple[Array, Array, Array]:
    """dgamma (C,), dbeta (C,), and the slopes (2, C) of dx."""
    _, C, parts = found.shape
    xp = array_module(found)
    dgamma, dbeta, slopes = xp.empty(C, found.dtype), xp.empty(C, found.dtype), xp.empty((2, C), found.dtype)
    args = found, line, dgamma, dbeta, slopes, M, C, parts, int(training)
    launch("batch_norm", "finish_sums", blocks(C, WARPS), (32, WARPS), args, dtype=x.dtype, macros=macros)
    return dgamma, dbeta, slopes
