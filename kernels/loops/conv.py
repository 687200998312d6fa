"""Convolution by its definition: seven nested loops forward, the same seven backward."""

from collections.abc import Iterator

import numpy as np

from minicnn.kernels.geometry import output_window
from minicnn.kernels.loops.activation import rectified, rectified_dx
from minicnn.kernels.types import Array, Needs, Padding, Saved, Window


def conv2d_forward(
    x: Array, w: Array, b: Array | None, *, stride: Window, padding: Padding, dilation: Window, groups: int
) -> tuple[Array, Saved]:
    """Slide each filter over the image and take inner products.

        y[n, o, p, q] = b[o] + sum over c, i, j of  w[o, c, i, j] * x[n, g C/G + c, p sh + i dh - top, q sw + j dw - left]

    where g is the group of filter o, and pixels outside the image are zero. (In signal processing this is called
    correlation; neural networks do not flip the filter.)

    Shapes:
        x (N, C, H, W); w (O, C/G, kh, kw) with G = groups; b (O,) or None; y (N, O, P, Q) with
        P = (H - dh (kh - 1) - 1 + top + bottom) // sh + 1 and Q likewise.
    """
    y = np.zeros(_output_shape(x, w, stride, padding, dilation), x.dtype)
    for n, o, p, q, c, i, j, r, s in _products(x, w, y, stride, padding, dilation, groups):
        y[n, o, p, q] += w[o, c % w.shape[1], i, j] * x[n, c, r, s]
    if b is not None:
        for o in range(y.shape[1]):
            y[:, o] += b[o]
    return y, (x, w, stride, padding, dilation, groups)


def conv2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Walk over the same products as the forward pass and hand each factor its share.

    For one product y += w * x the chain rule says dx += w * dy and dw += x * dy; for y += b it says db += dy.
    """
    x, w, stride, padding, dilation, groups = saved
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(w[:, 0, 0, 0])
    for n, o, p, q, c, i, j, r, s in _products(x, w, dy, stride, padding, dilation, groups):
        dx[n, c, r, s] += w[o, c % w.shape[1], i, j] * dy[n, o, p, q]
        dw[o, c % w.shape[1], i, j] += x[n, c, r, s] * dy[n, o, p, q]
    for o in range(w.shape[0]):
        db[o] = dy[:, o].sum()
    return tuple(gradient if needed else None for gradient, needed in zip((dx, dw, db), needs, strict=True))


def conv2d_relu_forward(
    x: Array, w: Array, b: Array | None, *, stride: Window, padding: Padding, dilation: Window, groups: int, ceiling: float
) -> tuple[Array, Saved]:
    """A convolution and the ReLU behind it as one operation: y = min(max(w * x + b, 0), ceiling)."""
    y, saved = conv2d_forward(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)
    y = rectified(y, ceiling)
    return y, (saved, y, ceiling)


def conv2d_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dy goes on where 0 < y < ceiling."""
    saved, y, ceiling = saved
    return conv2d_backward(rectified_dx(dy, y, ceiling), saved, needs=needs)


def _output_shape(x: Array, w: Array, stride: Window, padding: Padding, dilation: Window) -> tuple[int, ...]:
    N, _, H, W = x.shape
    O, _, kh, kw = w.shape
    return (N, O, *output_window((H, W), (kh, kw), stride, padding, dilation))


def _products(
    x: Array, w: Array, y: Array, stride: Window, padding: Padding, dilation: Window, groups: int
) -> Iterator[tuple[int, ...]]:
    """The indices of all products: output (n, o, p, q), channel c, tap (i, j), input pixel (r, s) inside the image."""
    N, _, H, W = x.shape
    O, channels, kh, kw = w.shape  # channels = C/G, those that one filter sees
    for n in range(N):
        for o in range(O):
            first = o // (O // groups) * channels
            for p in range(y.shape[2]):
                for q in range(y.shape[3]):
                    for c in range(first, first + channels):
                        for i in range(kh):
                            for j in range(kw):
                                r = p * stride[0] + i * dilation[0] - padding[0]
                                s = q * stride[1] + j * dilation[1] - padding[2]
                                if 0 <= r < H and 0 <= s < W:
                                    yield n, o, p, q, c, i, j, r, s
