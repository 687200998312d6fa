"""Convolution as one matrix product: im2col lays every window out as a column (Chellapilla et al. 2006, sec. 3).

With K = C kh kw the length of a window and L = P Q the number of its positions, an image becomes a matrix (K, L), the
filters a matrix (O, K), and their product the output (O, L).
"""

from minicnn.kernels.array.module import array_module
from minicnn.kernels.geometry import extent, output_window
from minicnn.kernels.types import Array, Needs, Padding, Saved, Window


def conv2d_forward(
    x: Array, w: Array, b: Array | None, *, stride: Window, padding: Padding, dilation: Window, groups: int
) -> tuple[Array, Saved]:
    """y = W · cols, for each group of channels.

    Shapes:
        x (N, C, H, W); w (O, C/G, kh, kw) with G = groups; b (O,) or None; y (N, O, P, Q).
    """
    N, _, H, W = x.shape
    O, _, kh, kw = w.shape
    P, Q = output_window((H, W), (kh, kw), stride, padding, dilation)
    cols = im2col(x, (kh, kw), (P, Q), stride, padding, dilation).reshape(N, groups, -1, P * Q)
    y = (w.reshape(groups, O // groups, -1) @ cols).reshape(N, O, P, Q)
    if b is not None:
        y += b[:, None, None]
    return y, (cols, w, x.shape, stride, padding, dilation, groups)


def conv2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """From y = W · cols + b: dW = dy · colsᵀ, dcols = Wᵀ · dy, and db sums dy over all positions.

    dx is dcols with every column added back to the pixels it was copied from (col2im).
    """
    cols, w, x_shape, stride, padding, dilation, groups = saved
    N, O, P, Q = dy.shape
    dy_matrix = dy.reshape(N, groups, O // groups, P * Q)
    dx = dw = db = None
    if needs[0]:
        dcols = w.reshape(groups, O // groups, -1).swapaxes(1, 2) @ dy_matrix
        dx = col2im(dcols, x_shape, w.shape[2:], (P, Q), stride, padding, dilation)
    if needs[1]:
        dw = (dy_matrix @ cols.swapaxes(2, 3)).sum(axis=0).reshape(w.shape)
    if needs[2]:
        db = dy.sum(axis=(0, 2, 3))
    return dx, dw, db


def conv2d_relu_forward(
    x: Array, w: Array, b: Array | None, *, stride: Window, padding: Padding, dilation: Window, groups: int, ceiling: float
) -> tuple[Array, Saved]:
    """A convolution and the ReLU behind it as one operation: y = min(max(w * x + b, 0), ceiling)."""
    y, saved = conv2d_forward(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)
    y = y.clip(0, ceiling)
    return y, (saved, y, ceiling)


def conv2d_relu_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dy goes on where 0 < y < ceiling."""
    saved, y, ceiling = saved
    return conv2d_backward(dy * ((y > 0) & (y < ceiling)), saved, needs=needs)


def im2col(
    x: Array, kernel_size: Window, output: Window, stride: Window, padding: Padding, dilation: Window
) -> Array:
    """Copy every window into a column: (N, C, H, W) to (N, C, kh, kw, P, Q).

    The taps are the outer loop: tap (i, j) of *all* windows is one strided slice of the padded image.
    """
    xp = array_module(x)
    N, C, _, _ = x.shape
    top, bottom, left, right = padding
    x = xp.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    cols = xp.empty((N, C, *kernel_size, *output), x.dtype)
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            cols[:, :, i, j] = x[:, :, *taps(i, j, output, stride, dilation)]
    return cols


def col2im(
    cols: Array,
    x_shape: tuple[int, ...],
    kernel_size: Window,
    output: Window,
    stride: Window,
    padding: Padding,
    dilation: Window,
) -> Array:
    """The transpose of `im2col`: add every column back to the window it came from. Overlapping windows add up."""
    xp = array_module(cols)
    N, C, H, W = x_shape
    top, bottom, left, right = padding
    cols = cols.reshape(N, C, *kernel_size, *output)
    x = xp.zeros((N, C, H + top + bottom, W + left + right), cols.dtype)
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            x[:, :, *taps(i, j, output, stride, dilation)] += cols[:, :, i, j]
    return x[:, :, top : top + H, left : left + W]


def taps(i: int, j: int, output: Window, stride: Window, dilation: Window) -> tuple[slice, slice]:
    """Rows and columns of the padded image that tap (i, j) meets while the window slides."""
    rows = slice(i * dilation[0], i * dilation[0] + extent(output[0], stride[0]), stride[0])
    columns = slice(j * dilation[1], j * dilation[1] + extent(output[1], stride[1]), stride[1])
    return rows, columns
