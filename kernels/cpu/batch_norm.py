"""Batch normalisation on a CPU: every image read twice in the forward pass, once for the statistics and once for the result.

With the channels innermost in memory the batch is a matrix (M, C), and all sums go down its columns, several at a time in a vector. Each thread sums its own
rows; the threads' sums are added in order.

The variance comes from one pass: with d = x - shift, it is mean(d²) - mean(d)², for any shift. With shift = 0 all digits that both terms share would be
lost; with a shift from among the channel's own values few are, and the sums are float64. So the shift is the first row of the thread's part, and parts
are merged as Chan, Golub & LeVeque (1983, eq. 2.1) do it.

A mean far from zero has more digits than an element has room for. The part that is rounded off, mean - round(mean), is moved into the shift, which is computed
once per channel: (x - mean) scale + beta = (x - round(mean)) scale + shift.
"""

from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.activation import rectified, rectified_dx
from minicnn.kernels.cpu.jit import jit, jit_counted
from minicnn.kernels.cpu.layout import from_rows, rows
from minicnn.kernels.cpu.threads import over_images, split
from minicnn.kernels.types import Array, Needs, Saved

PASSES = 2  # a number of a batch norm takes as long as so many that are just read or written


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
    """y = gamma (x - mean) / sqrt(var + eps) + beta; mean and var of the batch, or the running ones.

    Shapes:
        x (N, C, ...); all others (C,) or None. Returns y like x, and mean and var (C,).
    """
    return _forward(x, gamma, beta, running_mean, running_var, training, eps, np.nan, np.nan)  # no number is below or above NaN


def batch_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dgamma = Σ dy x_hat, dbeta = Σ dy, and with sigma = sqrt(var + eps)

        dx = gamma / sigma · (dy - dbeta / M - x_hat · dgamma / M)        in training
        dx = gamma / sigma · dy                                           in evaluation

    (derived in `array/batch_norm.py`). First the two sums, then dx = a dy - b (x - mean) - c.
    """
    return _backward(dy, saved, needs)


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
    """Normalised, then min(max(y, 0), ceiling): one journey through memory where the two would be two."""
    return _forward(x, gamma, beta, running_mean, running_var, training, eps, 0, ceiling)


def batch_norm_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """As for `batch_norm`, with dy where 0 < y < ceiling, else 0. What y was is computed again from x, which is read anyway."""
    return _backward(dy, saved, needs)


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
    """y = min(max(batch_norm(x) + z, 0), ceiling), one after the other: here the addition is not joined with the rest."""
    (y, mean, var), saved = batch_norm_forward(x, gamma, beta, running_mean, running_var, training=training, eps=eps)
    np.add(y, z, out=y)
    y = rectified(y, ceiling)
    return (y, mean, var), (saved, y, ceiling)


def batch_norm_add_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dz = dy where 0 < y < ceiling; the others are those of `batch_norm` for dz."""
    saved, y, ceiling = saved
    dz = rectified_dx(dy, y, ceiling)
    dx, dgamma, dbeta, *_ = batch_norm_backward(dz, saved, needs=needs[:3])
    return dx, dgamma, dbeta, dz if needs[3] else None, None, None


def _forward(
    x: Array, gamma: Array | None, beta: Array | None, running_mean: Array | None, running_var: Array | None,
    training: bool, eps: float, low: float, high: float,
) -> tuple[tuple[Array, Array, Array], Saved]:  # fmt: skip
    values = rows(x)
    if training or running_mean is None or running_var is None:
        reference, offset, var = _mean_and_variance(values)
    else:
        reference, offset, var = running_mean.astype(np.float64), np.zeros(1), running_var.astype(np.float64)
    inverse = 1 / np.sqrt(var + eps)
    scale = inverse if gamma is None else gamma * inverse
    centre = (reference + offset).astype(x.dtype)
    rounded_off = reference - centre + offset
    shift = (0 if beta is None else beta) - rounded_off * scale
    y = arena.empty(values.shape, x.dtype)
    line = centre, scale.astype(x.dtype), shift.astype(x.dtype)
    bounds = x.dtype.type(low), x.dtype.type(high)
    over_images(len(values), lambda a, b: _normalise(values[a:b], *line, *bounds, y[a:b]), cost=PASSES * x.size)
    saved = values, x.shape, scale, rounded_off, inverse, training, line, bounds
    return (from_rows(y, x.shape), centre, var.astype(x.dtype)), saved


def _backward(dy: Array, saved: Saved, needs: Needs) -> tuple[Array | None, ...]:
    values, shape, scale, rounded_off, inverse, training, line, bounds = saved
    dy = rows(dy)
    M = len(dy)
    total, moment = _sums(dy, values, line, bounds)
    dgamma = (moment - rounded_off * total) * inverse
    dx = None
    if needs[0]:
        along = scale * inverse * dgamma / M if training else np.zeros_like(scale)
        offset = scale * total / M - along * rounded_off if training else along
        along, offset = along.astype(dy.dtype), offset.astype(dy.dtype)
        centre, slope, shift = line
        low, high = bounds
        dx = arena.empty(values.shape, dy.dtype)

        def work(i: int, j: int) -> None:
            _gradient(dy[i:j], values[i:j], centre, slope, shift, low, high, along, offset, dx[i:j])

        over_images(M, work, cost=PASSES * dy.size)
    return (
        None if dx is None else from_rows(dx, shape),
        dgamma.astype(dy.dtype) if needs[1] else None,
        total.astype(dy.dtype) if needs[2] else None,
        None,
        None,
    )


def _mean_and_variance(x: Array) -> tuple[Array, Array, Array]:
    """Of each column, from those of each thread's rows: the mean as the first row and an offset from it, which has more digits than their sum."""
    M, C = x.shape
    parts = {(start, stop): (np.zeros(C), np.zeros(C)) for start, stop in split(M, PASSES * x.size)}
    over_images(M, lambda start, stop: _moments(x[start:stop], *parts[start, stop]), cost=PASSES * x.size)
    reference = x[0].astype(np.float64)
    count, offset, squares = 0, np.zeros(C), np.zeros(C)
    for (start, stop), (part_offset, part_squares) in parts.items():
        more, delta = stop - start, x[start] - reference + part_offset - offset
        squares = squares + part_squares + delta * delta * count * more / (count + more)
        offset, count = offset + delta * more / (count + more), count + more
    return reference, offset, squares / count


def _sums(dy: Array, x: Array, line: Any, bounds: Any) -> tuple[Array, Array]:
    """Σ dy and Σ dy (x - centre) of each column."""
    M, C = x.shape
    parts = {start: (np.zeros(C), np.zeros(C)) for start, _ in split(M, PASSES * x.size)}
    centre, scale, shift = line
    low, high = bounds

    def work(i: int, j: int) -> None:
        _add_products(dy[i:j], x[i:j], centre, scale, shift, low, high, *parts[i])

    over_images(M, work, cost=PASSES * x.size)
    totals, moments = zip(*parts.values(), strict=True)
    return np.sum(totals, axis=0), np.sum(moments, axis=0)


@jit_counted
def _moments(x: Any, offset: Any, squares: Any) -> None:
    """Fills in how far the mean of each column is from its first number, and the sum of squares around the mean."""
    M, C = x.shape
    first = x[0].astype(np.float64)
    for m in range(M):
        for c in range(C):
            d = x[m, c] - first[c]
            offset[c] += d
            squares[c] += d * d
    for c in range(C):
        squares[c] -= offset[c] * offset[c] / M
        offset[c] /= M


@jit
def _add_products(dy: Any, x: Any, centre: Any, scale: Any, shift: Any, low: Any, high: Any, total: Any, moment: Any) -> None:
    for m in range(x.shape[0]):
        for c in range(x.shape[1]):
            d = x[m, c] - centre[c]
            y = d * scale[c] + shift[c]
            g = 0.0 if y <= low or y >= high else np.float64(dy[m, c])
            total[c] += g
            moment[c] += g * d


@jit
def _normalise(x: Any, centre: Any, scale: Any, shift: Any, low: Any, high: Any, y: Any) -> None:
    for m in range(x.shape[0]):
        for c in range(x.shape[1]):
            v = (x[m, c] - centre[c]) * scale[c] + shift[c]
            v = low if v < low else v  # noqa: FURB136 - max and min do not promise what they do with NaN
            y[m, c] = high if v > high else v  # noqa: FURB136


@jit
def _gradient(
    dy: Any, x: Any, centre: Any, scale: Any, shift: Any, low: Any, high: Any, along: Any, offset: Any, dx: Any
) -> None:
    zero = x.dtype.type(0)
    for m in range(x.shape[0]):
        for c in range(x.shape[1]):
            d = x[m, c] - centre[c]
            y = d * scale[c] + shift[c]
            g = zero if y <= low or y >= high else dy[m, c]
            moved = zero if along[c] == zero else along[c] * d  # in evaluation along is 0, and d may be infinite
            dx[m, c] = scale[c] * g - moved - offset[c]
