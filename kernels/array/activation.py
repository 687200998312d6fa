"""Activations in whole-array arithmetic.

Where the slope can be told from the result y, backward keeps y, which the next layer keeps anyway, and x can be
forgotten: ReLU, ReLU6, sigmoid, tanh. The others keep x.
"""

from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array, Needs, Saved


def relu_forward(x: Array) -> tuple[Array, Saved]:
    """y = max(x, 0)."""
    y = array_module(x).maximum(x, 0)
    return y, y


def relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy where y > 0, which is where x > 0."""
    return (dy * (saved > 0) if needs[0] else None,)


def leaky_relu_forward(x: Array, *, negative_slope: float) -> tuple[Array, Saved]:
    """y = x where x > 0, else negative_slope x."""
    return array_module(x).where(x > 0, x, negative_slope * x), (x, negative_slope)


def leaky_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy where x > 0, else negative_slope dy."""
    x, negative_slope = saved
    return (array_module(x).where(x > 0, dy, negative_slope * dy) if needs[0] else None,)


def relu6_forward(x: Array) -> tuple[Array, Saved]:
    """y = min(max(x, 0), 6)."""
    y = array_module(x).clip(x, 0, 6)
    return y, y


def relu6_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy where 0 < y < 6."""
    return (dy * ((saved > 0) & (saved < 6)) if needs[0] else None,)


def sigmoid_forward(x: Array) -> tuple[Array, Saved]:
    """y = 1 / (1 + exp(-x))."""
    y = _sigmoid(x)
    return y, y


def sigmoid_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = y (1 - y) dy."""
    y = saved
    return (y * (1 - y) * dy if needs[0] else None,)


def tanh_forward(x: Array) -> tuple[Array, Saved]:
    """y = tanh(x)."""
    y = array_module(x).tanh(x)
    return y, y


def tanh_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = (1 - y²) dy."""
    y = saved
    return ((1 - y * y) * dy if needs[0] else None,)


def silu_forward(x: Array) -> tuple[Array, Saved]:
    """y = x s(x) with the sigmoid s."""
    return x * _sigmoid(x), x


def silu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = s (1 + x (1 - s)) dy."""
    x, s = saved, _sigmoid(saved)
    return (s * (1 + x * (1 - s)) * dy if needs[0] else None,)


def hardswish_forward(x: Array) -> tuple[Array, Saved]:
    """y = x min(max(x + 3, 0), 6) / 6."""
    return x * array_module(x).clip(x + 3, 0, 6) / 6, x


def hardswish_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = 0 for x <= -3, (2 x + 3) dy / 6 up to 3, dy from there on."""
    x = saved
    slope = array_module(x).where(x < 3, (2 * x + 3) / 6, 1)
    return (slope * (x > -3) * dy if needs[0] else None,)


def _sigmoid(x: Array) -> Array:
    """1 / (1 + e) for x >= 0 and e / (1 + e) for x < 0 with e = exp(-|x|), which cannot overflow."""
    xp = array_module(x)
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1, e) / (1 + e)
