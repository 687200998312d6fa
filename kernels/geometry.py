"""Output sizes of sliding windows: the arithmetic that every folder shares. Integers only, no arrays."""

from minicnn.kernels.types import Padding, Window


def extent(kernel_size: int, dilation: int) -> int:
    """Pixels from the first to the last tap of a window: dilation * (kernel_size - 1) + 1.

    >>> extent(3, dilation=2)
    5
    """
    return dilation * (kernel_size - 1) + 1


def output_size(
    size: int, kernel_size: int, stride: int, before: int, after: int, dilation: int = 1, ceil_mode: bool = False
) -> int:
    """Number of window positions along one axis: (W - F + 2P)/S + 1, rounded down.

    W is `size`, F the window's extent, S the stride, and 2P = before + after. With `ceil_mode` the quotient is rounded
    up, so that a last window may hang over the end; one that would start in the padding behind the input is dropped.

    >>> output_size(227, 11, 4, 0, 0)
    55
    >>> output_size(112, 3, 2, 0, 0), output_size(112, 3, 2, 0, 0, ceil_mode=True)
    (55, 56)
    """
    span = size - extent(kernel_size, dilation) + before + after
    if not ceil_mode:
        return span // stride + 1
    count = -(-span // stride) + 1
    return count - 1 if (count - 1) * stride >= size + before else count


def output_window(
    size: Window, kernel_size: Window, stride: Window, padding: Padding, dilation: Window, ceil_mode: bool = False
) -> Window:
    """`output_size` along the height and along the width."""
    top, bottom, left, right = padding
    return (
        output_size(size[0], kernel_size[0], stride[0], top, bottom, dilation[0], ceil_mode),
        output_size(size[1], kernel_size[1], stride[1], left, right, dilation[1], ceil_mode),
    )


def same_padding(size: int, kernel_size: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """TensorFlow's SAME: (before, after) such that there are ceil(W / S) windows. An odd pixel goes to the end.

    >>> same_padding(224, 3, 2), same_padding(225, 3, 2), same_padding(28, 5, 1)
    ((0, 1), (1, 1), (2, 2))
    """
    missing = max(0, (-(-size // stride) - 1) * stride + extent(kernel_size, dilation) - size)
    return missing // 2, missing - missing // 2


def unseen(size: int, kernel_size: int, stride: int, before: int, dilation: int, outputs: int) -> int:
    """Pixels at the end of an axis that no window touches (padding does not count).

    >>> unseen(224, 11, 4, 0, 1, outputs=54)   # AlexNet on 224 pixels: the paper's trap
    1
    """
    last = (outputs - 1) * stride + extent(kernel_size, dilation) - before
    return max(0, size - last)


def taps_inside(
    size: int, kernel_size: int, stride: int, before: int, after: int, outputs: int, with_padding: bool
) -> list[int]:
    """For each window position along an axis, how many taps lie inside the image, or inside the padded image.

    >>> taps_inside(5, 3, 2, 1, 1, outputs=3, with_padding=False)
    [2, 3, 2]
    """
    low, high = (-before, size + after) if with_padding else (0, size)
    starts = (p * stride - before for p in range(outputs))
    return [min(start + kernel_size, high) - max(start, low) for start in starts]
