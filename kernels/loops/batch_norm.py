"""Batch normalisation by its definition (Ioffe & Szegedy 2015, algorithm 1, and the chain rule of sec. 3)."""

from typing import Any

import numpy as np

from minicnn.kernels.loops.activation import rectified, rectified_dx
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
    """Give every channel mean 0 and variance 1, then a learned scale and shift.

        x_hat[n, c, s] = (x[n, c, s] - mean[c]) / sqrt(var[c] + eps)
        y[n, c, s] = gamma[c] x_hat[n, c, s] + beta[c]

    In training, mean and var are those of the M = N S values that the batch has in channel c:

        mean[c] = 1/M sum over n, s of  x[n, c, s]          var[c] = 1/M sum over n, s of  (x[n, c, s] - mean[c])^2

    In evaluation they are the running ones, two constants. No gamma means 1, no beta 0.

    Shapes:
        x (N, C, ...), where s counts the S values behind the channel (S = H W for images); all others (C,) or None.
        Returns y like x, and mean and var (C,).
    """
    values = x.reshape(*x.shape[:2], -1)
    N, C, S = values.shape
    statistics: Any = _mean_and_var(values) if training else (running_mean, running_var)
    mean, var = statistics
    y = np.zeros_like(values)
    for n in range(N):
        for c in range(C):
            for s in range(S):
                y[n, c, s] = (values[n, c, s] - mean[c]) / np.sqrt(var[c] + eps)
                if gamma is not None:
                    y[n, c, s] *= gamma[c]
                if beta is not None:
                    y[n, c, s] += beta[c]
    return (y.reshape(x.shape), mean, var), (x, gamma, mean, var, training, eps)


def batch_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """The chain rule along each way from x to y. Let sigma = sqrt(var + eps) and u = x - mean: x_hat = u / sigma.

    y = gamma x_hat + beta gives dgamma = Σ dy x_hat, dbeta = Σ dy, and dx_hat = gamma dy. In training, x acts on x_hat
    directly, through var and through mean, and each way sends back its share (all sums over the channel):

        dvar  = Σ dx_hat · (-u / (2 sigma³))
        dmean = Σ dx_hat · (-1 / sigma)                         (var's own dependence on mean is -2/M Σ u = 0)
        dx    = dx_hat / sigma + dvar · 2u / M + dmean / M

    In evaluation mean and var are constants, and only the first term of dx is left.
    """
    x, gamma, mean, var, training, eps = saved
    values, dy = x.reshape(*x.shape[:2], -1), dy.reshape(*x.shape[:2], -1)
    N, C, S = values.shape
    dx, dgamma, dbeta, dmean, dvar = (np.zeros_like(a) for a in (values, mean, mean, mean, mean))
    for c in range(C):
        sigma = np.sqrt(var[c] + eps)
        for n in range(N):
            for s in range(S):
                u = values[n, c, s] - mean[c]
                dx_hat = dy[n, c, s] if gamma is None else dy[n, c, s] * gamma[c]
                dgamma[c] += dy[n, c, s] * u / sigma
                dbeta[c] += dy[n, c, s]
                dvar[c] -= dx_hat * u / (2 * sigma**3)
                dmean[c] -= dx_hat / sigma
                dx[n, c, s] = dx_hat / sigma
        if training:
            for n in range(N):
                for s in range(S):
                    dx[n, c, s] += (dvar[c] * 2 * (values[n, c, s] - mean[c]) + dmean[c]) / (N * S)
    gradients = (dx.reshape(x.shape), dgamma, dbeta)
    return (*(gradient if needed else None for gradient, needed in zip(gradients, needs[:3], strict=True)), None, None)


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
    """A batch normalisation and the ReLU behind it as one operation: y = min(max(y, 0), ceiling)."""
    (y, mean, var), saved = batch_norm_forward(x, gamma, beta, running_mean, running_var, training=training, eps=eps)
    y = rectified(y, ceiling)
    return (y, mean, var), (saved, y, ceiling)


def batch_norm_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dy goes on where 0 < y < ceiling."""
    saved, y, ceiling = saved
    return batch_norm_backward(rectified_dx(dy, y, ceiling), saved, needs=needs)


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
    """The end of a residual block as one operation: a batch normalisation, the addition of the shortcut z, and a ReLU.

        y = min(max(batch_norm(x) + z, 0), ceiling)

    Shapes:
        x, z and y (N, C, ...); all others (C,) or None.
    """
    (y, mean, var), saved = batch_norm_forward(x, gamma, beta, running_mean, running_var, training=training, eps=eps)
    y = rectified(y + z, ceiling)
    return (y, mean, var), (saved, y, ceiling)


def batch_norm_add_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dy goes on where 0 < y < ceiling: into both terms of the sum as it is."""
    saved, y, ceiling = saved
    dz = rectified_dx(dy, y, ceiling)
    dx, dgamma, dbeta, *_ = batch_norm_backward(dz, saved, needs=needs[:3])
    return dx, dgamma, dbeta, dz if needs[3] else None, None, None


def _mean_and_var(values: Array) -> tuple[Array, Array]:
    """Of each channel, in two passes: mean(x²) - mean² in one pass would be the difference of two large numbers."""
    N, C, S = values.shape
    mean, var = np.zeros(C, values.dtype), np.zeros(C, values.dtype)
    for c in range(C):
        for n in range(N):
            for s in range(S):
                mean[c] += values[n, c, s] / (N * S)
        for n in range(N):
            for s in range(S):
                var[c] += (values[n, c, s] - mean[c]) ** 2 / (N * S)
    return mean, var
