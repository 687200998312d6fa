"""Layers that only rearrange."""

from minicnn.autograd import Tensor
from minicnn.nn.module import Module
from minicnn.ops.channel_shuffle import channel_shuffle


class Flatten(Module):
    """All axes but the first as one: (N, C, H, W) to (N, C H W), as a linear layer wants it."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, product of the other sizes)."""
        return x.flatten(1)


class ChannelShuffle(Module):
    """Mix the channels of the groups of a grouped convolution (Zhang et al. 2018, fig. 1c). See `ops.channel_shuffle`."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        return channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        return str(self.groups)
