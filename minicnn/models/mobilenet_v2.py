"""MobileNetV2: inverted residuals with linear bottlenecks (Sandler et al. 2018)."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integers, positive
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model

STAGES = (  # table 2: t (expansion), c (channels), n (number of blocks), s (stride of the first)
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
DEPTHS = tuple(n for _, _, n, _ in STAGES)


def make_divisible(channels: float, divisor: int = 8) -> int:
    """The multiple of `divisor` next to `channels`, at least `divisor`; the one above where that would lose more than 10 %.

    Phones compute on several channels at once, so a number of channels that a width multiplier has bent is made even
    again. (The rule of the authors' code; the paper does not mention it.)

    Example:
        >>> make_divisible(24 * 1.4), make_divisible(24 * 0.5), make_divisible(3), make_divisible(11)
        (32, 16, 8, 16)
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor


def conv_bn_relu6(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution without bias, batch norm, min(max(x, 0), 6); padded so that stride 1 keeps the size."""
    padding = kernel_size // 2
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=padding, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """A residual block turned inside out: narrow where blocks meet, wide inside, and the wide part is depthwise.

              x ──────────────────────────────┐    (narrow)
              │                               │
        1x1 conv, BN, ReLU6         (expand)  │
        3x3 depthwise conv / stride, BN, ReLU6│    (wide: expansion · in_channels)
        1x1 conv, BN                (project) │
              │                               │
              + ◄─────────────────────────────┘    (narrow)

    The projection is *linear*: a ReLU would destroy what the few channels have to carry. There is a shortcut only where
    shapes allow the plain sum; it is never a convolution. With expansion 1 the first convolution is left out.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        stride: of the depthwise convolution.
        expansion: t, by which factor the block is wider inside than its input.

    Source:
        Sandler et al. 2018, table 1, fig. 3b and fig. 4d.

    Example:
        >>> import minicnn
        >>> InvertedResidual(24, 32, stride=2, expansion=6)(minicnn.ones(2, 24, 56, 56)).shape
        (2, 32, 28, 28)
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = expansion * in_channels
        self.adds = stride == 1 and in_channels == out_channels
        expand = [conv_bn_relu6(in_channels, wide, 1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *expand,
            conv_bn_relu6(wide, wide, 3, stride, groups=wide),
            nn.Conv2d(wide, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""
        return x + self.conv(x) if self.adds else self.conv(x)


@register_model
class MobileNetV2(nn.Module):
    """MobileNetV2: a stem, 17 inverted residuals, one wide 1x1 convolution, one linear layer.

    What was new: the residual block the other way round (`InvertedResidual`). What is kept in memory from block to block, and
    added, is narrow; the nonlinear work happens on six times as many channels, where a depthwise convolution is cheap.

        stage         layers                    output  parameters  multiply-adds
        input                            3 x 224 x 224
        features.0    conv 3x3 / 2      32 x 112 x 112         928     10,838,016
        features.1    InvertedResidual  16 x 112 x 112         896     10,035,200
        features.2    InvertedResidual    24 x 56 x 56       5,136     29,202,432
        features.3    InvertedResidual    24 x 56 x 56       8,832     25,740,288
        features.4    InvertedResidual    32 x 28 x 28      10,000     15,466,752
        features.5    InvertedResidual    32 x 28 x 28      14,848     10,988,544
        features.6    InvertedResidual    32 x 28 x 28      14,848     10,988,544
        features.7    InvertedResidual    64 x 14 x 14      21,056      7,564,032
        features.8    InvertedResidual    64 x 14 x 14      54,272     10,311,168
        features.9    InvertedResidual    64 x 14 x 14      54,272     10,311,168
        features.10   InvertedResidual    64 x 14 x 14      54,272     10,311,168
        features.11   InvertedResidual    96 x 14 x 14      66,624     12,719,616
        features.12   InvertedResidual    96 x 14 x 14     118,272     22,692,096
        features.13   InvertedResidual    96 x 14 x 14     118,272     22,692,096
        features.14   InvertedResidual     160 x 7 x 7     155,264     15,607,872
        features.15   InvertedResidual     160 x 7 x 7     320,000     15,476,160
        features.16   InvertedResidual     160 x 7 x 7     320,000     15,476,160
        features.17   InvertedResidual     320 x 7 x 7     473,920     23,002,560
        features.18   conv 1x1            1280 x 7 x 7     412,160     20,070,400
        avgpool       avg pool to 1x1     1280 x 1 x 1           0              0
        classifier.1  linear                      1000   1,281,000      1,280,000
        total                                            3,504,872    300,774,272

    ImageNet top-1 error: 28.0 % with width 1, 25.3 % with width 1.4 (paper, table 4).

    Choices where sources differ: the first block, of expansion 1, has no 1x1 convolution before its depthwise one, and the stride
    of the third row of table 2 with 64 channels is 2, as in the authors' code: 300 million multiply-adds, as the paper says. The wide
    last convolution keeps 1280 channels when `width` is below 1. Convolutions are padded by one pixel on all sides and batch norm has
    eps 1e-5, as in torchvision, whose names of parameters these are; the authors' TensorFlow code pads below and right only at
    stride 2, and has eps 1e-3: their weights need both. The paper gives 6.9 million parameters for width 1.4, the authors'
    released network has 6,108,776, and so has this one.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        depths: number of blocks in each of the seven stages.
        width: multiplies the channels of all layers, which are then made divisible by 8.
        weights: a file of weights, "imagenet" for torchvision's, or None to start from random ones.

    Raises:
        ArgumentError: `width` is not above 0, or `depths` are not seven integers above 0.

    Source:
        Sandler, Howard, Zhu, Zhmoginov & Chen 2018, "MobileNetV2: Inverted residuals and linear bottlenecks", sec. 3 and
        table 2 (arXiv:1801.04381).

    Example:
        >>> import minicnn
        >>> net = MobileNetV2(num_classes=10, width=0.25)
        >>> net(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(
        self, num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = DEPTHS, width: float = 1.0, weights: Weights = None
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        depths, width = integers(depths, "MobileNetV2: depths", 7), positive(width, "MobileNetV2: width")
        channels = make_divisible(32 * width)
        layers: list[nn.Module] = [conv_bn_relu6(in_channels, channels, 3, stride=2)]
        for (expansion, c, _, s), n in zip(STAGES, depths, strict=True):
            out_channels = make_divisible(c * width)
            for i in range(n):
                layers.append(InvertedResidual(channels, out_channels, s if i == 0 else 1, expansion))
                channels = out_channels
        last = make_divisible(1280 * max(1.0, width))
        self.features = nn.Sequential(*layers, conv_bn_relu6(channels, last, 1))
        self.avgpool = nn.GlobalAvgPool2d()
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, num_classes))
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))
