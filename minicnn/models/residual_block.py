"""The residual block, in its two forms, and the shortcut around it (He et al. 2015, sec. 3). The networks are in `resnet.py`."""

import math
from collections.abc import Callable
from typing import TypeAlias

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import choice, flag, integer
from minicnn.errors import ArgumentError
from minicnn.ops import pad, relu


class ZeroPadShortcut(nn.Module):
    """Shortcut A of the paper, without parameters: every second pixel, and the new channels are zero, half on either side."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride, self.front = stride, (out_channels - in_channels) // 2
        self.back = out_channels - in_channels - self.front

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""
        x = x[:, :, :: self.stride, :: self.stride]
        return pad(x, ((0, 0), (self.front, self.back), (0, 0), (0, 0)))


def make_shortcut(kind: str, in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The way around a block: the input itself, made to fit where the block changes its shape (sec. 3.3, "Residual Network")."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    if choice(kind, "ResNet: shortcut", ("A", "B")) == "A":
        return ZeroPadShortcut(in_channels, out_channels, stride)
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


def group_width(channels: int, base_width: int) -> int:
    """Channels of one group of a bottleneck's 3x3 convolution: `base_width` for each 64 of `channels`.

    Raises:
        ArgumentError: that is no whole number.

    Example:
        >>> group_width(128, base_width=4)
        8
    """
    base_width = integer(base_width, "Bottleneck: base_width")
    if channels * base_width % 64:
        step = 64 // math.gcd(64, base_width)
        rule = f"a group has {base_width} channels for each 64"
        raise ArgumentError(f"{rule}: the number of channels must be a multiple of {step}, not {channels}")
    return channels * base_width // 64


class ResidualBlock(nn.Module):
    """What all kinds of blocks share: H(x) = ReLU(F(x) + x), with F in `residual` and x on the shortcut.

    Attributes:
        out_channels: of the result.
        downsample: the shortcut (the name is torchvision's).
    """

    out_channels: int
    downsample: nn.Module

    def residual(self, x: Tensor) -> Tensor:
        """F(x), what the block adds to its input."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""
        return relu(self.residual(x) + self.downsample(x))


class NormalisedBlock(ResidualBlock):
    """A block whose F ends with a batch norm, which together with the addition and the ReLU behind it may be one operation (`nn.norm_relu`)."""

    def convolutions(self, x: Tensor) -> Tensor:
        """F(x) without the last batch norm."""
        raise NotImplementedError

    def last_norm(self) -> nn.Module:
        """The last batch norm of F."""
        raise NotImplementedError

    def residual(self, x: Tensor) -> Tensor:
        """F(x)."""
        y: Tensor = self.last_norm()(self.convolutions(x))
        return y

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""
        return nn.norm_relu(self.last_norm(), self.convolutions(x), residual=self.downsample(x))


MakeBlock: TypeAlias = Callable[[int, int, int], ResidualBlock]
"""`block(in_channels, channels, stride)`"""


class BasicBlock(NormalisedBlock):
    """The residual block: two 3x3 convolutions, and around them the input itself.

              x ──────────────────────────────┐
              │                               │ identity, or 1x1 conv / stride, BN
        3x3 conv / stride, BN, ReLU           │
        3x3 conv, BN                          │
              │                               │
              + ◄─────────────────────────────┘
            ReLU

    If F(x), the left side, is zero, the block is the identity: more blocks can always do at least as well as fewer.

    Args:
        in_channels: of the input.
        channels: of the output, and in between.
        stride: of the first convolution.
        shortcut: what happens on the right where shapes differ: "B", a 1x1 convolution; "A", zeros in the new channels.

    Raises:
        ArgumentError: the shortcut is neither "A" nor "B".

    Source:
        He et al. 2015, fig. 5 left; eq. 1 and 2.

    Example:
        >>> import minicnn
        >>> BasicBlock(64, 128, stride=2)(minicnn.ones(2, 64, 56, 56)).shape
        (2, 128, 28, 28)
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, *, shortcut: str = "B") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.out_channels = channels
        self.downsample = make_shortcut(shortcut, in_channels, channels, stride)

    def convolutions(self, x: Tensor) -> Tensor:
        """F(x) without the last batch norm."""
        return self.conv2(nn.norm_relu(self.bn1, self.conv1(x)))

    def last_norm(self) -> nn.Module:
        """That of the second convolution."""
        return self.bn2


class Bottleneck(NormalisedBlock):
    """The residual block of the deep networks: the 3x3 convolution works on a quarter of the channels.

              x ──────────────────────────────┐
              │                               │ identity, or 1x1 conv / stride, BN
        1x1 conv, BN, ReLU        (reduce)    │
        3x3 conv / stride, BN, ReLU           │
        1x1 conv, BN              (restore)   │
              │                               │
              + ◄─────────────────────────────┘
            ReLU

    Args:
        in_channels: of the input.
        channels: of the 3x3 convolution in a plain ResNet; the output has four times as many.
        stride: of the 3x3 convolution, or of the first 1x1 with `stride_on_1x1`.
        groups: of the 3x3 convolution (ResNeXt).
        base_width: channels of a group for each 64 of `channels` (ResNeXt, Wide ResNet).
        stride_on_1x1: as in the paper. It throws three quarters of the pixels away before the 3x3 convolution sees them.
        shortcut: as for `BasicBlock`.

    Raises:
        ArgumentError: a group would not have a whole number of channels.

    Source:
        He et al. 2015, fig. 5 right.

    Example:
        >>> import minicnn
        >>> Bottleneck(256, 128, stride=2)(minicnn.ones(2, 256, 56, 56)).shape
        (2, 512, 28, 28)
    """

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        *,
        groups: int = 1,
        base_width: int = 64,
        stride_on_1x1: bool = False,
        shortcut: str = "B",
    ) -> None:
        super().__init__()
        width = group_width(channels, base_width) * integer(groups, "Bottleneck: groups")
        self.out_channels = channels * self.expansion
        first, second = (stride, 1) if flag(stride_on_1x1, "Bottleneck: stride_on_1x1") else (1, stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride=first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=second, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, self.out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(self.out_channels)
        self.downsample = make_shortcut(shortcut, in_channels, self.out_channels, stride)

    def convolutions(self, x: Tensor) -> Tensor:
        """F(x) without the last batch norm."""
        x = nn.norm_relu(self.bn1, self.conv1(x))
        return self.conv3(nn.norm_relu(self.bn2, self.conv2(x)))

    def last_norm(self) -> nn.Module:
        """That of the third convolution."""
        return self.bn3


def make_stage(block: MakeBlock, depth: int, in_channels: int, channels: int, stride: int) -> tuple[nn.Sequential, int]:
    """`depth` blocks, of which the first has the stride; and the number of channels that come out."""
    blocks: list[ResidualBlock] = []
    for i in range(depth):
        blocks.append(block(in_channels, channels, stride if i == 0 else 1))
        in_channels = blocks[-1].out_channels
    return nn.Sequential(*blocks), in_channels
