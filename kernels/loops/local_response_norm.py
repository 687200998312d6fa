"""Local response normalisation by its definition (Krizhevsky, Sutskever & Hinton 2012, sec. 3.3)."""

from collections.abc import Iterator

import numpy as np

from minicnn.kernels.types import Array, Needs, Saved


def local_response_norm_forward(x: Array, *, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Saved]:
    """Divide every value by a power of the energy in the channels around it.

        y[n, c, s] = x[n, c, s] / d[n, c, s]^beta,    d[n, c, s] = k + alpha * sum over j of  x[n, j, s]^2

    where j runs over the `size` channels from c - size // 2 to c + (size - 1) // 2, as far as they exist.

    Shapes:
        x (N, C, ...), where s counts the values behind the channel; y like x.
    """
    values = x.reshape(*x.shape[:2], -1)
    d = np.full_like(values, k)
    for n, c, j, s in _neighbours(values.shape, size):
        d[n, c, s] += alpha * values[n, j, s] ** 2
    y = values / d**beta
    return y.reshape(x.shape), (x, d, size, alpha, beta)


def local_response_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """x[n, c, s] acts on its own y as the numerator, and on d of every channel that has it in its window:

        dx[n, c, s] = dy[n, c, s] d[n, c, s]^-beta  +  2 alpha x[n, c, s] Σ dd[n, i, s]
        dd[n, i, s] = -beta dy[n, i, s] x[n, i, s] d[n, i, s]^(-beta - 1)

    with the sum over all channels i whose window holds c.
    """
    x, d, size, alpha, beta = saved
    if not needs[0]:
        return (None,)
    values, dy = x.reshape(d.shape), dy.reshape(d.shape)
    dd = -beta * dy * values * d ** (-beta - 1)
    dx = dy * d**-beta
    for n, c, j, s in _neighbours(values.shape, size):
        dx[n, j, s] += 2 * alpha * values[n, j, s] * dd[n, c, s]
    return (dx.reshape(x.shape),)


def _neighbours(shape: tuple[int, ...], size: int) -> Iterator[tuple[int, ...]]:
    """Image n, channel c, a channel j in its window, position s."""
    N, C, S = shape
    for n in range(N):
        for c in range(C):
            for j in range(c - size // 2, c + (size - 1) // 2 + 1):
                if 0 <= j < C:
                    for s in range(S):
                        yield n, c, j, s
