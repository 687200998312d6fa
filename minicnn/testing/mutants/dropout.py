"""Mistakes in dropout."""

from typing import Any

from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients, right_backward, right_forward, scaled


def not_scaled(x: Array, *, p: float, **attributes: Any) -> tuple[Array, Saved]:
    """What is kept is not divided by 1 - p, forward and backward."""
    y, _ = right_forward("dropout", x, p=p, **attributes)
    return y * x.dtype.type(1 - p), ((x,), {"p": p, **attributes})


def not_scaled_backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient of `not_scaled`."""
    return scaled(right_backward("dropout", dy, saved, needs), 0, 1 - saved[1]["p"])


def gradient_not_scaled(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient is not divided by 1 - p."""
    return scaled(right_backward("dropout", dy, saved, needs), 0, 1 - saved[1]["p"])


def another_mask(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Backward draws a mask of its own."""
    return right_backward("dropout", dy, saved, needs, seed=saved[1]["seed"] ^ 1)


def mask_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient flows through what was dropped."""
    return (dy,)


def kept_with_probability_p(x: Array, *, p: float, seed: int, mask_axes: int) -> tuple[Array, Saved]:
    """The probability p is that of being kept."""
    return right_forward("dropout", x, p=1 - p, seed=seed, mask_axes=mask_axes)


def elements_for_channels(x: Array, *, p: float, seed: int, mask_axes: int) -> tuple[Array, Saved]:
    """Single elements are dropped instead of whole channels."""
    return right_forward("dropout", x, p=p, seed=seed, mask_axes=x.ndim)


MUTANTS = [
    Mutant("dropout", forward=not_scaled, backward=not_scaled_backward),
    Mutant("dropout", backward=gradient_not_scaled),
    Mutant("dropout", backward=another_mask),
    Mutant("dropout", backward=mask_forgotten),
    Mutant("dropout", forward=kept_with_probability_p),
    Mutant("dropout", forward=elements_for_channels),
]
