"""The linear layer by its definition: three nested loops forward, the same three backward."""

import numpy as np

from minicnn.kernels.types import Array, Needs, Saved


def linear_forward(x: Array, w: Array, b: Array | None) -> tuple[Array, Saved]:
    """Each output is the inner product of the input with one row of weights, plus a bias.

        y[n, o] = b[o] + sum over d of  w[o, d] * x[n, d]

    Shapes:
        x (..., D), where all leading axes together count as n; w (O, D); b (O,) or None; y (..., O).
    """
    O, D = w.shape
    rows = x.reshape(-1, D)
    y = np.zeros((len(rows), O), x.dtype)
    for n in range(len(rows)):
        for o in range(O):
            for d in range(D):
                y[n, o] += w[o, d] * rows[n, d]
            if b is not None:
                y[n, o] += b[o]
    return y.reshape(*x.shape[:-1], O), (x, w)


def linear_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """For one product y += w * x the chain rule says dx += w * dy and dw += x * dy; for y += b it says db += dy."""
    x, w = saved
    O, D = w.shape
    rows, dy = x.reshape(-1, D), dy.reshape(-1, O)
    dx, dw, db = np.zeros_like(rows), np.zeros_like(w), np.zeros_like(w[:, 0])
    for n in range(len(rows)):
        for o in range(O):
            for d in range(D):
                dx[n, d] += w[o, d] * dy[n, o]
                dw[o, d] += rows[n, d] * dy[n, o]
            db[o] += dy[n, o]
    gradients = (dx.reshape(x.shape), dw, db)
    return tuple(gradient if needed else None for gradient, needed in zip(gradients, needs, strict=True))
