"""minicnn's kernels, called as the pictures need them: one image, one channel."""

import numpy as np

from minicnn.kernels.loops.conv import conv2d_backward, conv2d_forward


def convolve(x: np.ndarray, w: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    """y (P, Q) of x (H, W) and w (kh, kw)."""
    return _forward(x, w, stride, padding)[0][0, 0]


def convolve_backward(x: np.ndarray, w: np.ndarray, dy: np.ndarray, stride: int = 1, padding: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """dx (H, W) and dw (kh, kw) of dy (P, Q)."""
    dx, dw, _ = conv2d_backward(dy[None, None], _forward(x, w, stride, padding)[1], needs=(True, True, False))
    return dx[0, 0], dw[0, 0]


def first_pixels(dy: np.ndarray, count: int) -> np.ndarray:
    """dy with zeros behind its first pixels: what has arrived after some steps."""
    return np.where(np.arange(dy.size).reshape(dy.shape) < count, dy, 0)


def _forward(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> tuple[np.ndarray, tuple]:
    return conv2d_forward(x[None, None], w[None, None], None, stride=(stride, stride), padding=(padding,) * 4, dilation=(1, 1), groups=1)
