"""Channel shuffle: lets the groups of a grouped convolution exchange what they have seen."""

from minicnn.autograd import Tensor, as_tensor
from minicnn.errors import ArgumentError
from minicnn.ops import checks
from minicnn.ops.shape import reshape, transpose


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Deal the channels out like cards: the first of each group, then the second of each, ...

    With C = groups · n, output channel j · groups + i is input channel i · n + j: the channel axis is read as a matrix
    (groups, n) and written down transposed. Each group of the next convolution then sees a channel of every group.

    Args:
        x: feature maps (N, C, H, W).
        groups: number of groups; divides C.

    Raises:
        ShapeError: the input does not have four axes.
        ArgumentError: `groups` does not divide the channels.

    Source:
        Zhang et al. 2018, "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices", sec. 3.1.

    Example:
        >>> import minicnn
        >>> x = minicnn.arange(6).reshape(1, 6, 1, 1)
        >>> channel_shuffle(x, groups=3).flatten()
        Tensor([0, 2, 4, 1, 3, 5], dtype=int64)
    """
    x = as_tensor(x)
    checks.axes("channel_shuffle", x, 4, "(N, C, H, W)")
    N, C, H, W = x.shape
    groups = checks.integer(groups, "channel_shuffle: groups")
    if C % groups:
        raise ArgumentError(f"channel_shuffle: {groups} groups do not divide the {C} channels; x is {x.shape}")
    dealt = transpose(reshape(x, (N, groups, C // groups, H, W)), (0, 2, 1, 3, 4))
    return reshape(dealt, (N, C, H, W))
