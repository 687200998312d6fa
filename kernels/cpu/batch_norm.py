"""Batch normalisation on a CPU: channel by channel, each read from memory once, the channels spread over threads.

The batch's mean and variance grow image by image: the moments of the next image's part of the channel, taken in the
cache, are merged with those so far (Chan, Golub & LeVeque 1983, eq. 2.1). All sums are float64.

A mean far from zero has more digits than a float32. The part that is rounded off, mean - round(mean), is moved into the
shift, which is computed once per channel: (x - mean) scale + beta = (x - round(mean)) scale + shift.
"""

import math
from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.moments import moments, sums
from minicnn.kernels.cpu.threads import over_images
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
    """y = gamma (x - mean) / sqrt(var + eps) + beta; mean and var of the batch, or the running ones.

    Shapes:
        x (N, C, ...); all others (C,) or None. Returns y like x, and mean and var (C,).
    """
    values = _values(x)
    C = x.shape[1]
    scale = np.ones(C) if gamma is None else gamma.astype(np.float64)
    shift = np.zeros(C) if beta is None else beta.astype(np.float64)
    mean = np.empty(C) if running_mean is None or training else running_mean.astype(np.float64)
    var = np.empty(C) if running_var is None or training else running_var.astype(np.float64)
    y = np.empty_like(values)
    over_images(C, lambda a, b: _forward(values, scale, shift, mean, var, y, eps, training, a, b), cost=x.size)
    saved = values, x.shape, scale, mean, 1 / np.sqrt(var + eps), training
    return (_shaped(y, x.shape), mean.astype(x.dtype), var.astype(x.dtype)), saved


def batch_norm_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dgamma = Σ dy x_hat, dbeta = Σ dy, and with sigma = sqrt(var + eps)

        dx = gamma / sigma · (dy - dbeta / M - x_hat · dgamma / M)        in training
        dx = gamma / sigma · dy                                           in evaluation

    (derived in `array/batch_norm.py`). Of each channel, first the two sums, then dx = a dy + b (x - mean) + c.
    """
    values, shape, gamma, mean, inverse, training = saved
    dy = _values(dy)
    dx = np.empty_like(values) if needs[0] else values[:0]
    dgamma, dbeta = np.empty_like(mean), np.empty_like(mean)
    over_images(
        len(mean),
        lambda a, b: _backward(dy, values, gamma, mean, inverse, dx, dgamma, dbeta, training, a, b),
        cost=2 * dy.size,
    )
    return (
        _shaped(dx, shape) if needs[0] else None,
        dgamma.astype(dy.dtype) if needs[1] else None,
        dbeta.astype(dy.dtype) if needs[2] else None,
        None,
        None,
    )


def _values(x: Array) -> Array:
    """(N, C, ...) as (N, C, S). Of (N, C), the transpose as (1, C, N): a channel's values side by side."""
    if x.ndim == 2:
        return np.ascontiguousarray(x.T)[None]
    return np.ascontiguousarray(x).reshape(*x.shape[:2], -1)


def _shaped(values: Array, shape: tuple[int, ...]) -> Array:
    """The way back from `_values`."""
    return np.ascontiguousarray(values[0].T) if len(shape) == 2 else values.reshape(shape)


@jit
def _forward(
    x: Any, gamma: Any, beta: Any, mean: Any, var: Any, y: Any, eps: float, training: bool, start: int, stop: int
) -> None:
    """Channels start..stop-1 of x (N, C, S); fills mean and var in training."""
    number = x.dtype.type
    for c in range(start, stop):
        if training:
            mean[c], var[c] = _channel_moments(x, c)
        scale = gamma[c] / math.sqrt(var[c] + eps)
        centre, a = number(mean[c]), number(scale)
        shift = number(beta[c] - (mean[c] - centre) * scale)
        for n in range(x.shape[0]):
            for s in range(x.shape[2]):
                y[n, c, s] = (x[n, c, s] - centre) * a + shift


@jit
def _channel_moments(x: Any, c: int) -> tuple[float, float]:
    """Mean and variance of channel c, merged from those of each image."""
    N, _, S = x.shape
    mean, squares = 0.0, 0.0
    for n in range(N):
        mean_n, squares_n = moments(x[n, c])
        delta = mean_n - mean
        mean += delta / (n + 1)
        squares += squares_n + delta * delta * S * n / (n + 1)
    return mean, squares / (N * S)


@jit
def _backward(
    dy: Any, x: Any, gamma: Any, mean: Any, inverse: Any, dx: Any, dgamma: Any, dbeta: Any,
    training: bool, start: int, stop: int,
) -> None:  # fmt: skip
    """Channels start..stop-1; dx without images is not wanted."""
    number = x.dtype.type
    N, _, S = x.shape
    for c in range(start, stop):
        centre = number(mean[c])
        total, moment = 0.0, 0.0
        for n in range(N):
            total_n, moment_n = sums(dy[n, c], x[n, c], centre)
            total += total_n
            moment += moment_n
        rounded_off = mean[c] - centre
        dbeta[c], dgamma[c] = total, (moment - rounded_off * total) * inverse[c]
        scale = gamma[c] * inverse[c]
        along = scale * inverse[c] * dgamma[c] / (N * S) if training else 0.0
        offset = scale * total / (N * S) - along * rounded_off if training else 0.0
        a, b, shift = number(scale), number(along), number(offset)
        for n in range(len(dx)):
            for s in range(S):
                dx[n, c, s] = a * dy[n, c, s] - b * (x[n, c, s] - centre) - shift
