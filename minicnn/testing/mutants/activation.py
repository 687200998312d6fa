"""Mistakes in activations, softmax and log-softmax."""

import numpy as np

from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients, right_forward


def mask_from_upstream(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient passes where dy > 0, not where x > 0."""
    return (dy * (dy > 0),)


def mask_inverted(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The mask is upside down."""
    ((x,), _) = saved
    return (dy * (x <= 0),)


def twice_at_zero(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """At zero the gradient counts twice."""
    ((x,), _) = saved
    return (dy * ((x > 0) + 2 * (x == 0)).astype(dy.dtype),)


def overwritten_input(x: Array) -> tuple[Array, Saved]:
    """Computed in place: the input is overwritten."""
    np.maximum(x, 0, out=x)
    return x, x


def overwritten_upstream(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The upstream gradient is edited in place."""
    ((x,), _) = saved
    dy *= x > 0
    return (dy,)


def three_times_in_float32(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient is three times too large, in float32 only."""
    ((x,), _) = saved
    return (dy * (x > 0) * dy.dtype.type(3 if dy.dtype == np.float32 else 1),)


def slope_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The negative side has no gradient."""
    ((x,), _) = saved
    return (dy * (x > 0),)


def never_cut_off(x: Array) -> tuple[Array, Saved]:
    """Not cut off at 6."""
    return np.maximum(x, 0), None


def slope_from_input(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The slope y (1 - y) is computed from x."""
    ((x,), _) = saved
    return (x * (1 - x) * dy,)


def square_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The slope is 1 - y instead of 1 - y²."""
    ((x,), _) = saved
    return ((1 - np.tanh(x)) * dy,)


def product_rule_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The second term of the product rule is missing."""
    ((x,), _) = saved
    return (dy / (1 + np.exp(-x)),)


def offset_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The slope is 2 x / 6 instead of (2 x + 3) / 6 between the kinks."""
    ((x,), _) = saved
    return (np.where(x < 3, x / 3, 1).astype(dy.dtype) * (x > -3) * dy,)


def diagonal_only(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Only the diagonal of the Jacobian: y (1 - y) dy."""
    y = _result("softmax", saved)
    return (y * (1 - y) * dy,)


def sum_over_all_axes(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The sum runs over all axes."""
    y = _result("softmax", saved)
    return (y * (dy - (y * dy).sum()),)


def always_the_last_axis(x: Array, *, axis: int) -> tuple[Array, Saved]:
    """Always along the last axis."""
    return right_forward("softmax", x, axis=-1)


def exponential_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The logarithm of the probability instead of the probability."""
    y = _result("log_softmax", saved)
    return (dy - y * dy.sum(axis=saved[1]["axis"], keepdims=True),)


def _result(op: str, saved: Saved) -> Array:
    arrays, attributes = saved
    return right_forward(op, *arrays, **attributes)[0]


MUTANTS = [
    Mutant("relu", backward=mask_from_upstream),
    Mutant("relu", backward=mask_inverted),
    Mutant("relu", backward=twice_at_zero),
    Mutant("relu", forward=overwritten_input),
    Mutant("relu", backward=overwritten_upstream),
    Mutant("relu", backward=three_times_in_float32),
    Mutant("leaky_relu", backward=slope_forgotten),
    Mutant("relu6", forward=never_cut_off),
    Mutant("sigmoid", backward=slope_from_input),
    Mutant("tanh", backward=square_forgotten),
    Mutant("silu", backward=product_rule_forgotten),
    Mutant("hardswish", backward=offset_forgotten),
    Mutant("softmax", backward=diagonal_only),
    Mutant("softmax", backward=sum_over_all_axes),
    Mutant("softmax", forward=always_the_last_axis),
    Mutant("log_softmax", backward=exponential_forgotten),
]
