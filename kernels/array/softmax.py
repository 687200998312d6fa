"""Softmax in whole-array arithmetic: maximum and sum along the axis, kept as an axis of size 1."""

from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array, Needs, Saved


def softmax_forward(x: Array, *, axis: int) -> tuple[Array, Saved]:
    """y = exp(x - max x) / Σ exp(x - max x)."""
    y = array_module(x).exp(x - x.max(axis=axis, keepdims=True))
    y /= y.sum(axis=axis, keepdims=True)
    return y, (y, axis)


def softmax_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = y (dy - Σ y dy)."""
    y, axis = saved
    return (y * (dy - (y * dy).sum(axis=axis, keepdims=True)) if needs[0] else None,)


def log_softmax_forward(x: Array, *, axis: int) -> tuple[Array, Saved]:
    """y = z - log Σ exp(z) with z = x - max x."""
    xp = array_module(x)
    z = x - x.max(axis=axis, keepdims=True)
    y = z - xp.log(xp.exp(z).sum(axis=axis, keepdims=True))
    return y, (y, axis)


def log_softmax_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy - exp(y) Σ dy."""
    y, axis = saved
    return (dy - array_module(y).exp(y) * dy.sum(axis=axis, keepdims=True) if needs[0] else None,)
