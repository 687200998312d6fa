"""Activations on a GPU: one pass over the memory, in whatever order it is. The formulas are in activation.cu.

As in `array/activation.py`, backward keeps the result y where the slope can be told from it, else x.
"""

from minicnn.kernels.cuda.packs import elementwise
from minicnn.kernels.types import Array, Needs, Saved

FILE = "activation"


def relu_forward(x: Array) -> tuple[Array, Saved]:
    """y = max(x, 0)."""
    y = elementwise(FILE, "relu", x)
    return y, y


def relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy where y > 0, which is where x > 0."""
    return (elementwise(FILE, "relu_dx", dy, saved) if needs[0] else None,)


def leaky_relu_forward(x: Array, *, negative_slope: float) -> tuple[Array, Saved]:
    """y = x where x > 0, else negative_slope x."""
    return elementwise(FILE, "leaky_relu", x, scalars=(float(negative_slope),)), (x, negative_slope)


def leaky_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy where x > 0, else negative_slope dy."""
    x, negative_slope = saved
    return (elementwise(FILE, "leaky_relu_dx", dy, x, scalars=(float(negative_slope),)) if needs[0] else None,)


def relu6_forward(x: Array) -> tuple[Array, Saved]:
    """y = min(max(x, 0), 6)."""
    y = elementwise(FILE, "relu6", x)
    return y, y


def relu6_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy where 0 < y < 6."""
    return (elementwise(FILE, "relu6_dx", dy, saved) if needs[0] else None,)


def sigmoid_forward(x: Array) -> tuple[Array, Saved]:
    """y = 1 / (1 + exp(-x))."""
    y = elementwise(FILE, "sigmoid", x)
    return y, y


def sigmoid_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = y (1 - y) dy."""
    return (elementwise(FILE, "sigmoid_dx", dy, saved) if needs[0] else None,)


def tanh_forward(x: Array) -> tuple[Array, Saved]:
    """y = tanh(x)."""
    y = elementwise(FILE, "hyperbolic_tangent", x)
    return y, y


def tanh_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = (1 - y²) dy."""
    return (elementwise(FILE, "hyperbolic_tangent_dx", dy, saved) if needs[0] else None,)


def silu_forward(x: Array) -> tuple[Array, Saved]:
    """y = x s(x) with the sigmoid s."""
    return elementwise(FILE, "silu", x), x


def silu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = s (1 + x (1 - s)) dy."""
    return (elementwise(FILE, "silu_dx", dy, saved) if needs[0] else None,)


def hardswish_forward(x: Array) -> tuple[Array, Saved]:
    """y = x min(max(x + 3, 0), 6) / 6."""
    return elementwise(FILE, "hardswish", x), x


def hardswish_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = 0 for x <= -3, (2 x + 3) dy / 6 up to 3, dy from there on."""
    return (elementwise(FILE, "hardswish_dx", dy, saved) if needs[0] else None,)
