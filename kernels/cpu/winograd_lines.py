"""Winograd's transforms of one line: the small matrices, written out as additions.

F(m, 3) computes m results of a convolution with 3 taps from n = m + 2 numbers, with n multiplications instead of 3 m:

    y = Aᵀ [ (G w) ⊙ (Bᵀ d) ]         d: n numbers, w: 3 taps, y: m results, ⊙: number by number

The idea: numbers and taps are the coefficients of polynomials, whose product is known from its values at n - 1 points and at infinity. The
points are 0, ±1 for F(2, 3) and 0, ±1, ±2 for F(4, 3). For images the transforms are applied to columns, then to rows: n² multiplications for
m² results, 16 instead of 36 for F(2x2), and 36 instead of 144 for F(4x4).

The price is precision: Bᵀ and G of F(4, 3) hold numbers from 1/24 to 5, and rounding errors grow with their spread.

The gradient of a linear map is its transpose, so the gradient of the weights needs

    dw = Gᵀ [ (A dy) ⊙ (Bᵀ d) ]

Each function reads vectors at x + i dx and writes them at y + i dy: a vector holds as many channels.

Source: Lavin & Gray 2016, "Fast algorithms for convolutional neural networks", sec. 4.1 and 4.2; Winograd 1980.
"""

from typing import Any

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.vector import load, spread, store


@jit
def numbers(m: int, X: Any, x: int, dx: int, Y: Any, y: int, dy: int) -> None:
    """Bᵀ d, n numbers to n."""
    d0, d1, d2, d3 = load(X, x), load(X, x + dx), load(X, x + 2 * dx), load(X, x + 3 * dx)
    if m == 2:
        store(Y, y, d0 - d2)
        store(Y, y + dy, d1 + d2)
        store(Y, y + 2 * dy, d2 - d1)
        store(Y, y + 3 * dy, d1 - d3)
        return
    d4, d5 = load(X, x + 4 * dx), load(X, x + 5 * dx)
    two, four, five = _constant(X, 2), _constant(X, 4), _constant(X, 5)
    even, odd = d4 - four * d2, d3 - four * d1
    even2, odd2 = d4 - d2, two * (d3 - d1)
    store(Y, y, four * d0 - five * d2 + d4)
    store(Y, y + dy, even + odd)
    store(Y, y + 2 * dy, even - odd)
    store(Y, y + 3 * dy, even2 + odd2)
    store(Y, y + 4 * dy, even2 - odd2)
    store(Y, y + 5 * dy, four * d1 - five * d3 + d5)


@jit
def results(m: int, X: Any, x: int, dx: int, Y: Any, y: int, dy: int) -> None:
    """Aᵀ p, n products to m results."""
    p0, p1, p2, p3 = load(X, x), load(X, x + dx), load(X, x + 2 * dx), load(X, x + 3 * dx)
    even, odd = p1 + p2, p1 - p2
    if m == 2:
        store(Y, y, p0 + even)
        store(Y, y + dy, odd - p3)
        return
    p4, p5 = load(X, x + 4 * dx), load(X, x + 5 * dx)
    even2, odd2 = p3 + p4, p3 - p4
    store(Y, y, p0 + even + even2)
    store(Y, y + dy, odd + _constant(X, 2) * odd2)
    store(Y, y + 2 * dy, even + _constant(X, 4) * even2)
    store(Y, y + 3 * dy, odd + _constant(X, 8) * odd2 + p5)


@jit
def gradients(m: int, X: Any, x: int, dx: int, Y: Any, y: int, dy: int) -> None:
    """A dy, m gradients to n: the transpose of `results`."""
    g0, g1 = load(X, x), load(X, x + dx)
    if m == 2:
        store(Y, y, g0)
        store(Y, y + dy, g0 + g1)
        store(Y, y + 2 * dy, g0 - g1)
        store(Y, y + 3 * dy, _constant(X, -1) * g1)
        return
    g2, g3 = load(X, x + 2 * dx), load(X, x + 3 * dx)
    even, odd = g0 + g2, g1 + g3
    even2, odd2 = g0 + _constant(X, 4) * g2, _constant(X, 2) * g1 + _constant(X, 8) * g3
    store(Y, y, g0)
    store(Y, y + dy, even + odd)
    store(Y, y + 2 * dy, even - odd)
    store(Y, y + 3 * dy, even2 + odd2)
    store(Y, y + 4 * dy, even2 - odd2)
    store(Y, y + 5 * dy, g3)


@jit
def taps(m: int, X: Any, x: int, dx: int, Y: Any, y: int, dy: int) -> None:
    """G w, 3 taps to n numbers."""
    w0, w1, w2 = load(X, x), load(X, x + dx), load(X, x + 2 * dx)
    if m == 2:
        half = _constant(X, 1 / 2)
        even, odd = half * (w0 + w2), half * w1
        store(Y, y, w0)
        store(Y, y + dy, even + odd)
        store(Y, y + 2 * dy, even - odd)
        store(Y, y + 3 * dy, w2)
        return
    sixth, even, odd = _constant(X, -1 / 6), w0 + w2, w1
    even2, odd2 = _constant(X, 1 / 24) * w0 + _constant(X, 1 / 6) * w2, _constant(X, 1 / 12) * w1
    store(Y, y, _constant(X, 1 / 4) * w0)
    store(Y, y + dy, sixth * (even + odd))
    store(Y, y + 2 * dy, sixth * (even - odd))
    store(Y, y + 3 * dy, even2 + odd2)
    store(Y, y + 4 * dy, even2 - odd2)
    store(Y, y + 5 * dy, w2)


@jit
def tap_gradients(m: int, X: Any, x: int, dx: int, Y: Any, y: int, dy: int) -> None:
    """Gᵀ u, n numbers to the gradients of 3 taps: the transpose of `taps`."""
    u0, u1, u2, u3 = load(X, x), load(X, x + dx), load(X, x + 2 * dx), load(X, x + 3 * dx)
    even, odd = u1 + u2, u1 - u2
    if m == 2:
        half = _constant(X, 1 / 2)
        store(Y, y, u0 + half * even)
        store(Y, y + dy, half * odd)
        store(Y, y + 2 * dy, half * even + u3)
        return
    u4, u5 = load(X, x + 4 * dx), load(X, x + 5 * dx)
    even2, odd2, sixth = u3 + u4, u3 - u4, _constant(X, -1 / 6)
    store(Y, y, _constant(X, 1 / 4) * u0 + sixth * even + _constant(X, 1 / 24) * even2)
    store(Y, y + dy, sixth * odd + _constant(X, 1 / 12) * odd2)
    store(Y, y + 2 * dy, sixth * even + _constant(X, 1 / 6) * even2 + u5)


@jit
def _constant(X: Any, number: float) -> Any:
    return spread(X.dtype.type(number))
