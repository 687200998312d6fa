"""Adaptive pooling: the output size is given, the windows follow. Global pooling is the case of one window."""

from collections.abc import Sequence

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.ops import checks


class AdaptiveAvgPool2d(KernelFunction):
    """y = Σ x / n over each bin of n pixels: every pixel gets dx = Σ dy / n over the bins that it is in."""

    op = "adaptive_avg_pool2d"


class AdaptiveMaxPool2d(KernelFunction):
    """y = max x over each bin: dx = Σ dy over the bins that the pixel has won."""

    op = "adaptive_max_pool2d"


def adaptive_avg_pool2d(x: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """The mean of each of P x Q bins that cover the image.

        y[n, c, p, q] = mean of x[n, c, r, s] over  floor(p H / P) <= r < ceil((p + 1) H / P)  and likewise s

    Where P does not divide H, neighbouring bins share a pixel; where P > H, pixels are repeated. No pixel is left out.

    Args:
        x: images (N, C, H, W).
        output_size: (P, Q), or one integer for both.

    Returns:
        (N, C, P, Q).

    Raises:
        ShapeError: x does not have 4 axes, or is empty.
        DtypeError: x holds integers.
        ArgumentError: `output_size` is below 1 or no integer.

    Source:
        The bins of He et al. 2015, "Spatial pyramid pooling in deep convolutional networks", sec. 2.3 and appendix A.

    Example:
        >>> x = Tensor([[[[1.0, 2.0, 3.0, 4.0, 5.0]]]])
        >>> adaptive_avg_pool2d(x, (1, 2)).numpy().ravel().tolist()    # pixels 0..2 and 2..4
        [2.0, 4.0]
    """
    return _apply(AdaptiveAvgPool2d, "adaptive_avg_pool2d", x, output_size)


def adaptive_max_pool2d(x: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """The largest pixel of each of P x Q bins that cover the image; the bins of `adaptive_avg_pool2d`.

    The gradient of an output goes to the pixel that won; of equal pixels the first one in row-major order wins.

    Args:
        x: images (N, C, H, W).
        output_size: (P, Q), or one integer for both.

    Returns:
        (N, C, P, Q).

    Raises:
        ShapeError: x does not have 4 axes, or is empty.
        DtypeError: x holds integers.
        ArgumentError: `output_size` is below 1 or no integer.

    Source:
        He et al. 2015, "Spatial pyramid pooling in deep convolutional networks", sec. 2.2, which pools the largest of each bin.

    Example:
        >>> x = Tensor([[[[1.0, 2.0, 3.0, 2.0, 1.0]]]])
        >>> adaptive_max_pool2d(x, (1, 2)).numpy().ravel().tolist()
        [3.0, 3.0]
    """
    return _apply(AdaptiveMaxPool2d, "adaptive_max_pool2d", x, output_size)


def global_avg_pool2d(x: Tensor) -> Tensor:
    """The mean of each channel, (N, C, H, W) to (N, C, 1, 1): adaptive average pooling with one bin.

    It replaces the fully connected layers at the end of a network, and so makes it independent of the image's size.

    Raises:
        ShapeError: x does not have 4 axes, or is empty.
        DtypeError: x holds integers.

    Source:
        Lin et al. 2014, "Network in network", sec. 3.2.

    Example:
        >>> global_avg_pool2d(Tensor([[[[1.0, 2.0], [3.0, 6.0]]]])).numpy().tolist()
        [[[[3.0]]]]
    """
    return _apply(AdaptiveAvgPool2d, "global_avg_pool2d", x, 1)


def global_max_pool2d(x: Tensor) -> Tensor:
    """The largest pixel of each channel, (N, C, H, W) to (N, C, 1, 1): adaptive max pooling with one bin.

    Raises:
        ShapeError: x does not have 4 axes, or is empty.
        DtypeError: x holds integers.

    Example:
        >>> global_max_pool2d(Tensor([[[[1.0, 2.0], [3.0, 6.0]]]])).numpy().tolist()
        [[[[6.0]]]]
    """
    return _apply(AdaptiveMaxPool2d, "global_max_pool2d", x, 1)


def _apply(function: type[KernelFunction], name: str, x: Tensor, output_size: int | Sequence[int]) -> Tensor:
    x, size = as_tensor(x), checks.pair(output_size, f"{name}: output_size")
    checks.axes(name, x, 4, "(N, C, H, W)")
    checks.floating(name, x=x)
    return function.apply(x, output_size=size)
