"""Squeeze and excitation: channels are scaled by what the whole image shows (Hu et al. 2018). The networks are in `senet.py`."""

from collections.abc import Callable
from typing import Any

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.models.residual_block import Bottleneck, ResidualBlock
from minicnn.ops import relu, sigmoid

REDUCTION = 16  # by which factor the middle of a squeeze-and-excitation block is narrower, in all networks of the paper


class SqueezeExcitation(nn.Module):
    """Scales each channel by a number from 0 to 1 that depends on the means of all channels over the whole image.

              x  (N, C, H, W)
              ├───────────────────────────────┐
        global average pool   (N, C, 1, 1)    │
        1x1 conv, ReLU        (N, S, 1, 1)    │
        1x1 conv, sigmoid     (N, C, 1, 1)    │
              │                               │
              × ◄─────────────────────────────┘

    The convolutions work on a single pixel: they are the paper's two fully connected layers.

    Args:
        channels: C, of the input and of the output.
        squeezed: S, in the middle.
        activation: in the middle.

    Source:
        Hu, Shen & Sun 2018, "Squeeze-and-excitation networks", sec. 3 and fig. 1.

    Example:
        >>> import minicnn
        >>> SqueezeExcitation(256, 16)(minicnn.ones(2, 256, 56, 56)).shape
        (2, 256, 56, 56)
    """

    def __init__(self, channels: int, squeezed: int, *, activation: Callable[[Tensor], Tensor] = relu) -> None:
        super().__init__()
        self.avgpool = nn.GlobalAvgPool2d()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        return x * sigmoid(self.fc2(self.activation(self.fc1(self.avgpool(x)))))


class SEBottleneck(Bottleneck):
    """The bottleneck of ResNet or ResNeXt, with squeeze and excitation of F(x) before the addition.

    Args:
        in_channels: of the input.
        channels: as for `Bottleneck`.
        stride: of the block.
        options: `groups`, `base_width`, `stride_on_1x1`, as for `Bottleneck`.

    Source:
        Hu et al. 2018, fig. 3.

    Example:
        >>> import minicnn
        >>> SEBottleneck(256, 128, stride=2)(minicnn.ones(2, 256, 56, 56)).shape
        (2, 512, 28, 28)
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, **options: Any) -> None:
        super().__init__(in_channels, channels, stride, **options)
        self.se_module = SqueezeExcitation(self.out_channels, self.out_channels // REDUCTION)

    def residual(self, x: Tensor) -> Tensor:
        """F(x), scaled."""
        return self.se_module(super().residual(x))

    def forward(self, x: Tensor) -> Tensor:
        """As for any residual block: here more than an addition comes behind the last batch norm."""
        return ResidualBlock.forward(self, x)


class SENet154Block(ResidualBlock):
    """The block of SENet-154: ResNeXt's, with half as many channels after the first convolution as after the second.

              x ──────────────────────────────┐
              │                               │
        1x1 conv to 2c, BN, ReLU              │ identity, or conv / stride, BN
        3x3 conv to 4c, groups, / stride,     │ (3x3 where the stride is 2)
                        BN, ReLU              │
        1x1 conv to 4c, BN                    │
        squeeze and excitation                │
              │                               │
              + ◄─────────────────────────────┘
            ReLU

    Args:
        in_channels: of the input.
        channels: c.
        stride: of the 3x3 convolution.
        groups: of the 3x3 convolution.

    Source:
        Hu et al. 2018, appendix on SENet-154.

    Example:
        >>> import minicnn
        >>> SENet154Block(256, 128, stride=2, groups=64)(minicnn.ones(2, 256, 56, 56)).shape
        (2, 512, 28, 28)
    """

    def __init__(self, in_channels: int, channels: int, stride: int, *, groups: int) -> None:
        super().__init__()
        self.out_channels = out = 4 * channels
        self.conv1 = nn.Conv2d(in_channels, 2 * channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(2 * channels)
        self.conv2 = nn.Conv2d(2 * channels, out, 3, stride=stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.conv3 = nn.Conv2d(out, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.se_module = SqueezeExcitation(out, out // REDUCTION)
        self.downsample = nn.Identity()
        if stride != 1 or in_channels != out:
            k = 3 if stride > 1 else 1
            conv = nn.Conv2d(in_channels, out, k, stride=stride, padding=k // 2, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(out))

    def residual(self, x: Tensor) -> Tensor:
        """F(x), scaled."""
        x = nn.norm_relu(self.bn1, self.conv1(x))
        x = nn.norm_relu(self.bn2, self.conv2(x))
        return self.se_module(self.bn3(self.conv3(x)))
