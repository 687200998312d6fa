"""Batch normalisation in whole-array arithmetic (Ioffe & Szegedy 2015)."""

from typing import Any

from minicnn.kernels.array.module import array_module
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
    """x_hat = (x - mean) / sqrt(var + eps), y = gamma x_hat + beta; mean and var of the batch, or the running ones.

    The mean is summed in float64: an error in it would shift every output. The variance is taken around the mean.

    Shapes:
        x (N, C, ...); all others (C,) or None. Returns y like x, and mean and var (C,).
    """
    xp = array_module(x)
    axes = (0, *range(2, x.ndim))
    mean: Any = x.mean(axis=axes, dtype=xp.float64).astype(x.dtype) if training else running_mean
    u = x - per_channel(mean, x)
    var: Any = xp.square(u).mean(axis=axes) if training else running_var
    inverse = 1 / xp.sqrt(var + eps)
    x_hat = u * per_channel(inverse, x)
    y = x_hat if gamma is None else x_hat * per_channel(gamma, x)
    y = y if beta is None else y + per_channel(beta, x)
    return (y, mean, var), (x_hat, inverse, gamma, training)


def batch_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dgamma = Σ dy x_hat, dbeta = Σ dy, and with sigma = sqrt(var + eps)

        dx = gamma / sigma · (dy - dbeta / M - x_hat · dgamma / M)        in training
        dx = gamma / sigma · dy                                           in evaluation

    The first is the chain rule (dx_hat / sigma + dvar 2u / M + dmean / M, see `loops`) after putting in
    dx_hat = gamma dy, dvar = -gamma dgamma / (2 sigma²), dmean = -gamma dbeta / sigma and u = sigma x_hat. In words: of
    dy is removed what would only shift or stretch the whole channel, since normalising undoes both.
    """
    x_hat, inverse, gamma, training = saved
    axes = (0, *range(2, dy.ndim))
    dx = None
    dgamma = (dy * x_hat).sum(axis=axes)
    dbeta = dy.sum(axis=axes)
    if needs[0]:
        M = dy.size // dy.shape[1]
        centred = dy - per_channel(dbeta / M, dy) - x_hat * per_channel(dgamma / M, dy) if training else dy
        dx = centred * per_channel(inverse if gamma is None else gamma * inverse, dy)
    return dx, dgamma if needs[1] else None, dbeta if needs[2] else None, None, None


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
    y = y.clip(0, ceiling)
    return (y, mean, var), (saved, y, ceiling)


def batch_norm_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dy goes on where 0 < y < ceiling."""
    saved, y, ceiling = saved
    return batch_norm_backward(dy * ((y > 0) & (y < ceiling)), saved, needs=needs)


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
    """The end of a residual block as one operation: y = min(max(batch_norm(x) + z, 0), ceiling), with z of x's shape."""
    (y, mean, var), saved = batch_norm_forward(x, gamma, beta, running_mean, running_var, training=training, eps=eps)
    y = (y + z).clip(0, ceiling)
    return (y, mean, var), (saved, y, ceiling)


def batch_norm_add_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dz = dy where 0 < y < ceiling; the others are those of `batch_norm` for dz."""
    saved, y, ceiling = saved
    dz = dy * ((y > 0) & (y < ceiling))
    dx, dgamma, dbeta, *_ = batch_norm_backward(dz, saved, needs=needs[:3])
    return dx, dgamma, dbeta, dz if needs[3] else None, None, None


def move_running(running_mean: Array, running_var: Array, mean: Array, var: Array, *, momentum: float, unbiased: float) -> tuple[Array, Array]:
    """The running statistics after a batch with `mean` and `var`, as new arrays.

        running_mean = (1 - momentum) running_mean + momentum mean
        running_var  = (1 - momentum) running_var  + momentum var unbiased

    All are (C,); `unbiased` is M / (M - 1), for M values in a channel.
    """
    return (1 - momentum) * running_mean + momentum * mean, (1 - momentum) * running_var + momentum * var * unbiased


def per_channel(v: Array, x: Array) -> Array:
    """A vector (C,) in the shape (C, 1, ...) that broadcasts against `x`."""
    return v.reshape(-1, *(1,) * (x.ndim - 2))
