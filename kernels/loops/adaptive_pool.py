"""Adaptive pooling by its definition: the bins are chosen so that the output has the wanted size."""

import numpy as np

from minicnn.kernels.types import Array, Needs, Saved, Window


def adaptive_avg_pool2d_forward(x: Array, *, output_size: Window) -> tuple[Array, Saved]:
    """The mean of each bin.

        y[n, c, p, q] = mean of x[n, c, r, s] over r in bin p of P and s in bin q of Q

    where bin p of P along H pixels goes from floor(p H / P) up to, not including, ceil((p + 1) H / P). Where P does not
    divide H, neighbouring bins share a pixel.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q) with (P, Q) = output_size.
    """
    y = np.zeros((*x.shape[:2], *output_size), x.dtype)
    for n, c, p, q in np.ndindex(y.shape):
        rows, columns = _bin(p, x.shape[2], output_size[0]), _bin(q, x.shape[3], output_size[1])
        for r in rows:
            for s in columns:
                y[n, c, p, q] += x[n, c, r, s]
        y[n, c, p, q] /= len(rows) * len(columns)
    return y, (x, output_size)


def adaptive_avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Each pixel of a bin entered with weight 1 / (size of the bin), so each gets that share of dy."""
    x, output_size = saved
    dx = np.zeros_like(x)
    for n, c, p, q in np.ndindex(dy.shape):
        rows, columns = _bin(p, x.shape[2], output_size[0]), _bin(q, x.shape[3], output_size[1])
        for r in rows:
            for s in columns:
                dx[n, c, r, s] += dy[n, c, p, q] / (len(rows) * len(columns))
    return (dx if needs[0] else None,)


def adaptive_max_pool2d_forward(x: Array, *, output_size: Window) -> tuple[Array, Saved]:
    """The largest pixel of each bin: the first one in row-major order among equals; NaN is larger than everything.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q) with (P, Q) = output_size.
    """
    y = np.empty((*x.shape[:2], *output_size), x.dtype)
    winner = {}
    for n, c, p, q in np.ndindex(y.shape):
        best = None
        for r in _bin(p, x.shape[2], output_size[0]):
            for s in _bin(q, x.shape[3], output_size[1]):
                v = x[n, c, r, s]
                if best is None or v > best or (np.isnan(v) and not np.isnan(best)):
                    best, winner[n, c, p, q] = v, (n, c, r, s)
        y[n, c, p, q] = best
    return y, (x, winner)


def adaptive_max_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """y = x[winner], so the whole gradient of an output goes to the pixel that won."""
    x, winner = saved
    dx = np.zeros_like(x)
    for output, pixel in winner.items():
        dx[pixel] += dy[output]
    return (dx if needs[0] else None,)


def _bin(p: int, size: int, bins: int) -> range:
    """The pixels of bin p."""
    return range(p * size // bins, -(-(p + 1) * size // bins))
