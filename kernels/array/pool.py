"""Pooling in whole-array arithmetic: one step per tap, and in each step all windows at once.

Tap (i, j) of all windows is one strided slice of the padded image (see `taps` in conv.py). The slices are combined as
they come, so no copy of all windows is ever made.
"""

from types import ModuleType

from minicnn.kernels.array.conv import taps
from minicnn.kernels.array.module import array_module
from minicnn.kernels.geometry import extent, output_window, taps_inside
from minicnn.kernels.types import Array, Needs, Padding, Saved, Window


def max_pool2d_forward(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, dilation: Window, ceil_mode: bool
) -> tuple[Array, Saved]:
    """A running maximum over the taps; `winner` remembers which tap i kw + j it came from.

    The padding is -inf, and a tap wins only if it is larger than all before it; so of equal pixels the first one wins.
    Every window starts from its first tap inside the image: padding never wins, not even where all pixels are -inf.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q).
    """
    xp = array_module(x)
    P, Q = output_window(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    rows = _first_inside(xp, P, stride[0], padding[0], dilation[0])
    columns = _first_inside(xp, Q, stride[1], padding[2], dilation[1])
    y = xp.full((*x.shape[:2], P, Q), -xp.inf, x.dtype)
    winner = xp.broadcast_to(rows[:, None] * kernel_size[1] + columns, y.shape)
    padding = _with_overhang(x.shape, kernel_size, (P, Q), stride, padding, dilation)
    padded = _pad(x, padding, -xp.inf)
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            v = padded[:, :, *taps(i, j, (P, Q), stride, dilation)]
            better = (v > y) | (xp.isnan(v) & ~xp.isnan(y))
            y = xp.where(better, v, y)
            winner = xp.where(better, i * kernel_size[1] + j, winner)
    return y, (winner, x.shape, kernel_size, stride, padding, dilation)


def max_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """y is the pixel under the winning tap, so dy goes there: walk over the taps again, and each takes what it won."""
    winner, x_shape, kernel_size, stride, padding, dilation = saved
    if not needs[0]:
        return (None,)
    xp = array_module(dy)
    N, C, H, W = x_shape
    top, bottom, left, right = padding
    dx = xp.zeros((N, C, H + top + bottom, W + left + right), dy.dtype)
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            won = winner == i * kernel_size[1] + j
            dx[:, :, *taps(i, j, dy.shape[2:], stride, dilation)] += xp.where(won, dy, dy.dtype.type(0))
    return (dx[:, :, top : top + H, left : left + W],)


def avg_pool2d_forward(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, ceil_mode: bool, count_include_pad: bool
) -> tuple[Array, Saved]:
    """Sum the taps, with zeros as padding, and divide by D, the number of taps that count.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q); D (P, Q).
    """
    xp = array_module(x)
    H, W = x.shape[2:]
    P, Q = output_window((H, W), kernel_size, stride, padding, (1, 1), ceil_mode)
    top, bottom, left, right = padding
    rows = taps_inside(H, kernel_size[0], stride[0], top, bottom, P, count_include_pad)
    columns = taps_inside(W, kernel_size[1], stride[1], left, right, Q, count_include_pad)
    D = xp.outer(xp.asarray(rows), xp.asarray(columns)).astype(x.dtype)
    padding = _with_overhang(x.shape, kernel_size, (P, Q), stride, padding, (1, 1))
    padded = _pad(x, padding, 0)
    y = xp.zeros((*x.shape[:2], P, Q), x.dtype)
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            y += padded[:, :, *taps(i, j, (P, Q), stride, (1, 1))]
    return y / D, (D, x.shape, kernel_size, stride, padding)


def avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Each pixel entered y with weight 1/D: the transpose of the sum adds dy/D back at every tap."""
    D, x_shape, kernel_size, stride, padding = saved
    if not needs[0]:
        return (None,)
    xp = array_module(dy)
    N, C, H, W = x_shape
    top, bottom, left, right = padding
    dx = xp.zeros((N, C, H + top + bottom, W + left + right), dy.dtype)
    share = dy / D
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            dx[:, :, *taps(i, j, dy.shape[2:], stride, (1, 1))] += share
    return (dx[:, :, top : top + H, left : left + W],)


def _with_overhang(
    x_shape: tuple[int, ...], kernel_size: Window, output: Window, stride: Window, padding: Padding, dilation: Window
) -> Padding:
    """The padding, enlarged at the end where a last window hangs over it (`ceil_mode`)."""
    H, W = x_shape[2:]
    top, bottom, left, right = padding
    height = (output[0] - 1) * stride[0] + extent(kernel_size[0], dilation[0])
    width = (output[1] - 1) * stride[1] + extent(kernel_size[1], dilation[1])
    return top, max(bottom, height - top - H), left, max(right, width - left - W)


def _pad(x: Array, padding: Padding, value: float) -> Array:
    top, bottom, left, right = padding
    xp = array_module(x)
    return xp.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)


def _first_inside(xp: ModuleType, outputs: int, stride: int, before: int, dilation: int) -> Array:
    """For each window position along an axis, the first tap that is not in the padding."""
    start = xp.arange(outputs, dtype=xp.int32) * stride - before
    return xp.maximum(0, -(start // dilation))
