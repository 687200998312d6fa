"""Group normalisation in whole-array arithmetic (Wu & He 2018); with one group per channel, instance normalisation."""

from minicnn.kernels.array.batch_norm import per_channel
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array, Needs, Saved


def group_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, *, groups: int, eps: float
) -> tuple[Array, Saved]:
    """A group of channels of one image is a row: x_hat = (row - mean) / sqrt(var + eps), y = gamma x_hat + beta.

    Shapes:
        x (N, C, ...); gamma and beta (C,) or None; y like x.
    """
    xp = array_module(x)
    rows = x.reshape(x.shape[0], groups, -1)
    u = rows - rows.mean(axis=2, keepdims=True, dtype=xp.float64).astype(x.dtype)
    inverse = 1 / xp.sqrt(xp.square(u).mean(axis=2, keepdims=True) + eps)
    x_hat = (u * inverse).reshape(x.shape)
    y = x_hat if gamma is None else x_hat * per_channel(gamma, x)
    y = y if beta is None else y + per_channel(beta, x)
    return y, (x_hat, inverse, gamma)


def group_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dgamma = Σ dy x_hat, dbeta = Σ dy, and with dx_hat = gamma dy and means over the row

        dx = (dx_hat - mean(dx_hat) - x_hat · mean(dx_hat x_hat)) / sigma

    gamma varies inside the row, which is why it cannot be taken out as in batch normalisation.
    """
    x_hat, inverse, gamma = saved
    axes = (0, *range(2, dy.ndim))
    dx = None
    if needs[0]:
        rows = (*inverse.shape[:2], -1)
        dx_hat = (dy if gamma is None else dy * per_channel(gamma, dy)).reshape(rows)
        x_rows = x_hat.reshape(rows)
        along = (dx_hat * x_rows).mean(axis=2, keepdims=True)
        dx = ((dx_hat - dx_hat.mean(axis=2, keepdims=True) - x_rows * along) * inverse).reshape(dy.shape)
    dgamma = (dy * x_hat).sum(axis=axes) if needs[1] else None
    dbeta = dy.sum(axis=axes) if needs[2] else None
    return dx, dgamma, dbeta
