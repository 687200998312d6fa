"""The linear layer on a GPU: a convolution of images of one pixel, whose channels are the features."""

from minicnn.kernels.cuda import conv
from minicnn.kernels.cuda.layout import contiguous
from minicnn.kernels.types import Array, Needs, Saved, Window


def linear_forward(x: Array, w: Array, b: Array | None) -> tuple[Array, Saved]:
    """y = x Wᵀ + b. Shapes: x (..., D); w (O, D); b (O,) or None; y (..., O)."""
    O, D = w.shape
    one: Window = (1, 1)
    y, saved = conv.conv2d_forward(
        _pixels(x, D), w.reshape(O, D, 1, 1), b, stride=one, padding=(0, 0, 0, 0), dilation=one, groups=1
    )
    return y.reshape(*x.shape[:-1], O), (saved, x.shape, w.shape)


def linear_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy W, dW = dyᵀ x, db = Σ dy over the rows."""
    saved, x_shape, w_shape = saved
    dx, dw, db = conv.conv2d_backward(_pixels(dy, w_shape[0]), saved, needs=needs)
    return None if dx is None else dx.reshape(x_shape), None if dw is None else dw.reshape(w_shape), db


def _pixels(x: Array, D: int) -> Array:
    """Rows of D features as images (rows, D, 1, 1)."""
    return contiguous(x).reshape(-1, D, 1, 1)
