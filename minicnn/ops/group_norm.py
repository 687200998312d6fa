"""Group normalisation, and instance normalisation, which is the case of one group per channel."""

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops import checks
from minicnn.ops.autocast import cast


class GroupNorm(KernelFunction):
    """y = gamma z + beta, z = (x - mean) / s over one group of one image, s = sqrt(var + eps).

    With g = gamma dy and means over the group: dx = (g - mean(g) - z mean(g z)) / s; dgamma = Σ dy z, dbeta = Σ dy.
    """

    op = "group_norm"


def group_norm(
    x: Tensor, groups: int, gamma: Tensor | None = None, beta: Tensor | None = None, *, eps: float = 1e-5
) -> Tensor:
    """Give every group of channels of every image mean 0 and variance 1, then each channel a learned scale and shift.

        y = gamma (x - mean) / sqrt(var + eps) + beta

    with mean and var over the C/groups · H W values of one group in one image (var divided by their number). Nothing
    depends on the other images of the batch, so that training and evaluation are the same.

    Args:
        x: (N, C, ...), usually images (N, C, H, W).
        groups: number of parts into which the channels are divided, in order; it must divide C. 1 takes all channels
            together, C each by itself.
        gamma: scale of each channel (C,), or None for 1.
        beta: shift of each channel (C,), or None for 0.
        eps: keeps the square root away from zero.

    Returns:
        A tensor like x.

    Raises:
        ShapeError: x has no channel axis or is empty, gamma or beta does not have one entry per channel, or a group has
            a single value, whose variance is zero.
        DtypeError: inputs of different element types, or integers. Beside an x of 16 bits, gamma and beta are float32.
        ArgumentError: `groups` does not divide the channels, or `eps` is not positive.

    Source:
        Wu & He 2018, "Group normalization", sec. 3.

    Example:
        >>> x = Tensor([[[1.0], [3.0], [10.0], [50.0]]])
        >>> group_norm(x, groups=2).numpy().round(3).ravel().tolist()
        [-1.0, 1.0, -1.0, 1.0]
    """
    x = as_tensor(x)
    checks.axes("group_norm", x, max(x.ndim, 2), "(N, C, ...)")
    C = x.shape[1]
    groups = checks.integer(groups, "group_norm: groups")
    if C % groups:
        raise ArgumentError(
            f"group_norm: groups must divide the channels, but {C} / {groups} leaves a remainder; x is {x.shape}"
        )
    return _normalise("group_norm", x, groups, gamma, beta, eps)


def instance_norm(x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, *, eps: float = 1e-5) -> Tensor:
    """Give every channel of every image mean 0 and variance 1, then a learned scale and shift.

        y = gamma (x - mean) / sqrt(var + eps) + beta

    with mean and var over the H W pixels of one channel in one image: `group_norm` with one group per channel. It
    removes the contrast of each image, which is why style transfer uses it.

    Args:
        x: images (N, C, H, W), or (N, C, ...).
        gamma: scale of each channel (C,), or None for 1.
        beta: shift of each channel (C,), or None for 0.
        eps: keeps the square root away from zero.

    Returns:
        A tensor like x.

    Raises:
        ShapeError: x has no channel axis or is empty, gamma or beta does not have one entry per channel, or a channel of
            an image has a single value, whose variance is zero.
        DtypeError: inputs of different element types, or integers. Beside an x of 16 bits, gamma and beta are float32.
        ArgumentError: `eps` is not positive.

    Source:
        Ulyanov, Vedaldi & Lempitsky 2016, "Instance normalization: the missing ingredient for fast stylization", eq. 4.

    Example:
        >>> dark_and_bright = Tensor([[[[1.0, 3.0]]], [[[100.0, 300.0]]]])
        >>> instance_norm(dark_and_bright).numpy().round(3).ravel().tolist()
        [-1.0, 1.0, -1.0, 1.0]
    """
    x = as_tensor(x)
    checks.axes("instance_norm", x, max(x.ndim, 2), "(N, C, ...)")
    return _normalise("instance_norm", x, x.shape[1], gamma, beta, eps)


def _normalise(op: str, x: Tensor, groups: int, gamma: Tensor | None, beta: Tensor | None, eps: float) -> Tensor:
    (x,), gamma, beta = cast("group_norm", x), None if gamma is None else as_tensor(gamma), None if beta is None else as_tensor(beta)
    eps = checks.positive(eps, f"{op}: eps")
    checks.floating_with_parameters(op, x, gamma=gamma, beta=beta)
    checks.per_channel(op, x, gamma=gamma, beta=beta)
    if x.size == x.shape[0] * groups:
        raise ShapeError(
            f"{op}: each group needs more than one value, but {x.shape[1]} channels in {groups} group(s), x {x.shape}, "
            "leave one, whose variance is zero, so that every output would be beta whatever the input. Has the image "
            "shrunk to one pixel? Use fewer groups, or normalise earlier"
        )
    return GroupNorm.apply(x, gamma, beta, groups=groups, eps=eps)
