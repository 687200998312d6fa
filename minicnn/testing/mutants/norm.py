"""Mistakes in group, layer and local response normalisation."""

from typing import Any

import numpy as np

from minicnn.kernels.array.batch_norm import per_channel
from minicnn.kernels.array.local_response_norm import window_sum
from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients, replaced, right_backward, right_forward


def gamma_taken_out(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Gamma is taken out of the mean, as in batch norm, although it varies inside a group."""
    (x, gamma, beta), attributes = saved
    plain = right_backward("group_norm", dy, ((x, None, beta), attributes), needs)[0]
    dx = plain if gamma is None or plain is None else plain * per_channel(gamma, x)
    return (dx, *right_backward("group_norm", dy, saved, needs)[1:])


def groups_ignored(*arrays: Array | None, groups: int, eps: float) -> tuple[Array, Saved]:
    """Each channel is a group of its own."""
    assert arrays[0] is not None
    return right_forward("group_norm", *arrays, groups=arrays[0].shape[1], eps=eps)


def layer_statistics_taken_for_constants(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The mean and the variance are taken for constants."""
    (x, gamma, _), attributes = saved
    last = tuple(range(x.ndim - attributes["ndim"], x.ndim))
    inverse = 1 / np.sqrt(x.var(axis=last, keepdims=True) + x.dtype.type(attributes["eps"]))
    dx = dy * inverse if gamma is None else dy * gamma * inverse
    return replaced(right_backward("layer_norm", dy, saved, needs), 0, lambda _: dx)


def first_axes(
    x: Array, gamma: Array | None, beta: Array | None, *, ndim: int, eps: float
) -> tuple[Array, Saved]:
    """Normalised over the first axes instead of the last."""
    axes = tuple(range(ndim))
    y = (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + x.dtype.type(eps))
    y = y if gamma is None else y * gamma
    return (y if beta is None else y + beta), None


def neighbours_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The neighbours' share is missing: only the numerator is differentiated."""
    (x,), a = saved
    d = a["k"] + a["alpha"] * window_sum(x * x, before=a["size"] // 2, after=(a["size"] - 1) // 2)
    return (dy * d ** -a["beta"],)


def window_not_mirrored(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Backward sums over the forward's window instead of its mirror image."""
    (x,), a = saved
    before, after = a["size"] // 2, (a["size"] - 1) // 2
    d = a["k"] + a["alpha"] * window_sum(x * x, before, after)
    dd = -a["beta"] * dy * x * d ** (-a["beta"] - 1)
    return (dy * d ** -a["beta"] + 2 * a["alpha"] * x * window_sum(dd, before, after),)


def alpha_divided_by_size(x: Array, *, alpha: float, size: int, **attributes: Any) -> tuple[Array, Saved]:
    """Alpha is divided by the size of the window, forward and backward."""
    attributes = {"alpha": alpha / size, "size": size, **attributes}
    return right_forward("local_response_norm", x, **attributes)[0], ((x,), attributes)


def alpha_divided_by_size_backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient of `alpha_divided_by_size`."""
    return right_backward("local_response_norm", dy, saved, needs)


MUTANTS = [
    Mutant("group_norm", backward=gamma_taken_out),
    Mutant("group_norm", forward=groups_ignored),
    Mutant("layer_norm", backward=layer_statistics_taken_for_constants),
    Mutant("layer_norm", forward=first_axes),
    Mutant("local_response_norm", backward=neighbours_missing),
    Mutant("local_response_norm", backward=window_not_mirrored),
    Mutant("local_response_norm", forward=alpha_divided_by_size, backward=alpha_divided_by_size_backward),
]
