"""Pooling: the maximum or the mean of a window that slides over the image."""

from collections.abc import Sequence

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.geometry import extent, output_size
from minicnn.kernels.types import Padding, Window
from minicnn.ops import checks


class MaxPool2d(KernelFunction):
    """y = max x over each window: dx = Σ dy over the windows that the pixel has won."""

    op = "max_pool2d"


class AvgPool2d(KernelFunction):
    """y = Σ x / D over each window: dx = Σ dy / D over the windows that the pixel is in."""

    op = "avg_pool2d"


def max_pool2d(
    x: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    *,
    padding: int | str | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest pixel of each window.

        y[n, c, p, q] = max over i, j of  x[n, c, p sh + i dh - top, q sw + j dw - left]

    The gradient of an output goes to the pixel that won; of equal pixels the first one in row-major order wins.

    Args:
        x: images (N, C, H, W).
        kernel_size: size of the window: an integer, or (height, width).
        stride: pixels between windows; None for the size of the window, so that windows touch without overlap.
        padding: pixels around the image: an integer, (height, width), (top, bottom, left, right), or "same", as in
            `conv2d`. They count as -inf, never as zero: zero would win wherever the image is negative.
        dilation: pixels between the taps of a window.
        ceil_mode: round the output size up, so that a last window may hang over the end.

    Returns:
        (N, C, P, Q) with P = (H - dilation (kh - 1) - 1 + top + bottom) / stride + 1, rounded down, or up with
        `ceil_mode`, and Q likewise.

    Raises:
        ShapeError: x does not have 4 axes, is empty, or is smaller than the window.
        DtypeError: x holds integers.
        ArgumentError: an attribute is out of range, or there is so much padding that a window could lie wholly in it.

    Source:
        Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks", sec. 3.4
        (overlapping pooling: stride 2, window 3).

    Example:
        >>> x = Tensor([[[[1.0, 2.0, 5.0], [4.0, 3.0, 6.0], [7.0, 9.0, 8.0]]]])
        >>> max_pool2d(x, 2, stride=1).numpy()[0, 0].tolist()
        [[4.0, 6.0], [9.0, 9.0]]
    """
    x = as_tensor(x)
    kernel, strides, wanted, dilations = windows("max_pool2d", kernel_size, stride, padding, dilation)
    ceil = checks.flag(ceil_mode, "max_pool2d: ceil_mode")
    checks.axes("max_pool2d", x, 4, "(N, C, H, W)")
    checks.floating("max_pool2d", x=x)
    paddings = checks.fitted(wanted, x, kernel, strides, dilations)
    checks.window("max_pool2d", x, kernel, strides, paddings, dilations, ceil)
    _check_taps(x, kernel, strides, paddings, dilations, ceil)
    return MaxPool2d.apply(
        x, kernel_size=kernel, stride=strides, padding=paddings, dilation=dilations, ceil_mode=ceil
    )


def avg_pool2d(
    x: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    *,
    padding: int | str | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window.

        y[n, c, p, q] = 1/D[p, q] * sum over i, j of  x[n, c, p sh + i - top, q sw + j - left]

    where pixels outside the image are zero and D is the number of taps that count.

    Args:
        x: images (N, C, H, W).
        kernel_size: size of the window: an integer, or (height, width).
        stride: pixels between windows; None for the size of the window.
        padding: zeros around the image: an integer, (height, width), (top, bottom, left, right), or "same", as in `conv2d`.
        ceil_mode: round the output size up, so that a last window may hang over the end. What hangs over the padded
            image never counts in D.
        count_include_pad: whether D counts padding. If so, windows at the border come out darker.

    Returns:
        (N, C, P, Q), sizes as for `max_pool2d`.

    Raises:
        ShapeError: x does not have 4 axes, is empty, or is smaller than the window.
        DtypeError: x holds integers.
        ArgumentError: an attribute is out of range, or there is so much padding that a window could lie wholly in it.

    Source:
        LeCun et al. 1998, "Gradient-based learning applied to document recognition", sec. II-B (sub-sampling, there
        with a learned scale and bias).

    Example:
        >>> x = Tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
        >>> avg_pool2d(x, 2).item()
        3.0
        >>> avg_pool2d(x, 2, padding=1).numpy()[0, 0].tolist()
        [[0.25, 0.5], [0.75, 1.5]]
    """
    x = as_tensor(x)
    kernel, strides, wanted, _ = windows("avg_pool2d", kernel_size, stride, padding)
    ceil = checks.flag(ceil_mode, "avg_pool2d: ceil_mode")
    include = checks.flag(count_include_pad, "avg_pool2d: count_include_pad")
    checks.axes("avg_pool2d", x, 4, "(N, C, H, W)")
    checks.floating("avg_pool2d", x=x)
    paddings = checks.fitted(wanted, x, kernel, strides)
    checks.window("avg_pool2d", x, kernel, strides, paddings, (1, 1), ceil)
    return AvgPool2d.apply(
        x, kernel_size=kernel, stride=strides, padding=paddings, ceil_mode=ceil, count_include_pad=include
    )


def windows(
    op: str,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None,
    padding: int | str | Sequence[int],
    dilation: int | Sequence[int] = 1,
) -> tuple[Window, Window, Padding | str, Window]:
    """The attributes of pooling windows in full: kernel size, stride, padding, dilation.

    The rule for padding: each side is smaller than the window's extent F, and both sides together are at most F. For
    equal sides that is PyTorch's "at most half the kernel"; (0, 1) for a window of 2 is allowed as well. Then the first
    window reaches the first pixel, so that no window lies wholly in padding, where nothing is to be pooled.

    Raises:
        ArgumentError: an attribute is out of range.
    """
    kernel, dilations = checks.pair(kernel_size, f"{op}: kernel_size"), checks.pair(dilation, f"{op}: dilation")
    strides = kernel if stride is None else checks.pair(stride, f"{op}: stride")
    paddings = checks.padding(padding, f"{op}: padding")
    if isinstance(paddings, str):
        return kernel, strides, paddings, dilations
    for axis, side in enumerate(("height", "width")):
        F = extent(kernel[axis], dilations[axis])
        before, after = paddings[2 * axis : 2 * axis + 2]
        if max(before, after) >= F or before + after > F:
            equal, unequal = f"at most half of that, {F // 2}", f"each side less than {F}, and both together at most {F}"
            raise ArgumentError(
                f"{op}: padding ({before}, {after}) along the {side} is too much for a window of {F} pixel(s): "
                f"it must be {equal if before == after else unequal}; "
                "otherwise a window could lie wholly in padding, where there is nothing to pool"
            )
    return kernel, strides, paddings, dilations


def _check_taps(x: Tensor, kernel: Window, stride: Window, padding: Padding, dilation: Window, ceil_mode: bool) -> None:
    """No window steps over the whole image: its taps are further apart than the image is large, and all in padding."""
    for axis, (size, side) in enumerate(zip(x.shape[2:], ("height", "width"), strict=True)):
        before, after = padding[2 * axis : 2 * axis + 2]
        count = output_size(size, kernel[axis], stride[axis], before, after, dilation[axis], ceil_mode)
        starts_in_padding = range(-before, 0, stride[axis])[:count]
        if any(start % dilation[axis] >= size for start in starts_in_padding):
            raise ShapeError(
                f"max_pool2d: a window with dilation {dilation[axis]} steps over the whole {side} of {size} pixel(s), "
                f"from padding into padding, and has no maximum; x is {x.shape}. "
                "Use a larger image, less dilation or less padding"
            )
