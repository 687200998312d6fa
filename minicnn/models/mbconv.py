"""The blocks of `efficientnet.py`, an inverted residual with squeeze-excitation, and of `efficientnet_lite.py`, one without."""

from collections.abc import Callable
from typing import TypeAlias

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.models.squeeze_excitation import SqueezeExcitation
from minicnn.ops import relu6, silu

MakeNorm: TypeAlias = Callable[[int], nn.Module]
"""`norm(channels)`"""


def conv_norm(
    in_channels: int, out_channels: int, kernel_size: int, norm: MakeNorm, *, stride: int = 1, groups: int = 1, active: bool = True
) -> nn.Sequential:
    """Convolution, batch norm and, if `active`, SiLU; stride 1 keeps the size."""
    padding = kernel_size // 2
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=padding, groups=groups, bias=False)
    return nn.Sequential(conv, norm(out_channels), *([nn.SiLU()] if active else []))


def conv_same(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution without bias, padded as in TensorFlow."""
    return nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding="same", groups=groups, bias=False)


def tensorflow_norm(channels: int) -> nn.BatchNorm2d:
    """A batch norm with the numbers of TensorFlow's networks."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class MBConv(nn.Module):
    """A mobile inverted bottleneck: wide inside, narrow outside, with the expensive step done channel by channel.

              x ────────────────────────────────┐
              │                                 │
        1x1 conv, BN, SiLU         (expand)     │  only where the stride
        kxk depthwise conv / stride, BN, SiLU   │  is 1 and the number of
        squeeze-excitation                      │  channels stays
        1x1 conv, BN               (project)    │
        stochastic depth                        │
              │                                 │
              + ◄───────────────────────────────┘

    It is MobileNetV2's block with SiLU for ReLU6, and with squeeze-excitation, which squeezes to a quarter of the channels of the
    block's *input*, not of the expanded ones, and has SiLU in the middle.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        expansion: how many times wider it is inside; with 1 there is nothing to expand, and no first convolution.
        kernel_size: of the depthwise convolution.
        stride: of the depthwise convolution.
        drop_path: probability that a sample skips the block in training.
        norm: makes the batch norm of so many channels.

    Source:
        Tan & Le 2019, sec. 4 and table 1; the block is that of MnasNet (Tan et al. 2019).

    Example:
        >>> import minicnn
        >>> MBConv(16, 24, stride=2)(minicnn.ones(2, 16, 112, 112)).shape
        (2, 24, 56, 56)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        expansion: int = 6,
        kernel_size: int = 3,
        stride: int = 1,
        drop_path: float = 0.0,
        norm: MakeNorm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        inside = expansion * in_channels
        self.block = nn.Sequential(
            *([conv_norm(in_channels, inside, 1, norm)] if expansion > 1 else []),
            conv_norm(inside, inside, kernel_size, norm, stride=stride, groups=inside),
            SqueezeExcitation(inside, max(1, in_channels // 4), activation=silu),
            conv_norm(inside, out_channels, 1, norm, active=False),
        )
        self.stochastic_depth = nn.DropPath(drop_path)
        self.adds = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""
        y = self.block(x)
        return x + self.stochastic_depth(y) if self.adds else y


class MBConvLite(nn.Module):
    """The inverted residual of EfficientNet without squeeze-excitation, and with ReLU6 for SiLU.

              x ────────────────────────────────┐
              │                                 │
        1x1 conv, BN, ReLU6        (expand)     │  only where the stride
        kxk depthwise conv / stride, BN, ReLU6  │  is 1 and the number of
        1x1 conv, BN               (project)    │  channels stays
        stochastic depth                        │
              │                                 │
              + ◄───────────────────────────────┘

    It is MobileNetV2's block, but for the larger windows. Squeeze-excitation does not run well on some devices. ReLU6 keeps all
    numbers between 0 and 6, so that 8 bits can hold them.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        expansion: how many times wider it is inside; with 1 there is nothing to expand, and no first convolution.
        kernel_size: of the depthwise convolution.
        stride: of the depthwise convolution.
        drop_path: probability that a sample skips the block in training.

    Source:
        efficientnet/lite in the repository tensorflow/tpu, README.md and efficientnet_lite_builder.py.

    Example:
        >>> import minicnn
        >>> MBConvLite(16, 24, stride=2)(minicnn.ones(2, 16, 112, 112)).shape
        (2, 24, 56, 56)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        expansion: int = 6,
        kernel_size: int = 3,
        stride: int = 1,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        inside = expansion * in_channels
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv = conv_same(in_channels, inside, 1)
            self._bn0 = tensorflow_norm(inside)
        self._depthwise_conv = conv_same(inside, inside, kernel_size, stride, groups=inside)
        self._bn1 = tensorflow_norm(inside)
        self._project_conv = conv_same(inside, out_channels, 1)
        self._bn2 = tensorflow_norm(out_channels)
        self.stochastic_depth = nn.DropPath(drop_path)
        self.adds = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride), rounded up."""
        y = relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + self.stochastic_depth(y) if self.adds else y
