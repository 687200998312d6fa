"""Layer normalisation on a CPU: one row at a time, which stays in the cache; the rows are spread over threads."""

import math
from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.moments import moments
from minicnn.kernels.cpu.threads import over_images, split
from minicnn.kernels.types import Array, Needs, Saved


def layer_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, *, ndim: int, eps: float
) -> tuple[Array, Saved]:
    """y = gamma (x - mean) / sqrt(var + eps) + beta, with mean and var over the last `ndim` axes.

    Shapes:
        x (..., *last) with `ndim` last axes; gamma and beta of shape `last`, or None; y like x.
    """
    x = np.ascontiguousarray(x)
    last = x.shape[x.ndim - ndim :]
    rows = x.reshape(-1, math.prod(last))
    D = rows.shape[1]
    gamma = np.ones(D, x.dtype) if gamma is None else np.ascontiguousarray(gamma).reshape(D)
    beta = np.zeros(D, x.dtype) if beta is None else np.ascontiguousarray(beta).reshape(D)
    mean, inverse = np.empty(len(rows)), np.empty(len(rows))
    y = np.empty_like(rows)
    over_images(len(rows), lambda a, b: _forward(rows, gamma, beta, mean, inverse, y, eps, a, b), cost=x.size)
    return y.reshape(x.shape), (rows, x.shape, last, gamma, mean, inverse)


def layer_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dgamma = Σ dy x_hat and dbeta = Σ dy over the rows; with dx_hat = gamma dy and means over the row

        dx = (dx_hat - mean(dx_hat) - x_hat · mean(dx_hat x_hat)) / sigma

    Each thread sums its own rows' dgamma and dbeta; the partial sums are added in order.
    """
    rows, shape, last, gamma, mean, inverse = saved
    dy = np.ascontiguousarray(dy).reshape(rows.shape)
    cost = 2 * dy.size
    dx = np.empty_like(rows)
    parts = {start: np.zeros((2, rows.shape[1])) for start, _ in split(len(rows), cost)}
    over_images(len(rows), lambda a, b: _backward(dy, rows, gamma, mean, inverse, dx, parts[a], a, b), cost)
    dgamma, dbeta = np.sum(list(parts.values()), axis=0)
    return (
        dx.reshape(shape) if needs[0] else None,
        dgamma.astype(dy.dtype).reshape(last) if needs[1] else None,
        dbeta.astype(dy.dtype).reshape(last) if needs[2] else None,
    )


@jit
def _forward(x: Any, gamma: Any, beta: Any, mean: Any, inverse: Any, y: Any, eps: float, start: int, stop: int) -> None:
    """Rows start..stop-1 of x (R, D), gamma and beta (D,); fills mean and inverse (R,)."""
    number = x.dtype.type
    for r in range(start, stop):
        mean[r], squares = moments(x[r])
        inverse[r] = 1 / math.sqrt(squares / x.shape[1] + eps)
        centre, scale = number(mean[r]), number(inverse[r])
        shift = number((mean[r] - centre) * inverse[r])  # what rounding took off the mean
        for d in range(x.shape[1]):
            y[r, d] = ((x[r, d] - centre) * scale - shift) * gamma[d] + beta[d]


@jit
def _backward(
    dy: Any, x: Any, gamma: Any, mean: Any, inverse: Any, dx: Any, parts: Any, start: int, stop: int
) -> None:
    """Rows start..stop-1; adds to parts (2, D), the sums of dy x_hat and of dy."""
    number = x.dtype.type
    D = x.shape[1]
    for r in range(start, stop):
        centre, scale = number(mean[r]), number(inverse[r])
        shift = number((mean[r] - centre) * inverse[r])
        total, moment = 0.0, 0.0  # sums of dx_hat and dx_hat x_hat over the row
        for d in range(D):
            x_hat = (x[r, d] - centre) * scale - shift
            parts[0, d] += dy[r, d] * x_hat
            parts[1, d] += dy[r, d]
            total += gamma[d] * dy[r, d]
            moment += gamma[d] * dy[r, d] * x_hat
        a, b = number(total / D), number(moment / D)
        for d in range(D):
            x_hat = (x[r, d] - centre) * scale - shift
            dx[r, d] = (gamma[d] * dy[r, d] - a - b * x_hat) * scale
