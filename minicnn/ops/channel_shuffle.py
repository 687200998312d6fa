"""Channel shuffle: lets the groups of a grouped convolution exchange what they have seen."""

from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.backend import get_backend
from minicnn.errors import ArgumentError
from minicnn.kernels.array.module import empty_in_order
from minicnn.kernels.types import Array
from minicnn.ops import checks


class ChannelShuffle(Function):
    """y = x with its channels dealt out by g groups of n: dx is dy dealt out by n groups of g, which undoes it."""

    def forward(self, x: Array, *, groups: int) -> Array:
        return deal(x, groups)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        return (deal(dy, dy.shape[1] // self.attributes["groups"]),)


def deal(x: Array, groups: int) -> Array:
    """The images with channel i n + j of `groups` times n as channel j groups + i, in memory in the order of x."""
    backend, (N, C, H, W) = get_backend(), x.shape
    if not backend.has_values:
        return x
    y = empty_in_order(x, x.shape)
    backend.basics.assign(y.reshape(N, C // groups, groups, H, W), x.reshape(N, groups, C // groups, H, W).transpose(0, 2, 1, 3, 4))
    return y


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
    C = x.shape[1]
    groups = checks.integer(groups, "channel_shuffle: groups")
    if C % groups:
        raise ArgumentError(f"channel_shuffle: {groups} groups do not divide the {C} channels; x is {x.shape}")
    return ChannelShuffle.apply(x, groups=groups)
