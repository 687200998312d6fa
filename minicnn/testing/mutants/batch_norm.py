"""Mistakes in batch normalisation."""

from typing import Any

import numpy as np

from minicnn.autograd import Tensor
from minicnn.kernels.array.batch_norm import per_channel
from minicnn.kernels.types import Array, Needs, Saved
from minicnn.nn import BatchNorm2d
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients, replaced, right_backward, right_forward


def zero_input_gradient(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The input gradient is zero."""
    return replaced(right_backward("batch_norm", dy, saved, needs), 0, np.zeros_like)


def statistics_taken_for_constants(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The mean and the variance are taken for constants."""
    return _with_terms(dy, saved, needs, mean_term=0, variance_term=0)


def variance_path_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The path through the variance is missing."""
    return _with_terms(dy, saved, needs, mean_term=1, variance_term=0)


def mean_path_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The path through the mean is missing."""
    return _with_terms(dy, saved, needs, mean_term=0, variance_term=1)


def sums_without_1_over_N(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The sums over the batch lack their 1/N."""
    M = dy.size // dy.shape[1]
    return _with_terms(dy, saved, needs, mean_term=M, variance_term=M)


def gamma_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Gamma is missing in the input gradient."""
    (x, _, *others), attributes = saved
    dx = right_backward("batch_norm", dy, ((x, None, *others), attributes), needs)[0]
    return (dx, *right_backward("batch_norm", dy, saved, needs)[1:])


def gamma_gradient_from_x(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient of gamma uses x instead of the normalised x."""
    x = saved[0][0]
    axes = (0, *range(2, dy.ndim))
    return replaced(right_backward("batch_norm", dy, saved, needs), 1, lambda _: (dy * x).sum(axis=axes))


def batch_statistics_in_eval(*arrays: Array | None, training: bool, eps: float) -> tuple[Any, Saved]:
    """The statistics of the batch are used in evaluation, too."""
    return right_forward("batch_norm", *arrays, training=True, eps=eps)


def unbiased_variance(x: Array, *others: Array | None, training: bool, eps: float) -> tuple[Any, Saved]:
    """Normalised with the unbiased variance."""
    (y, mean, var), saved = right_forward("batch_norm", x, *others, training=training, eps=eps)
    if training:
        M = x.size // x.shape[1]
        y, var = y * x.dtype.type(np.sqrt((M - 1) / M)), var * x.dtype.type(M / (M - 1))
    return (y, mean, var), saved


def eps_outside_the_root(
    x: Array, gamma: Array | None, beta: Array | None, *running: Array | None, training: bool, eps: float
) -> tuple[Any, Saved]:
    """Eps is added to the standard deviation instead of to the variance."""
    (_, mean, var), saved = right_forward("batch_norm", x, gamma, beta, *running, training=training, eps=eps)
    y = (x - per_channel(mean, x)) / (np.sqrt(per_channel(var, x)) + x.dtype.type(eps))
    y = y if gamma is None else y * per_channel(gamma, x)
    return (y if beta is None else y + per_channel(beta, x), mean, var), saved


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


# The running statistics are no gradient: a layer is compared with the formula.


class BiasedRunningVariance(BatchNorm2d):
    """The running variance is the biased one."""

    def forward(self, x: Tensor, ceiling: float | None = None, residual: Tensor | None = None) -> Tensor:
        assert self.running_var is not None
        weight, before = self._momentum(), self.running_var.data
        y = super().forward(x, ceiling, residual)
        self.running_var.data = (1 - weight) * before + weight * x.data.var(axis=(0, 2, 3))
        return y


class SumsForRunningMean(BatchNorm2d):
    """The running mean lacks its 1/N."""

    def forward(self, x: Tensor, ceiling: float | None = None, residual: Tensor | None = None) -> Tensor:
        assert self.running_mean is not None
        weight, before = self._momentum(), self.running_mean.data
        y = super().forward(x, ceiling, residual)
        self.running_mean.data = (1 - weight) * before + weight * x.data.sum(axis=0).mean(axis=(1, 2))
        return y


class MomentumOfTheOld(BatchNorm2d):
    """The momentum weights the old statistics instead of the new batch."""

    def _momentum(self) -> float:
        return 1 - super()._momentum()


class NeverAnAverage(BatchNorm2d):
    """With momentum=None each batch has the weight 0.1, where all should count alike."""

    def _momentum(self) -> float:
        return self.momentum or 0.1


def relu_left_out_in_backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """A joined ReLU clips forward, and lets every gradient pass backward."""
    arrays, attributes = saved
    return right_backward("batch_norm", dy, (arrays, {name: value for name, value in attributes.items() if name != "ceiling"}), needs)


def relu_after_the_sums(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """A joined ReLU stops the gradient of the input alone: scale and shift get all of dy."""
    arrays, attributes = saved
    without = arrays, {name: value for name, value in attributes.items() if name != "ceiling"}
    dx = right_backward("batch_norm_relu", dy, saved, needs)[0]
    return (dx, *right_backward("batch_norm", dy, without, needs)[1:])


def shortcut_after_the_relu(
    x: Array, gamma: Array | None, beta: Array | None, z: Array, *running: Array | None, training: bool, eps: float, ceiling: float
) -> tuple[Any, Saved]:
    """The shortcut is added behind the ReLU."""
    (_, mean, var), saved = right_forward("batch_norm_add_relu", x, gamma, beta, z, *running, training=training, eps=eps, ceiling=ceiling)
    (y, _, _), _ = right_forward("batch_norm_relu", x, gamma, beta, *running, training=training, eps=eps, ceiling=ceiling)
    return (y + z, mean, var), saved


def shortcut_around_the_relu_in_backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The shortcut's gradient goes around the ReLU."""
    return replaced(right_backward("batch_norm_add_relu", dy, saved, needs), 3, lambda _: dy.copy())


def relu_of_the_norm_alone(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Gradients pass where the norm is positive, not where its sum with the shortcut is."""
    (x, gamma, beta, z, *running), attributes = saved
    return right_backward("batch_norm_add_relu", dy, ((x, gamma, beta, np.zeros_like(z), *running), attributes), needs)


MUTANTS = [
    Mutant("batch_norm", backward=zero_input_gradient),
    Mutant("batch_norm", backward=statistics_taken_for_constants),
    Mutant("batch_norm", backward=variance_path_missing),
    Mutant("batch_norm", backward=mean_path_missing),
    Mutant("batch_norm", backward=sums_without_1_over_N),
    Mutant("batch_norm", backward=gamma_missing),
    Mutant("batch_norm", backward=gamma_gradient_from_x),
    Mutant("batch_norm", forward=batch_statistics_in_eval),
    Mutant("batch_norm", forward=unbiased_variance),
    Mutant("batch_norm", forward=eps_outside_the_root),
    Mutant("batch_norm", forward=statistics_of_every_pixel),
    Mutant("batch_norm", layer=BiasedRunningVariance),
    Mutant("batch_norm", layer=SumsForRunningMean),
    Mutant("batch_norm", layer=MomentumOfTheOld),
    Mutant("batch_norm", layer=NeverAnAverage),
    Mutant("batch_norm_relu", backward=relu_left_out_in_backward),
    Mutant("batch_norm_relu", backward=relu_after_the_sums),
    Mutant("batch_norm_add_relu", forward=shortcut_after_the_relu),
    Mutant("batch_norm_add_relu", backward=shortcut_around_the_relu_in_backward),
    Mutant("batch_norm_add_relu", backward=relu_of_the_norm_alone),
]
