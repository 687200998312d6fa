"""Mistakes in dropout."""

from typing import Any

from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.mutants.mutant import (
    Gradients,
    right_backward,
    right_forward,
    scaled,
    wrong_backward,
    wrong_forward,
    wrong_pair,
)


@wrong_pair("dropout")
def not_scaled() -> tuple[Any, Any]:
    """What is kept is not divided by 1 - p, forward and backward."""
    def forward(x: Array, *, p: float, **attributes: Any) -> tuple[Array, Saved]:
        y, _ = right_forward("dropout", x, p=p, **attributes)
        return y * x.dtype.type(1 - p), ((x,), {"p": p, **attributes})

    def backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
        return scaled(right_backward("dropout", dy, saved, needs), 0, 1 - saved[1]["p"])

    return forward, backward


@wrong_backward("dropout")
def gradient_not_scaled(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient is not divided by 1 - p."""
    return scaled(right_backward("dropout", dy, saved, needs), 0, 1 - saved[1]["p"])


@wrong_backward("dropout")
def another_mask(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Backward draws a mask of its own."""
    return right_backward("dropout", dy, saved, needs, seed=saved[1]["seed"] ^ 1)


@wrong_backward("dropout")
def mask_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient flows through what was dropped."""
    return (dy,)


@wrong_forward("dropout")
def kept_with_probability_p(x: Array, *, p: float, seed: int, mask_axes: int) -> tuple[Array, Saved]:
    """The probability p is that of being kept."""
    return right_forward("dropout", x, p=1 - p, seed=seed, mask_axes=mask_axes)


@wrong_forward("dropout")
def elements_for_channels(x: Array, *, p: float, seed: int, mask_axes: int) -> tuple[Array, Saved]:
    """Single elements are dropped instead of whole channels."""
    return right_forward("dropout", x, p=p, seed=seed, mask_axes=x.ndim)
