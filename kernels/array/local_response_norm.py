"""Local response normalisation in whole-array arithmetic (Krizhevsky, Sutskever & Hinton 2012, sec. 3.3)."""

from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array, Needs, Saved


def local_response_norm_forward(x: Array, *, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Saved]:
    """y = x · d^-beta, with d = k + alpha · (sum of x² over the channels from c - size // 2 to c + (size - 1) // 2).

    Shapes:
        x (N, C, ...); y like x.
    """
    xp = array_module(x)
    d = k + alpha * window_sum(xp.square(x), before=size // 2, after=(size - 1) // 2)
    power = d**-beta
    return x * power, (x, d, power, size, alpha, beta)


def local_response_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """x[c] is the numerator of y[c], and a term of d[i] for every i whose window holds c:

        dx = dy · d^-beta + 2 alpha x · (sum of dd over the channels from c - (size - 1) // 2 to c + size // 2)
        dd = -beta dy x d^(-beta - 1)

    The sum runs over the mirrored window: c is in the window of i where i is in the mirrored window of c.
    """
    x, d, power, size, alpha, beta = saved
    if not needs[0]:
        return (None,)
    dd = -beta * dy * x * power / d
    return (dy * power + 2 * alpha * x * window_sum(dd, before=(size - 1) // 2, after=size // 2),)


def window_sum(x: Array, before: int, after: int) -> Array:
    """Sum over the channels from c - before to c + after, for every c; channels that do not exist count as zero."""
    xp = array_module(x)
    C = x.shape[1]
    padded = xp.pad(x, ((0, 0), (before, after), *((0, 0),) * (x.ndim - 2)))
    total = padded[:, :C].copy()
    for shift in range(1, before + after + 1):
        total += padded[:, shift : shift + C]
    return total
