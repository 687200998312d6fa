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


@wrong_pair("dropout", "what is kept is not divided by 1 - p, forward and backward")
def not_scaled() -> tuple[Any, Any]:
    def forward(x: Array, *, p: float, **attributes: Any) -> tuple[Array, Saved]:
        y, _ = right_forward("dropout", x, p=p, **attributes)
        return y * x.dtype.type(1 - p), ((x,), {"p": p, **attributes})

    def backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
        return scaled(right_backward("dropout", dy, saved, needs), 0, 1 - saved[1]["p"])

    return forward, backward


@wrong_backward("dropout", "the gradient is not divided by 1 - p")
def gradient_not_scaled(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    return scaled(right_backward("dropout", dy, saved, needs), 0, 1 - saved[1]["p"])


@wrong_backward("dropout", "backward draws a mask of its own")
def another_mask(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    return right_backward("dropout", dy, saved, needs, seed=saved[1]["seed"] ^ 1)


@wrong_backward("dropout", "the gradient flows through what was dropped")
def mask_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    return (dy,)


@wrong_forward("dropout", "p is the probability to be kept")
def kept_with_probability_p(x: Array, *, p: float, seed: int, mask_axes: int) -> tuple[Array, Saved]:
    return right_forward("dropout", x, p=1 - p, seed=seed, mask_axes=mask_axes)


@wrong_forward("dropout", "single elements are dropped instead of whole channels")
def elements_for_channels(x: Array, *, p: float, seed: int, mask_axes: int) -> tuple[Array, Saved]:
    return right_forward("dropout", x, p=p, seed=seed, mask_axes=x.ndim)
