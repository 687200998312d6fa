"""Mistakes in activations, softmax and log-softmax."""

import numpy as np

from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.mutants.mutant import Gradients, right_forward, wrong_backward, wrong_forward


@wrong_backward("relu", "the gradient passes where dy > 0, not where x > 0")
def mask_from_upstream(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    return (dy * (dy > 0),)


@wrong_backward("relu", "the mask is upside down")
def mask_inverted(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    ((x,), _) = saved
    return (dy * (x <= 0),)


@wrong_backward("relu", "at zero the gradient counts twice")
def twice_at_zero(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    ((x,), _) = saved
    return (dy * ((x > 0) + 2 * (x == 0)).astype(dy.dtype),)


@wrong_forward("relu", "computed in place: the input is overwritten")
def overwritten_input(x: Array) -> tuple[Array, Saved]:
    np.maximum(x, 0, out=x)
    return x, x


@wrong_backward("relu", "the upstream gradient is edited in place")
def overwritten_upstream(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    ((x,), _) = saved
    dy *= x > 0
    return (dy,)


@wrong_backward("leaky_relu", "the negative side has no gradient")
def slope_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    ((x,), _) = saved
    return (dy * (x > 0),)


@wrong_forward("relu6", "not cut off at 6")
def never_cut_off(x: Array) -> tuple[Array, Saved]:
    return np.maximum(x, 0), None


@wrong_backward("sigmoid", "y (1 - y) is computed from x")
def slope_from_input(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    ((x,), _) = saved
    return (x * (1 - x) * dy,)


@wrong_backward("tanh", "1 - y instead of 1 - y²")
def square_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    ((x,), _) = saved
    return ((1 - np.tanh(x)) * dy,)


@wrong_backward("silu", "the second term of the product rule is missing")
def product_rule_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    ((x,), _) = saved
    return (dy / (1 + np.exp(-x)),)


@wrong_backward("hardswish", "2 x / 6 instead of (2 x + 3) / 6 between the kinks")
def offset_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    ((x,), _) = saved
    return (np.where(x < 3, x / 3, 1).astype(dy.dtype) * (x > -3) * dy,)


@wrong_backward("softmax", "only the diagonal of the Jacobian: y (1 - y) dy")
def diagonal_only(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    y = _result("softmax", saved)
    return (y * (1 - y) * dy,)


@wrong_backward("softmax", "the sum runs over all axes")
def sum_over_all_axes(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    y = _result("softmax", saved)
    return (y * (dy - (y * dy).sum()),)


@wrong_forward("softmax", "always along the last axis")
def always_the_last_axis(x: Array, *, axis: int) -> tuple[Array, Saved]:
    return right_forward("softmax", x, axis=-1)


@wrong_backward("log_softmax", "the logarithm of the probability instead of the probability")
def exponential_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    y = _result("log_softmax", saved)
    return (dy - y * dy.sum(axis=saved[1]["axis"], keepdims=True),)


def _result(op: str, saved: Saved) -> Array:
    arrays, attributes = saved
    return right_forward(op, *arrays, **attributes)[0]
