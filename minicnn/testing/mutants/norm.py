"""Mistakes in group, layer and local response normalisation."""

from typing import Any

import numpy as np

from minicnn.kernels.array.batch_norm import per_channel
from minicnn.kernels.array.local_response_norm import window_sum
from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.mutants.mutant import (
    Gradients,
    replaced,
    right_backward,
    right_forward,
    wrong_backward,
    wrong_forward,
    wrong_pair,
)


@wrong_backward("group_norm", "gamma is taken out of the mean, as in batch norm, although it varies inside a group")
def gamma_taken_out(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    (x, gamma, beta), attributes = saved
    plain = right_backward("group_norm", dy, ((x, None, beta), attributes), needs)[0]
    dx = plain if gamma is None or plain is None else plain * per_channel(gamma, x)
    return (dx, *right_backward("group_norm", dy, saved, needs)[1:])


@wrong_forward("group_norm", "each channel is a group of its own")
def groups_ignored(*arrays: Array | None, groups: int, eps: float) -> tuple[Array, Saved]:
    assert arrays[0] is not None
    return right_forward("group_norm", *arrays, groups=arrays[0].shape[1], eps=eps)


@wrong_backward("layer_norm", "the mean and the variance are taken for constants")
def layer_statistics_taken_for_constants(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    (x, gamma, _), attributes = saved
    last = tuple(range(x.ndim - attributes["ndim"], x.ndim))
    inverse = 1 / np.sqrt(x.var(axis=last, keepdims=True) + x.dtype.type(attributes["eps"]))
    dx = dy * inverse if gamma is None else dy * gamma * inverse
    return replaced(right_backward("layer_norm", dy, saved, needs), 0, lambda _: dx)


@wrong_forward("layer_norm", "normalised over the first axes instead of the last")
def first_axes(
    x: Array, gamma: Array | None, beta: Array | None, *, ndim: int, eps: float
) -> tuple[Array, Saved]:
    axes = tuple(range(ndim))
    y = (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + x.dtype.type(eps))
    y = y if gamma is None else y * gamma
    return (y if beta is None else y + beta), None


@wrong_backward("local_response_norm", "the neighbours' share is missing: only the numerator is differentiated")
def neighbours_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    (x,), a = saved
    d = a["k"] + a["alpha"] * window_sum(x * x, before=a["size"] // 2, after=(a["size"] - 1) // 2)
    return (dy * d ** -a["beta"],)


@wrong_backward("local_response_norm", "backward sums over the forward's window instead of its mirror image")
def window_not_mirrored(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    (x,), a = saved
    before, after = a["size"] // 2, (a["size"] - 1) // 2
    d = a["k"] + a["alpha"] * window_sum(x * x, before, after)
    dd = -a["beta"] * dy * x * d ** (-a["beta"] - 1)
    return (dy * d ** -a["beta"] + 2 * a["alpha"] * x * window_sum(dd, before, after),)


@wrong_pair("local_response_norm", "alpha is divided by the size of the window, forward and backward")
def alpha_divided_by_size() -> tuple[Any, Any]:
    def forward(x: Array, *, alpha: float, size: int, **attributes: Any) -> tuple[Array, Saved]:
        attributes = {"alpha": alpha / size, "size": size, **attributes}
        return right_forward("local_response_norm", x, **attributes)[0], ((x,), attributes)

    def backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
        return right_backward("local_response_norm", dy, saved, needs)

    return forward, backward
