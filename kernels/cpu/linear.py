"""The linear layer on a CPU: the matrix products of `array/linear.py`, by BLAS, each thread its own outputs.

BLAS has threads of its own. But they sleep between calls, and while ours wait awake for the next loop, both would wait for the same processors: one
team is enough. So the outputs are spread over ours, and BLAS is held at one thread, in small products, too, where waking a second one costs more than it brings.
"""

import numpy as np

from minicnn.kernels.cpu.blas import single_threaded
from minicnn.kernels.cpu.moments import column_sums
from minicnn.kernels.cpu.threads import FMA, over_images
from minicnn.kernels.types import Array, Needs, Saved


def linear_forward(x: Array, w: Array, b: Array | None) -> tuple[Array, Saved]:
    """y = x Wᵀ + b. Shapes: x (..., D); w (O, D); b (O,) or None; y (..., O)."""
    rows = x.reshape(-1, x.shape[-1])
    y = np.empty((len(rows), len(w)), x.dtype)

    def outputs(start: int, stop: int) -> None:
        np.matmul(rows, w[start:stop].T, out=y[:, start:stop])

    with single_threaded():
        over_images(len(w), outputs, cost=len(rows) * w.size // FMA + w.size)
    if b is not None:
        y += b
    return y.reshape(*x.shape[:-1], len(w)), (rows, w, x.shape)


def linear_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy W, dW = dyᵀ x, db = Σ dy over all but the last axis."""
    x, w, shape = saved
    dy = dy.reshape(-1, len(w))
    dx = np.empty(x.shape, dy.dtype) if needs[0] else None
    dw = np.empty(w.shape, dy.dtype) if needs[1] else None

    def inputs(start: int, stop: int) -> None:
        if dx is not None:
            np.matmul(dy, w[:, start:stop], out=dx[:, start:stop])
        if dw is not None:
            np.matmul(dy.T, x[:, start:stop], out=dw[:, start:stop])

    with single_threaded():
        over_images(x.shape[1], inputs, cost=len(dy) * w.size // FMA + w.size)
    return None if dx is None else dx.reshape(shape), dw, column_sums(dy) if needs[2] else None
