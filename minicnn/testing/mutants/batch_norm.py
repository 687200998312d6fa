"""Mistakes in batch normalisation."""

from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd import Tensor
from minicnn.kernels.array.batch_norm import per_channel
from minicnn.kernels.types import Array, Needs, Saved
from minicnn.ops.batch_norm import BatchNorm
from minicnn.testing.mutants.mutant import (
    Gradients,
    compare,
    replaced,
    right_backward,
    right_forward,
    wrong_backward,
    wrong_forward,
    wrong_method,
)


@wrong_backward("batch_norm")
def zero_input_gradient(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The input gradient is zero."""
    return replaced(right_backward("batch_norm", dy, saved, needs), 0, np.zeros_like)


@wrong_backward("batch_norm")
def statistics_taken_for_constants(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The mean and the variance are taken for constants."""
    return _with_terms(dy, saved, needs, mean_term=0, variance_term=0)


@wrong_backward("batch_norm")
def variance_path_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The path through the variance is missing."""
    return _with_terms(dy, saved, needs, mean_term=1, variance_term=0)


@wrong_backward("batch_norm")
def mean_path_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The path through the mean is missing."""
    return _with_terms(dy, saved, needs, mean_term=0, variance_term=1)


@wrong_backward("batch_norm")
def sums_without_1_over_N(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The sums over the batch lack their 1/N."""
    M = dy.size // dy.shape[1]
    return _with_terms(dy, saved, needs, mean_term=M, variance_term=M)


@wrong_backward("batch_norm")
def gamma_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Gamma is missing in the input gradient."""
    (x, _, *others), attributes = saved
    dx = right_backward("batch_norm", dy, ((x, None, *others), attributes), needs)[0]
    return (dx, *right_backward("batch_norm", dy, saved, needs)[1:])


@wrong_backward("batch_norm")
def gamma_gradient_from_x(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient of gamma uses x instead of the normalised x."""
    x = saved[0][0]
    axes = (0, *range(2, dy.ndim))
    return replaced(right_backward("batch_norm", dy, saved, needs), 1, lambda _: (dy * x).sum(axis=axes))


@wrong_forward("batch_norm")
def batch_statistics_in_eval(*arrays: Array | None, training: bool, eps: float) -> tuple[Any, Saved]:
    """The statistics of the batch are used in evaluation, too."""
    return right_forward("batch_norm", *arrays, training=True, eps=eps)


@wrong_forward("batch_norm")
def unbiased_variance(x: Array, *others: Array | None, training: bool, eps: float) -> tuple[Any, Saved]:
    """Normalised with the unbiased variance."""
    (y, mean, var), saved = right_forward("batch_norm", x, *others, training=training, eps=eps)
    if training:
        M = x.size // x.shape[1]
        y, var = y * x.dtype.type(np.sqrt((M - 1) / M)), var * x.dtype.type(M / (M - 1))
    return (y, mean, var), saved


@wrong_forward("batch_norm")
def eps_outside_the_root(
    x: Array, gamma: Array | None, beta: Array | None, *running: Array | None, training: bool, eps: float
) -> tuple[Any, Saved]:
    """Eps is added to the standard deviation instead of to the variance."""
    (_, mean, var), saved = right_forward("batch_norm", x, gamma, beta, *running, training=training, eps=eps)
    y = (x - per_channel(mean, x)) / (np.sqrt(per_channel(var, x)) + x.dtype.type(eps))
    y = y if gamma is None else y * per_channel(gamma, x)
    return (y if beta is None else y + per_channel(beta, x), mean, var), saved


@wrong_forward("batch_norm")
def statistics_of_every_pixel(
    x: Array, gamma: Array | None, beta: Array | None, *running: Array | None, training: bool, eps: float
) -> tuple[Any, Saved]:
    """The mean is taken over the batch alone, for every pixel."""
    (_, mean, var), saved = right_forward("batch_norm", x, gamma, beta, *running, training=training, eps=eps)
    y = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + x.dtype.type(eps))
    y = y if gamma is None else y * per_channel(gamma, x)
    return (y if beta is None else y + per_channel(beta, x), mean, var), saved


def _with_terms(dy: Array, saved: Saved, needs: Needs, mean_term: float, variance_term: float) -> Gradients:
    """dx = gamma / sigma (dy - mean(dy) - x_hat mean(dy x_hat)) in training, with factors before the two terms."""
    (x, gamma, *_), attributes = saved
    right = right_backward("batch_norm", dy, saved, needs)
    if not attributes["training"]:
        return right
    axes = (0, *range(2, x.ndim))
    inverse = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + x.dtype.type(attributes["eps"]))
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inverse
    means = dy.mean(axis=axes, keepdims=True), (dy * x_hat).mean(axis=axes, keepdims=True)
    dx = (dy - mean_term * means[0] - variance_term * x_hat * means[1]) * inverse
    return replaced(right, 0, lambda _: dx if gamma is None else dx * per_channel(gamma, x))


# The running statistics are no gradient: they are compared with the definition.


def running_statistics_check() -> None:
    """One step of training must move both running statistics by `momentum` towards the batch's, the variance unbiased.

    Raises:
        GradcheckError: they are elsewhere.
    """
    random, C, momentum = np.random.default_rng(0), 3, 0.25
    x, mean, var = random.standard_normal((4, C, 2, 3)), random.standard_normal(C), random.uniform(1, 2, C)
    running_mean, running_var = Tensor(mean), Tensor(var)
    ops.batch_norm(Tensor(x), None, None, running_mean, running_var, training=True, momentum=momentum)
    axes = (0, 2, 3)
    compare("batch_norm: running_mean", running_mean.numpy(), (1 - momentum) * mean + momentum * x.mean(axis=axes))
    compare("batch_norm: running_var", running_var.numpy(), (1 - momentum) * var + momentum * x.var(axis=axes, ddof=1))


_right_call = BatchNorm.__call__


@wrong_method("batch_norm", BatchNorm, "__call__", check=running_statistics_check)
def biased_running_variance(node: BatchNorm, *inputs: Any, **attributes: Any) -> Tensor:
    """The running variance is the biased one."""
    y = _right_call(node, *inputs, **attributes)
    M = y.size // y.shape[1]
    node.extra = (node.extra[0], node.extra[1] * (M - 1) / M)
    return y


@wrong_method("batch_norm", BatchNorm, "__call__", check=running_statistics_check)
def sums_for_running_mean(node: BatchNorm, *inputs: Any, **attributes: Any) -> Tensor:
    """The running mean lacks its 1/N."""
    y = _right_call(node, *inputs, **attributes)
    node.extra = (node.extra[0] * len(y), node.extra[1])
    return y
