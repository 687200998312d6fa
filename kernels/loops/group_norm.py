"""Group normalisation by its definition (Wu & He 2018, sec. 3); with one group per channel, instance normalisation."""

import numpy as np

from minicnn.kernels.types import Array, Needs, Saved


def group_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, *, groups: int, eps: float
) -> tuple[Array, Saved]:
    """Give every group of channels of every image mean 0 and variance 1, then each channel its scale and shift.

        y[n, c, s] = gamma[c] (x[n, c, s] - mean[n, g]) / sqrt(var[n, g] + eps) + beta[c]

    where g is the group of channel c, and mean and var are those of the M = C/G S values of group g in image n.

    Shapes:
        x (N, C, ...), where s counts the S values behind the channel; gamma and beta (C,) or None; y like x.
    """
    N, C = x.shape[:2]
    u, y = np.zeros_like(x).reshape(N, C, -1), np.zeros_like(x).reshape(N, C, -1)
    sigma = np.zeros((N, groups), x.dtype)
    for n in range(N):
        for g in range(groups):
            members = _members(g, C // groups)
            values = x[n, members].reshape(C // groups, -1)
            mean = sum(values.ravel()) / values.size
            u[n, members] = values - mean
            var = sum(u[n, members].ravel() ** 2) / values.size
            sigma[n, g] = np.sqrt(var + eps)
        for c in range(C):
            for s in range(u.shape[2]):
                y[n, c, s] = u[n, c, s] / sigma[n, c // (C // groups)]
                if gamma is not None:
                    y[n, c, s] *= gamma[c]
                if beta is not None:
                    y[n, c, s] += beta[c]
    return y.reshape(x.shape), (u, sigma, gamma, x.shape)


def group_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """The chain rule along each way from x to y. Let sigma = sqrt(var + eps) and u = x - mean: x_hat = u / sigma.

    dgamma = Σ dy x_hat and dbeta = Σ dy over images and positions. With dx_hat = gamma dy, and sums over one group,

        dvar  = Σ dx_hat · (-u / (2 sigma³))
        dmean = Σ dx_hat · (-1 / sigma)
        dx    = dx_hat / sigma + dvar · 2u / M + dmean / M
    """
    u, sigma, gamma, shape = saved
    N, C, S = u.shape
    dy = dy.reshape(u.shape)
    groups = sigma.shape[1]
    M = C // groups * S
    dx, dgamma, dbeta = np.zeros_like(u), np.zeros(C, u.dtype), np.zeros(C, u.dtype)
    dvar, dmean = np.zeros_like(sigma), np.zeros_like(sigma)
    for n in range(N):
        for c in range(C):
            g = c // (C // groups)
            for s in range(S):
                dx_hat = dy[n, c, s] if gamma is None else dy[n, c, s] * gamma[c]
                dgamma[c] += dy[n, c, s] * u[n, c, s] / sigma[n, g]
                dbeta[c] += dy[n, c, s]
                dvar[n, g] -= dx_hat * u[n, c, s] / (2 * sigma[n, g] ** 3)
                dmean[n, g] -= dx_hat / sigma[n, g]
                dx[n, c, s] = dx_hat / sigma[n, g]
        for c in range(C):
            g = c // (C // groups)
            for s in range(S):
                dx[n, c, s] += (dvar[n, g] * 2 * u[n, c, s] + dmean[n, g]) / M
    gradients = (dx.reshape(shape), dgamma, dbeta)
    return tuple(gradient if needed else None for gradient, needed in zip(gradients, needs, strict=True))


def _members(g: int, size: int) -> slice:
    """The channels of group g."""
    return slice(g * size, (g + 1) * size)
