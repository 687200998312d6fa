"""Group normalisation on a GPU: the passes through the images are those of batch normalisation, with sums for each image. See group_norm.cu."""

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.channels import (
    ENTRIES,
    WARPS,
    found_moments,
    found_sums,
    gradient,
    matrix,
    normalised,
    parameter,
)
from minicnn.kernels.cuda.launch import blocks, launch, real
from minicnn.kernels.cuda.layout import from_rows
from minicnn.kernels.types import Array, Needs, Saved


def group_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, *, groups: int, eps: float
) -> tuple[Array, Saved]:
    """y = gamma (x - mean) / sqrt(var + eps) + beta, with mean and var of a group of channels of one image.

    Shapes:
        x (N, C, ...); gamma and beta (C,) or None, float32 beside an x of 16 bits; y like x.
    """
    N, C = x.shape[:2]
    values, gamma, beta = matrix(x), parameter(gamma), parameter(beta)
    line = array_module(x).empty((ENTRIES, N * C), real(x.dtype))
    found, p = found_moments(N, values)
    args = found, gamma, beta, line, N, len(values) // N, C, groups, p.parts, p.tile, eps
    launch("group_norm", "finish_group_statistics", blocks(N * groups, WARPS), (32, WARPS), args, dtype=x.dtype, macros=p.macros)
    y = normalised(N, values, line, np.nan, np.nan)
    return from_rows(y, x.shape), (values, line, gamma, x.shape, groups)


def group_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dgamma = Σ dy x_hat, dbeta = Σ dy, and with dx_hat = gamma dy and means over the group

        dx = (dx_hat - mean(dx_hat) - x_hat · mean(dx_hat x_hat)) / sigma

    All four sums come from the sums of dy and of dy x_hat over each channel of each image.
    """
    values, line, gamma, shape, groups = saved
    dy = matrix(dy)
    xp, (N, C) = array_module(dy), shape[:2]
    found, p = found_sums(N, dy, values, line, np.nan, np.nan)
    shares, slopes = xp.empty((2, N * C), found.dtype), xp.empty((2, N * C), found.dtype)
    args = found, line, gamma, shares, slopes, N, len(dy) // N, C, groups, p.parts
    launch("group_norm", "finish_group_sums", blocks(N * groups, WARPS), (32, WARPS), args, dtype=dy.dtype, macros=p.macros)
    dx = dgamma = dbeta = None
    if needs[0]:
        dx = from_rows(gradient(N, dy, values, line, slopes, np.nan, np.nan), shape)
    if needs[1] or needs[2]:
        dgamma, dbeta = xp.empty(C, found.dtype), xp.empty(C, found.dtype)
        launch("group_norm", "add_images", blocks(C, WARPS), (32, WARPS), (shares, dgamma, dbeta, N, C), dtype=dy.dtype, macros=p.macros)
    return dx, dgamma if needs[1] else None, dbeta if needs[2] else None
