"""Group normalisation on a CPU: a group of one image is one piece of memory; the groups are spread over threads."""

import math
from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit_counted
from minicnn.kernels.cpu.moments import moments, sums
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.types import Array, Needs, Saved


def group_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, *, groups: int, eps: float
) -> tuple[Array, Saved]:
    """y = gamma (x - mean) / sqrt(var + eps) + beta, with mean and var of a group of channels of one image.

    Shapes:
        x (N, C, ...); gamma and beta (C,) or None; y like x.
    """
    x = np.ascontiguousarray(x)
    N, C = x.shape[:2]
    values = x.reshape(N * groups, C // groups, -1)
    scale = np.ones(C) if gamma is None else gamma.astype(np.float64)
    shift = np.zeros(C) if beta is None else beta.astype(np.float64)
    scale, shift = scale.reshape(groups, -1), shift.reshape(groups, -1)
    mean, inverse = np.empty(N * groups), np.empty(N * groups)
    y = np.empty_like(values)
    over_images(N * groups, lambda a, b: _forward(values, scale, shift, mean, inverse, y, eps, a, b), cost=x.size)
    return y.reshape(x.shape), (values, x.shape, scale, mean, inverse)


def group_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dgamma = Σ dy x_hat, dbeta = Σ dy, and with dx_hat = gamma dy and means over the group

        dx = (dx_hat - mean(dx_hat) - x_hat · mean(dx_hat x_hat)) / sigma

    All four sums come from the sums of dy and of dy x_hat over each channel of each image.
    """
    values, shape, gamma, mean, inverse = saved
    dy = np.ascontiguousarray(dy).reshape(values.shape)
    dx = np.empty_like(values) if needs[0] else values[:0]
    dgamma, dbeta = np.empty(values.shape[:2]), np.empty(values.shape[:2])  # the parts of each image
    over_images(
        len(values),
        lambda a, b: _backward(dy, values, gamma, mean, inverse, dx, dgamma, dbeta, a, b),
        cost=2 * dy.size,
    )
    return (
        dx.reshape(shape) if needs[0] else None,
        dgamma.reshape(shape[:2]).sum(axis=0).astype(dy.dtype) if needs[1] else None,
        dbeta.reshape(shape[:2]).sum(axis=0).astype(dy.dtype) if needs[2] else None,
    )


@jit_counted
def _forward(x: Any, gamma: Any, beta: Any, mean: Any, inverse: Any, y: Any, eps: float, start: int, stop: int) -> None:
    """Groups start..stop-1 of x (N G, C/G, S), gamma and beta (G, C/G); fills mean and inverse (N G,)."""
    number = x.dtype.type
    _, channels, S = x.shape
    for r in range(start, stop):
        g = r % len(gamma)
        mean[r], squares = moments(x[r].ravel())
        inverse[r] = 1 / math.sqrt(squares / (channels * S) + eps)
        centre = number(mean[r])
        for c in range(channels):
            scale = gamma[g, c] * inverse[r]
            a, shift = number(scale), number(beta[g, c] - (mean[r] - centre) * scale)
            for s in range(S):
                y[r, c, s] = (x[r, c, s] - centre) * a + shift


@jit_counted
def _backward(
    dy: Any, x: Any, gamma: Any, mean: Any, inverse: Any, dx: Any, dgamma: Any, dbeta: Any, start: int, stop: int
) -> None:
    """Groups start..stop-1; dx without groups is not wanted."""
    number = x.dtype.type
    _, channels, S = x.shape
    for r in range(start, stop):
        g = r % len(gamma)
        centre = number(mean[r])
        rounded_off = mean[r] - centre
        total, moment = 0.0, 0.0  # sums of dx_hat and dx_hat x_hat over the group
        for c in range(channels):
            dbeta[r, c], moment_c = sums(dy[r, c], x[r, c], centre)
            dgamma[r, c] = (moment_c - rounded_off * dbeta[r, c]) * inverse[r]
            total += gamma[g, c] * dbeta[r, c]
            moment += gamma[g, c] * dgamma[r, c]
        along = inverse[r] ** 2 * moment / (channels * S)
        b, shift = number(along), number(inverse[r] * total / (channels * S) - along * rounded_off)
        if len(dx):
            for c in range(channels):
                a = number(gamma[g, c] * inverse[r])
                for s in range(S):
                    dx[r, c, s] = a * dy[r, c, s] - b * (x[r, c, s] - centre) - shift
