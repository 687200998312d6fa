"""Channel shuffle as a layer. It learns nothing."""

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.nn.module import Module
from minicnn.ops.channel_shuffle import channel_shuffle


class ChannelShuffle(Module):
    """Mix the channels of the groups of a grouped convolution. See `minicnn.ops.channel_shuffle`.

    Raises:
        ArgumentError: `groups` is below 1 or no integer.

    Source:
        Zhang et al. 2018, "ShuffleNet", fig. 1c.

    Example:
        >>> import minicnn
        >>> ChannelShuffle(2)(minicnn.arange(6).reshape(1, 6, 1, 1)).flatten().tolist()
        [0, 3, 1, 4, 2, 5]
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = checks.integer(groups, "ChannelShuffle: groups")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        return channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        return str(self.groups)
