"""Activations by their definition: for every element v, a function f(v) forward and its slope f'(v) backward.

All are elementwise, so the chain rule is one product per element: dx = f'(x) * dy.
"""

import math
from collections.abc import Callable

import numpy as np

from minicnn.kernels.types import Array, Needs, Saved


def relu_forward(x: Array) -> tuple[Array, Saved]:
    """f(v) = max(v, 0)."""
    return _each(lambda v: max(v, 0.0), x), x


def relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """f'(v) = 1 for v > 0, else 0. At 0, where there is a kink, 0 by convention."""
    return (_each(lambda v: 1.0 if v > 0 else 0.0, saved) * dy if needs[0] else None,)


def leaky_relu_forward(x: Array, *, negative_slope: float) -> tuple[Array, Saved]:
    """f(v) = v for v > 0, else negative_slope * v."""
    return _each(lambda v: v if v > 0 else negative_slope * v, x), (x, negative_slope)


def leaky_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """f'(v) = 1 for v > 0, else negative_slope."""
    x, negative_slope = saved
    return (_each(lambda v: 1.0 if v > 0 else negative_slope, x) * dy if needs[0] else None,)


def relu6_forward(x: Array) -> tuple[Array, Saved]:
    """f(v) = min(max(v, 0), 6)."""
    return _each(lambda v: min(max(v, 0.0), 6.0), x), x


def relu6_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """f'(v) = 1 for 0 < v < 6, else 0."""
    return (_each(lambda v: 1.0 if 0 < v < 6 else 0.0, saved) * dy if needs[0] else None,)


def sigmoid_forward(x: Array) -> tuple[Array, Saved]:
    """f(v) = 1 / (1 + exp(-v))."""
    return _each(_sigmoid, x), x


def sigmoid_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """f' = f (1 - f)."""
    return (_each(lambda v: _sigmoid(v) * (1 - _sigmoid(v)), saved) * dy if needs[0] else None,)


def tanh_forward(x: Array) -> tuple[Array, Saved]:
    """f(v) = (exp(v) - exp(-v)) / (exp(v) + exp(-v))."""
    return _each(math.tanh, x), x


def tanh_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """f' = 1 - f²."""
    return (_each(lambda v: 1 - math.tanh(v) ** 2, saved) * dy if needs[0] else None,)


def silu_forward(x: Array) -> tuple[Array, Saved]:
    """f(v) = v s(v) with the sigmoid s."""
    return _each(lambda v: v * _sigmoid(v), x), x


def silu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """f' = s + v s' = s (1 + v (1 - s)), by the product rule."""
    return (_each(lambda v: _sigmoid(v) * (1 + v * (1 - _sigmoid(v))), saved) * dy if needs[0] else None,)


def hardswish_forward(x: Array) -> tuple[Array, Saved]:
    """f(v) = v min(max(v + 3, 0), 6) / 6."""
    return _each(lambda v: v * min(max(v + 3, 0.0), 6.0) / 6, x), x


def hardswish_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """f'(v) = 0 for v <= -3, (2 v + 3) / 6 up to 3, 1 from there on."""
    return (_each(lambda v: 0.0 if v <= -3 else (2 * v + 3) / 6 if v < 3 else 1.0, saved) * dy if needs[0] else None,)


def rectified(x: Array, ceiling: float) -> Array:
    """min(max(v, 0), ceiling) of every element."""
    highest = float(x.dtype.type(ceiling))  # 0.7 in float32 is less than 0.7
    return _each(lambda v: min(max(v, 0.0), highest), x)


def rectified_dx(dy: Array, y: Array, ceiling: float) -> Array:
    """dy where 0 < y < ceiling, else 0."""
    highest = float(y.dtype.type(ceiling))
    return _each(lambda v: 1.0 if 0 < v < highest else 0.0, y) * dy


def _each(f: Callable[[float], float], x: Array) -> Array:
    y = np.empty(x.shape, x.dtype)
    for i in np.ndindex(x.shape):
        y[i] = f(float(x[i]))
    return y


def _sigmoid(v: float) -> float:
    """Of the two equal forms, the one whose exponential cannot overflow."""
    return 1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v))
