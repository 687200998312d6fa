"""Layer normalisation in whole-array arithmetic (Ba, Kiros & Hinton 2016)."""

from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array, Needs, Saved


def layer_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, *, ndim: int, eps: float
) -> tuple[Array, Saved]:
    """x_hat = (x - mean) / sqrt(var + eps) with mean and var over the last `ndim` axes, y = gamma x_hat + beta.

    Shapes:
        x (..., *last) with `ndim` last axes; gamma and beta of shape `last`, or None; y like x.
    """
    xp = array_module(x)
    last = tuple(range(x.ndim - ndim, x.ndim))
    u = x - x.mean(axis=last, keepdims=True, dtype=xp.float64).astype(x.dtype)
    inverse = 1 / xp.sqrt(xp.square(u).mean(axis=last, keepdims=True) + eps)
    x_hat = u * inverse
    y = x_hat if gamma is None else x_hat * gamma
    y = y if beta is None else y + beta
    return y, (x_hat, inverse, gamma, last)


def layer_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dgamma = Σ dy x_hat and dbeta = Σ dy over the samples; with dx_hat = gamma dy and means over the last axes

    dx = (dx_hat - mean(dx_hat) - x_hat · mean(dx_hat x_hat)) / sigma
    """
    x_hat, inverse, gamma, last = saved
    samples = tuple(range(last[0]))
    dx = None
    if needs[0]:
        dx_hat = dy if gamma is None else dy * gamma
        along = (dx_hat * x_hat).mean(axis=last, keepdims=True)
        dx = (dx_hat - dx_hat.mean(axis=last, keepdims=True) - x_hat * along) * inverse
    dgamma = (dy * x_hat).sum(axis=samples) if needs[1] else None
    dbeta = dy.sum(axis=samples) if needs[2] else None
    return dx, dgamma, dbeta
