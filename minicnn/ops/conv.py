"""Convolution."""

from collections.abc import Sequence

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops import checks
from minicnn.ops.autocast import cast


class Conv2d(KernelFunction):
    """y = w * x + b, a sum over each window: dx is dy with the filters turned over, dw is x with dy as the filter, db = Σ dy.

    The arithmetic is in `minicnn.kernels`, file `conv.py` of each folder; so it is for all nodes of this kind.
    """

    op = "conv2d"


class Conv2dReLU(KernelFunction):
    """A convolution and the ReLU behind it: y = min(max(w * x + b, 0), ceiling), dx as without it, of dy where 0 < y < ceiling and 0 elsewhere."""

    op = "conv2d_relu"


def conv2d(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: int | str | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    ceiling: float | None = None,
) -> Tensor:
    """Slide filters over images.

        y[n, o, p, q] = b[o] + sum over c, i, j of  w[o, c, i, j] x[n, c, p sh + i dh - top, q sw + j dw - left]

    Args:
        x: images (N, C, H, W).
        w: filters (O, C/groups, kh, kw).
        b: one bias per filter (O,), or None.
        stride: pixels between windows: an integer, or (height, width).
        padding: zeros around the image: an integer, (height, width), or (top, bottom, left, right); or "same", TensorFlow's
            rule: as many as make P = ceil(H / stride), half on each side, an odd one at the bottom and on the right.
        dilation: pixels between the taps of a window.
        groups: number of parts into which channels and filters are divided; each filter sees its own part only.
            `groups=C` is a depthwise convolution.
        ceiling: clip the result to 0..ceiling, which is a ReLU with infinity and a ReLU6 with 6; None does not clip.

    Returns:
        (N, O, P, Q) with P = (H - dilation (kh - 1) - 1 + top + bottom) // stride + 1, and Q likewise.

    Raises:
        ShapeError: an input has the wrong number of axes or channels, is empty, or is smaller than the window.
        DtypeError: inputs of different element types, or integers.
        ArgumentError: an attribute is out of range, or `groups` does not divide the channels and the filters.

    Source:
        LeCun et al. 1998, "Gradient-based learning applied to document recognition", sec. II-A.

    Example:
        >>> import minicnn
        >>> x, w = minicnn.ones(1, 3, 227, 227), minicnn.ones(96, 3, 11, 11)
        >>> conv2d(x, w, stride=4).shape        # AlexNet's first layer
        (1, 96, 55, 55)
    """
    x, w, b = cast("conv2d", as_tensor(x), as_tensor(w), None if b is None else as_tensor(b))
    strides, dilations = checks.pair(stride, "conv2d: stride"), checks.pair(dilation, "conv2d: dilation")
    wanted, groups = checks.padding(padding, "conv2d: padding"), checks.integer(groups, "conv2d: groups")
    checks.axes("conv2d", x, 4, "(N, C, H, W)")
    if w.ndim != 4 or w.size == 0:
        raise ShapeError(f"conv2d: filters must have 4 axes (O, C/groups, kh, kw), none empty; w is {w.shape}")
    checks.floating("conv2d", x=x, w=w, b=b)
    _check_channels(x, w, b, groups)
    paddings = checks.fitted(wanted, x, (w.shape[2], w.shape[3]), strides, dilations)
    checks.window("conv2d", x, (w.shape[2], w.shape[3]), strides, paddings, dilations)
    attributes = {"stride": strides, "padding": paddings, "dilation": dilations, "groups": groups}
    if ceiling is None:
        return Conv2d.apply(x, w, b, **attributes)
    return Conv2dReLU.apply(x, w, b, **attributes, ceiling=checks.ceiling(ceiling, "conv2d: ceiling"))


def _check_channels(x: Tensor, w: Tensor, b: Tensor | None, groups: int) -> None:
    C, O = x.shape[1], w.shape[0]
    if O % groups:
        raise ArgumentError(f"conv2d: groups must divide the {O} filters, but {O} / {groups} leaves a remainder")
    if w.shape[1] * groups != C:
        rule = "" if groups == 1 else f" ({w.shape[1]} per filter x {groups} groups)"
        hint = "; is x in the order (N, H, W, C)? then transpose(0, 3, 1, 2)" if x.shape[3] == w.shape[1] * groups else ""
        raise ShapeError(f"conv2d: input has {C} channels, expected {w.shape[1] * groups}{rule}; x is {x.shape}{hint}")
    if b is not None and b.shape != (O,):
        raise ShapeError(f"conv2d: the bias must have shape ({O},), one entry per filter; b is {b.shape}")
