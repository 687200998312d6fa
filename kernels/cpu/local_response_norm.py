"""Local response normalisation on a CPU: image by image in threads, the windows summed a channel at a time.

The sum over a window is taken afresh for every channel, in `size` additions of whole channels. A running sum (add the
channel that enters, subtract the one that leaves) would save some, but lose digits where a large value has passed.
"""

from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.types import Array, Needs, Saved


def local_response_norm_forward(x: Array, *, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Saved]:
    """y = x · d^-beta, with d = k + alpha · (sum of x² over the channels from c - size // 2 to c + (size - 1) // 2).

    Shapes:
        x (N, C, ...); y like x.
    """
    x = np.ascontiguousarray(x)
    values = x.reshape(*x.shape[:2], -1)
    d, power, y = (np.empty_like(values) for _ in range(3))

    def images(start: int, stop: int) -> None:
        for n in range(start, stop):
            _window_sum(values[n] * values[n], size // 2, (size - 1) // 2, d[n])
            d[n] *= alpha
            d[n] += k
            np.power(d[n], -beta, out=power[n])
            np.multiply(values[n], power[n], out=y[n])

    over_images(len(values), images, cost=x.size * (size + 20))
    return y.reshape(x.shape), (values, d, power, x.shape, size, alpha, beta)


def local_response_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy · d^-beta + 2 alpha x · (sum of dd over the mirrored window), with dd = -beta dy x d^(-beta - 1)."""
    values, d, power, shape, size, alpha, beta = saved
    if not needs[0]:
        return (None,)
    dy = np.ascontiguousarray(dy).reshape(values.shape)
    dx = np.empty_like(values)

    def images(start: int, stop: int) -> None:
        for n in range(start, stop):
            direct = dy[n] * power[n]
            _window_sum(direct * values[n] / d[n], (size - 1) // 2, size // 2, dx[n])
            dx[n] *= values[n]
            dx[n] *= -2 * alpha * beta
            dx[n] += direct

    over_images(len(values), images, cost=dy.size * (size + 5))
    return (dx.reshape(shape),)


@jit
def _window_sum(x: Any, before: int, after: int, total: Any) -> None:
    """total[c] = Σ x[j] over the channels j from c - before to c + after that exist; x and total (C, S)."""
    C, S = x.shape
    for c in range(C):
        total[c] = 0
        for j in range(max(0, c - before), min(C, c + after + 1)):
            for s in range(S):
                total[c, s] += x[j, s]
