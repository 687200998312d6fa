"""Activations on a CPU: one pass over the memory, spread over threads.

Piecewise linear ones are compiled loops. Where there is an exponential, NumPy's own (vector instructions) beat a
compiled loop over the C library's, so these are a few NumPy operations on pieces that stay in the cache. As in
`array/activation.py`, backward keeps the result y where the slope can be told from it, else x.
"""

from typing import Any

import numpy as np

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.pieces import compiled_elementwise, elementwise
from minicnn.kernels.types import Array, Needs, Saved


def relu_forward(x: Array) -> tuple[Array, Saved]:
    """y = max(x, 0)."""
    y = rectified(x, np.inf)
    return y, y


def relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy where y > 0, which is where x > 0."""
    return (rectified_dx(dy, saved, np.nan) if needs[0] else None,)  # no number is above NaN: no ceiling, even for infinity


def leaky_relu_forward(x: Array, *, negative_slope: float) -> tuple[Array, Saved]:
    """y = x where x > 0, else negative_slope x."""
    return _leaky(x, x, negative_slope), (x, negative_slope)


def leaky_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy where x > 0, else negative_slope dy."""
    x, negative_slope = saved
    return (_leaky(dy, x, negative_slope) if needs[0] else None,)


def relu6_forward(x: Array) -> tuple[Array, Saved]:
    """y = min(max(x, 0), 6)."""
    y = rectified(x, 6)
    return y, y


def relu6_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy where 0 < y < 6."""
    return (rectified_dx(dy, saved, 6) if needs[0] else None,)


def sigmoid_forward(x: Array) -> tuple[Array, Saved]:
    """y = 1 / (1 + exp(-x))."""
    y = elementwise(_sigmoid, x)
    return y, y


def sigmoid_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = y (1 - y) dy."""

    def piece(dy: Array, y: Array, dx: Array) -> None:
        np.subtract(1, y, out=dx)
        dx *= y
        dx *= dy

    return (elementwise(piece, dy, saved) if needs[0] else None,)


def tanh_forward(x: Array) -> tuple[Array, Saved]:
    """y = tanh(x); in float32 by a quotient of polynomials, to the last digit."""
    y = compiled_elementwise(_tanh, x) if x.dtype == np.float32 else elementwise(np.tanh, x)
    return y, y


def tanh_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = (1 - y²) dy."""
    return (compiled_elementwise(_tanh_dx, dy, saved) if needs[0] else None,)


def silu_forward(x: Array) -> tuple[Array, Saved]:
    """y = x s(x) with the sigmoid s."""

    def piece(x: Array, y: Array) -> None:
        _sigmoid(x, y)
        y *= x

    return elementwise(piece, x), x


def silu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = s (1 + x (1 - s)) dy."""

    def piece(dy: Array, x: Array, dx: Array) -> None:
        s = np.empty_like(x)
        _sigmoid(x, s)
        np.subtract(1, s, out=dx)
        dx *= x
        dx += 1
        dx *= s
        dx *= dy

    return (elementwise(piece, dy, saved) if needs[0] else None,)


def hardswish_forward(x: Array) -> tuple[Array, Saved]:
    """y = x min(max(x + 3, 0), 6) / 6."""

    def piece(x: Array, y: Array) -> None:
        np.add(x, 3, out=y)
        np.clip(y, 0, 6, out=y)
        y *= x
        y /= 6

    return elementwise(piece, x), x


def hardswish_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = 0 for x <= -3, (2 x + 3) dy / 6 up to 3, dy from there on."""

    def piece(dy: Array, x: Array, dx: Array) -> None:
        np.add(x, 1.5, out=dx)
        dx /= 3
        np.copyto(dx, 0, where=x <= -3)
        np.copyto(dx, 1, where=x >= 3)
        dx *= dy

    return (elementwise(piece, dy, saved) if needs[0] else None,)


def _sigmoid(x: Array, y: Array) -> None:
    np.negative(x, out=y)
    with np.errstate(over="ignore"):  # exp(-x) may become Inf, and 1 / (1 + Inf) = 0 is right
        np.exp(y, out=y)
    y += 1
    np.reciprocal(y, out=y)


def lambert(depth: int) -> tuple[list[int], list[int]]:
    """Coefficients of p and q in tanh x = x p(x²) / q(x²): Lambert's continued fraction (1768), cut off after `depth` odd numbers.

        tanh x = x / (1 + x² / (3 + x² / (5 + ...)))

    All are positive, so that nothing cancels.

    >>> lambert(2)        # x / (1 + x² / 3) = 3 x / (3 + x²)
    ([3], [3, 1])
    """
    p, q = [1], [2 * depth - 1]
    for odd in range(2 * depth - 3, 0, -2):
        shifted = [0, *p]
        p, q = q, [odd * (q[i] if i < len(q) else 0) + (shifted[i] if i < len(shifted) else 0) for i in range(max(len(q), len(shifted)))]
    return p, q


# Thirteen odd numbers give 4e-8 up to x = 9, from where on 1 - tanh x is below the last digit of a float32. In float64, for 1 - y² needs y's last digit.
LIMIT = 9.0
P, Q = (tuple(c / coefficients[0] for c in coefficients) for coefficients in lambert(13))

# The scalars of compiled loops have the arrays' element type: a float64 among float32 would make all of it float64.


def rectified(x: Array, ceiling: float) -> Array:
    """min(max(v, 0), ceiling) of every element."""
    zero, top = x.dtype.type(0), x.dtype.type(ceiling)
    return compiled_elementwise(lambda x, y: _rectify(x, y, zero, top), x)


def rectified_dx(dy: Array, y: Array, ceiling: float) -> Array:
    """dy where 0 < y < ceiling, else 0."""
    zero, top = dy.dtype.type(0), dy.dtype.type(ceiling)
    return compiled_elementwise(lambda dy, y, dx: _rectify_dx(dy, y, dx, zero, top), dy, y)


def _leaky(v: Array, x: Array, negative_slope: float) -> Array:
    zero, slope = x.dtype.type(0), x.dtype.type(negative_slope)
    return compiled_elementwise(lambda v, x, y: _leak(v, x, y, zero, slope), v, x)


@jit
def _rectify(x: Any, y: Any, zero: Any, ceiling: Any) -> None:
    """y = min(max(x, 0), ceiling); a NaN stays one, since it is neither below nor above."""
    for i in range(x.size):
        v = x[i]
        if v <= zero:
            v = zero
        elif v >= ceiling:
            v = ceiling
        y[i] = v


@jit
def _rectify_dx(dy: Any, y: Any, dx: Any, zero: Any, ceiling: Any) -> None:
    """dx = dy where 0 < y < ceiling."""
    for i in range(y.size):
        dx[i] = dy[i] if zero < y[i] and not y[i] >= ceiling else zero


@jit
def _leak(v: Any, x: Any, y: Any, zero: Any, slope: Any) -> None:
    """y = v where x > 0, else slope v: forward with v = x, backward with v = dy."""
    for i in range(x.size):
        y[i] = v[i] if x[i] > zero else slope * v[i]


@jit
def _tanh(x: Any, y: Any) -> None:
    for i in range(x.size):
        v = x[i]
        v = min(v, LIMIT)
        v = max(v, -LIMIT)
        s = v * v
        p = P[0] + s * (P[1] + s * (P[2] + s * (P[3] + s * (P[4] + s * (P[5] + s * P[6])))))
        q = Q[0] + s * (Q[1] + s * (Q[2] + s * (Q[3] + s * (Q[4] + s * (Q[5] + s * Q[6])))))
        y[i] = v * (p / q)


@jit
def _tanh_dx(dy: Any, y: Any, dx: Any) -> None:
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = (one - y[i] * y[i]) * dy[i]
