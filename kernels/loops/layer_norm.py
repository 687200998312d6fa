"""Layer normalisation by its definition (Ba, Kiros & Hinton 2016, eq. 3-4)."""

import math

import numpy as np

from minicnn.kernels.types import Array, Needs, Saved


def layer_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, *, ndim: int, eps: float
) -> tuple[Array, Saved]:
    """Give the last `ndim` axes of every sample mean 0 and variance 1, then each element its own scale and shift.

        y[r, d] = gamma[d] (x[r, d] - mean[r]) / sqrt(var[r] + eps) + beta[d]

    where d counts the D elements of the last axes, r all that comes before, and mean and var are those of row r.

    Shapes:
        x (..., *last) with `ndim` last axes; gamma and beta of shape `last`, or None; y like x.
    """
    last = x.shape[x.ndim - ndim :]
    u = np.array(x).reshape(-1, math.prod(last))
    y, sigma = np.zeros_like(u), np.zeros_like(u[:, 0])
    R, D = u.shape
    for r in range(R):
        u[r] -= sum(u[r]) / D
        sigma[r] = np.sqrt(sum(u[r] ** 2) / D + eps)
        for d in range(D):
            y[r, d] = u[r, d] / sigma[r]
            if gamma is not None:
                y[r, d] *= gamma.ravel()[d]
            if beta is not None:
                y[r, d] += beta.ravel()[d]
    return y.reshape(x.shape), (u, sigma, gamma, x.shape, last)


def layer_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """The chain rule along each way from x to y. Let sigma = sqrt(var + eps) and u = x - mean: x_hat = u / sigma.

    dgamma = Σ dy x_hat and dbeta = Σ dy over the rows. With dx_hat = gamma dy, and sums over one row,

        dvar  = Σ dx_hat · (-u / (2 sigma³))
        dmean = Σ dx_hat · (-1 / sigma)
        dx    = dx_hat / sigma + dvar · 2u / D + dmean / D
    """
    u, sigma, gamma, shape, last = saved
    R, D = u.shape
    dy = dy.reshape(R, D)
    dx, dgamma, dbeta = np.zeros_like(u), np.zeros(D, u.dtype), np.zeros(D, u.dtype)
    dvar, dmean = np.zeros_like(sigma), np.zeros_like(sigma)
    for r in range(R):
        for d in range(D):
            dx_hat = dy[r, d] if gamma is None else dy[r, d] * gamma.ravel()[d]
            dgamma[d] += dy[r, d] * u[r, d] / sigma[r]
            dbeta[d] += dy[r, d]
            dvar[r] -= dx_hat * u[r, d] / (2 * sigma[r] ** 3)
            dmean[r] -= dx_hat / sigma[r]
            dx[r, d] = dx_hat / sigma[r]
        for d in range(D):
            dx[r, d] += (dvar[r] * 2 * u[r, d] + dmean[r]) / D
    gradients = (dx.reshape(shape), dgamma.reshape(last), dbeta.reshape(last))
    return tuple(gradient if needed else None for gradient, needed in zip(gradients, needs, strict=True))
