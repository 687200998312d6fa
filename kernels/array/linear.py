"""The linear layer as one matrix product."""

from minicnn.kernels.types import Array, Needs, Saved


def linear_forward(x: Array, w: Array, b: Array | None) -> tuple[Array, Saved]:
    """y = x · Wᵀ + b, for all rows at once.

    Shapes:
        x (..., D); w (O, D); b (O,) or None; y (..., O).
    """
    O, D = w.shape
    y = x.reshape(-1, D) @ w.T
    if b is not None:
        y += b
    return y.reshape(*x.shape[:-1], O), (x, w)


def linear_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """From y = x · Wᵀ + b: dx = dy · W, dW = dyᵀ · x, and db sums dy over all rows.

    The shapes leave no other choice: dW (O, D) can only be (O, N) times (N, D).
    """
    x, w = saved
    O, D = w.shape
    dy = dy.reshape(-1, O)
    dx = (dy @ w).reshape(x.shape) if needs[0] else None
    dw = dy.T @ x.reshape(-1, D) if needs[1] else None
    db = dy.sum(axis=0) if needs[2] else None
    return dx, dw, db
