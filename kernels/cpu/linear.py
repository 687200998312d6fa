"""The linear layer on a CPU: a large one by BLAS, each thread its own outputs; a small one as a convolution of images of one pixel.

BLAS has threads of its own. But they sleep between calls, and while ours wait awake for the next loop, both would wait for the same processors: one
team is enough. So the outputs are spread over ours, and BLAS is held at one thread. To say so costs as much time as LeNet-5's layers need for their products:
small ones go to our own product, for which the weights are first copied into panels.
"""

import numpy as np

from minicnn.kernels.cpu import columns
from minicnn.kernels.cpu.blas import single_threaded
from minicnn.kernels.cpu.moments import column_sums
from minicnn.kernels.cpu.threads import FMA, over_images
from minicnn.kernels.types import Array, Needs, Saved

SMALL = 1 << 18  # weights
POINTWISE = (1, 1), (0, 0, 0, 0), (1, 1), 1  # stride, padding, dilation, groups


def linear_forward(x: Array, w: Array, b: Array | None) -> tuple[Array, Saved]:
    """y = x Wᵀ + b. Shapes: x (..., D); w (O, D); b (O,) or None; y (..., O)."""
    rows = np.ascontiguousarray(x).reshape(-1, x.shape[-1])
    if w.size <= SMALL:
        y = columns.forward(_pixels(rows), w[:, :, None, None], b, *POINTWISE)
    else:
        y = _large(rows, w)
        if b is not None:
            y += b
    return y.reshape(*x.shape[:-1], len(w)), (rows, w, x.shape)


def linear_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy W, dW = dyᵀ x, db = Σ dy over all but the last axis."""
    x, w, shape = saved
    dy = np.ascontiguousarray(dy).reshape(-1, len(w))
    if w.size <= SMALL:
        pixels, filters = _pixels(dy), w[:, :, None, None]
        dx = columns.backward_data(pixels, filters, *POINTWISE, (1, len(x))) if needs[0] else None
        dw = columns.backward_weights(pixels, _pixels(x), (1, 1), *POINTWISE)[:, :, 0, 0] if needs[1] else None
    else:
        dx, dw = _large_backward(dy, x, w, needs)
    return None if dx is None else dx.reshape(shape), dw, column_sums(dy) if needs[2] else None


def _pixels(rows: Array) -> Array:
    """A matrix as one image with a row of pixels, (1, 1, M, D)."""
    return rows[None, None]


def _large(x: Array, w: Array) -> Array:
    y = np.empty((len(x), len(w)), x.dtype)

    def outputs(start: int, stop: int) -> None:
        np.matmul(x, w[start:stop].T, out=y[:, start:stop])

    with single_threaded():
        over_images(len(w), outputs, cost=len(x) * w.size // FMA + w.size)
    return y


def _large_backward(dy: Array, x: Array, w: Array, needs: Needs) -> tuple[Array | None, Array | None]:
    dx = np.empty(x.shape, dy.dtype) if needs[0] else None
    dw = np.empty(w.shape, dy.dtype) if needs[1] else None

    def inputs(start: int, stop: int) -> None:
        if dx is not None:
            np.matmul(dy, w[:, start:stop], out=dx[:, start:stop])
        if dw is not None:
            np.matmul(dy.T, x[:, start:stop], out=dw[:, start:stop])

    with single_threaded():
        over_images(x.shape[1], inputs, cost=len(dy) * w.size // FMA + w.size)
    return dx, dw
