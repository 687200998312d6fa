"""Pooling on a GPU, channels last: a thread for every pixel of the result, backward for every pixel of the input. See pool.cu."""

import functools

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.layout import channels_first, channels_last
from minicnn.kernels.cuda.pixels import over_pixels
from minicnn.kernels.geometry import output_window
from minicnn.kernels.types import Array, Needs, Padding, Saved, Window

FIELDS = "H", "W", "C", "P", "Q", "kh", "kw", "sh", "sw", "dh", "dw", "top", "left", "high", "low", "near", "far"
STRUCTURE = np.dtype([(name, np.int32) for name in FIELDS])  # the kernel's `Window`
BYTE = 256  # taps that a byte can tell apart


def max_pool2d_forward(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, dilation: Window, ceil_mode: bool
) -> tuple[Array, Saved]:
    """The largest pixel of each window, and which tap it is: `winner` = i kw + j, as a byte if a byte can hold it.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q); winner (N, P, Q, C).
    """
    images = channels_last(x)
    window = _window(x.shape, kernel_size, stride, padding, dilation, ceil_mode, (0, 0, 0, 0))
    y = _empty(images, window, "P", "Q")
    tap, macros = (np.uint8, ()) if kernel_size[0] * kernel_size[1] <= BYTE else (np.int32, ("MANY_TAPS",))
    winner = array_module(x).empty(y.shape, tap)
    over_pixels("pool", "max_pool2d", images, y, (images, y, winner, window), macros)
    return channels_first(y), (winner, window, macros)


def max_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = Σ dy over the windows in which a pixel won."""
    winner, window, macros = saved
    if not needs[0]:
        return (None,)
    gradients = channels_last(dy)
    dx = _empty(gradients, window, "H", "W")
    over_pixels("pool", "max_pool2d_dx", gradients, dx, (gradients, winner, dx, window), macros)
    return (channels_first(dx),)


def avg_pool2d_forward(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, ceil_mode: bool, count_include_pad: bool
) -> tuple[Array, Saved]:
    """The mean of each window: its sum over D, the number of taps that count.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q).
    """
    images = channels_last(x)
    window = _window(x.shape, kernel_size, stride, padding, (1, 1), ceil_mode, padding if count_include_pad else (0, 0, 0, 0))
    y = _empty(images, window, "P", "Q")
    over_pixels("pool", "avg_pool2d", images, y, (images, y, window))
    return channels_first(y), window


def avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = Σ dy / D over the windows that a pixel is in."""
    if not needs[0]:
        return (None,)
    gradients = channels_last(dy)
    dx = _empty(gradients, saved, "H", "W")
    over_pixels("pool", "avg_pool2d_dx", gradients, dx, (gradients, dx, saved))
    return (channels_first(dx),)


@functools.lru_cache(maxsize=1024)
def _window(
    x_shape: tuple[int, ...], kernel_size: Window, stride: Window, padding: Padding, dilation: Window, ceil_mode: bool, counted: Padding
) -> Array:
    """All that a kernel must know about the windows; average pooling counts the taps in so much of the padding."""
    _, C, H, W = x_shape
    P, Q = output_window((H, W), kernel_size, stride, padding, dilation, ceil_mode)
    return np.array([(H, W, C, P, Q, *kernel_size, *stride, *dilation, padding[0], padding[2], *counted)], STRUCTURE)


def _empty(images: Array, window: Array, rows: str, columns: str) -> Array:
    """As many images as there are, with the rows and columns that the window says."""
    shape = len(images), int(window[rows][0]), int(window[columns][0]), images.shape[3]
    return array_module(images).empty(shape, images.dtype)
