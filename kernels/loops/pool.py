"""Pooling by its definition: look at every window, take the largest pixel or the mean."""

from collections.abc import Iterator

import numpy as np

from minicnn.kernels.geometry import output_window
from minicnn.kernels.types import Array, Needs, Padding, Saved, Window


def max_pool2d_forward(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, dilation: Window, ceil_mode: bool
) -> tuple[Array, Saved]:
    """The largest pixel of each window.

        y[n, c, p, q] = max over i, j of  x[n, c, p sh + i dh - top, q sw + j dw - left]

    over the taps that meet a pixel: padding counts as -inf. (As zero it would win wherever all pixels are negative.)
    Of equal pixels the first one in row-major order wins, and NaN is larger than everything.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q) with P = (H - dh (kh - 1) - 1 + top + bottom) / sh + 1, rounded down, or up with
        `ceil_mode`, and Q likewise.
    """
    P, Q = output_window(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    y = np.empty((*x.shape[:2], P, Q), x.dtype)
    winner = {}
    for n, c, p, q in np.ndindex(y.shape):
        best = None
        for r, s in _pixels(x, p, q, kernel_size, stride, padding, dilation):
            v = x[n, c, r, s]
            if best is None or v > best or (np.isnan(v) and not np.isnan(best)):
                best, winner[n, c, p, q] = v, (n, c, r, s)
        y[n, c, p, q] = best
    return y, (x, winner)


def max_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """y = x[winner], so the whole gradient of an output goes to the pixel that won; the others had no influence."""
    x, winner = saved
    dx = np.zeros_like(x)
    for output, pixel in winner.items():
        dx[pixel] += dy[output]
    return (dx if needs[0] else None,)


def avg_pool2d_forward(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, ceil_mode: bool, count_include_pad: bool
) -> tuple[Array, Saved]:
    """The mean of each window.

        y[n, c, p, q] = 1/D[p, q] * sum over i, j of  x[n, c, p sh + i - top, q sw + j - left]

    where pixels outside the image are zero and D counts the taps inside the image, or, with `count_include_pad`, inside
    the padded image. What hangs over the end of the padded image under `ceil_mode` never counts.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q) as for `max_pool2d_forward`.
    """
    P, Q = output_window(x.shape[2:], kernel_size, stride, padding, (1, 1), ceil_mode)
    y = np.zeros((*x.shape[:2], P, Q), x.dtype)
    saved = (x, kernel_size, stride, padding, count_include_pad)
    for n, c, p, q in np.ndindex(y.shape):
        for r, s in _pixels(x, p, q, kernel_size, stride, padding, (1, 1)):
            y[n, c, p, q] += x[n, c, r, s]
        y[n, c, p, q] /= _divisor(p, q, *saved)
    return y, saved


def avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Each pixel of a window entered with weight 1/D, so each gets dy/D; overlapping windows add up."""
    x, kernel_size, stride, padding, _ = saved
    dx = np.zeros_like(x)
    for n, c, p, q in np.ndindex(dy.shape):
        for r, s in _pixels(x, p, q, kernel_size, stride, padding, (1, 1)):
            dx[n, c, r, s] += dy[n, c, p, q] / _divisor(p, q, *saved)
    return (dx if needs[0] else None,)


def _pixels(
    x: Array, p: int, q: int, kernel_size: Window, stride: Window, padding: Padding, dilation: Window
) -> Iterator[tuple[int, int]]:
    """The pixels (r, s) that the window of output (p, q) meets, row by row."""
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            r = p * stride[0] + i * dilation[0] - padding[0]
            s = q * stride[1] + j * dilation[1] - padding[2]
            if 0 <= r < x.shape[2] and 0 <= s < x.shape[3]:
                yield r, s


def _divisor(
    p: int, q: int, x: Array, kernel_size: Window, stride: Window, padding: Padding, count_include_pad: bool
) -> int:
    """How many taps of the window of output (p, q) are counted."""
    top, bottom, left, right = padding if count_include_pad else (0, 0, 0, 0)
    count = 0
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            r, s = p * stride[0] + i - padding[0], q * stride[1] + j - padding[2]
            count += -top <= r < x.shape[2] + bottom and -left <= s < x.shape[3] + right
    return count
