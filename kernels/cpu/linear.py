"""The linear layer on a CPU: the matrix products of `array/linear.py`, with the right number of threads.

A large product is left to BLAS, which uses every processor. In a small one, waking a second thread costs more than it
brings, and on a busy machine both then wait for each other: LeNet-5's layers ran ten times slower. So BLAS is held at one.
"""

from contextlib import AbstractContextManager, nullcontext

from minicnn.kernels.array import linear as array
from minicnn.kernels.cpu.blas import single_threaded
from minicnn.kernels.types import Array, Needs, Saved

SMALL = 8_000_000  # multiply-adds


def linear_forward(x: Array, w: Array, b: Array | None) -> tuple[Array, Saved]:
    """y = x Wᵀ + b. Shapes: x (..., D); w (O, D); b (O,) or None; y (..., O)."""
    cost = x.size * w.shape[0]
    with _blas_for(cost):
        y, saved = array.linear_forward(x, w, b)
    return y, (saved, cost)


def linear_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy W, dW = dyᵀ x, db = Σ dy over all but the last axis."""
    saved, cost = saved
    with _blas_for(cost):
        return array.linear_backward(dy, saved, needs=needs)


def _blas_for(cost: int) -> AbstractContextManager[None]:
    return single_threaded() if cost < SMALL else nullcontext()
