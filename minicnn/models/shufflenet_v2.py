"""ShuffleNetV2: designed for measured speed rather than for few multiply-adds (Ma et al. 2018)."""

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import is_number
from minicnn.errors import ArgumentError
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import concatenate

DEPTHS = (4, 8, 4)  # table 5: number of units in stages 2, 3 and 4
CHANNELS = {  # table 5: of stage 2 (each later stage has twice as many) and of conv5, by width
    0.5: (48, 1024),
    1.0: (116, 1024),
    1.5: (176, 1024),
    2.0: (244, 2048),
}


def conv_bn(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution without bias, batch norm; padded so that stride 1 keeps the size."""
    padding = kernel_size // 2
    return [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=padding, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]


class ShuffleUnitV2(nn.Module):
    """Half of the channels pass untouched, the other half go through a bottleneck; at stride 2 all channels go both ways.

                  x                                          x
         even ┌───┴───┐ odd channels              ┌──────────┴──────────┐
              │       │                           │                     │
              │  1x1 conv, BN, ReLU               │             1x1 conv, BN, ReLU
              │  3x3 depthwise conv, BN   3x3 depthwise conv / 2, BN  3x3 depthwise conv / 2, BN
              │  1x1 conv, BN, ReLU       1x1 conv, BN, ReLU          1x1 conv, BN, ReLU
              │       │                           │                     │
              └───┬───┘                           └──────────┬──────────┘
              concatenate                               concatenate

    Taking every second channel is the shuffle: the next unit's untouched half holds channels from both sides. No convolution is
    grouped, the 1x1 convolutions have as many inputs as outputs, and nothing is added: each is faster on real machines.

    Args:
        in_channels: of the input.
        out_channels: of the result; equal to `in_channels` at stride 1.
        stride: 1, or 2 to halve the maps.

    Source:
        Ma et al. 2018, fig. 3c and 3d.

    Example:
        >>> import minicnn
        >>> ShuffleUnitV2(24, 116, stride=2)(minicnn.ones(2, 24, 56, 56)).shape
        (2, 116, 28, 28)
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        given = in_channels if stride == 2 else in_channels // 2
        half = out_channels // 2
        self.branch_main = nn.Sequential(
            *conv_bn(given, half, 1), nn.ReLU(),
            *conv_bn(half, half, 3, stride, groups=half),
            *conv_bn(half, out_channels - given, 1), nn.ReLU(),
        )  # fmt: skip
        self.branch_proj: nn.Module = nn.Identity()
        if stride == 2:
            self.branch_proj = nn.Sequential(*conv_bn(given, given, 3, stride, groups=given), *conv_bn(given, given, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""
        left, right = (x, x) if self.stride == 2 else (x[:, 0::2], x[:, 1::2])
        return concatenate([self.branch_proj(left), self.branch_main(right)], axis=1)


@register_model
class ShuffleNetV2(nn.Module):
    """ShuffleNetV2: a stem, three stages of units, a 1x1 convolution, one linear layer.

    What was new: the authors measured what makes a network fast, and found that multiply-adds alone do not. Access to memory counts,
    too (least when a convolution has as many inputs as outputs, and few groups), and so do the number of branches and element-wise
    operations. The unit, `ShuffleUnitV2`, follows from these rules.

        stage         layers                    output  parameters  multiply-adds
        input                            3 x 224 x 224
        first_conv    conv 3x3 / 2      24 x 112 x 112         696      8,128,512
        maxpool       max pool 3x3 / 2    24 x 56 x 56           0              0
        features.0    ShuffleUnitV2      116 x 28 x 28       8,554      9,578,912
        features.1    ShuffleUnitV2      116 x 28 x 28       7,598      5,684,000
        features.2    ShuffleUnitV2      116 x 28 x 28       7,598      5,684,000
        features.3    ShuffleUnitV2      116 x 28 x 28       7,598      5,684,000
        features.4    ShuffleUnitV2      232 x 14 x 14      43,616     16,233,504
        features.5    ShuffleUnitV2      232 x 14 x 14      28,652      5,479,376
        features.6    ShuffleUnitV2      232 x 14 x 14      28,652      5,479,376
        features.7    ShuffleUnitV2      232 x 14 x 14      28,652      5,479,376
        features.8    ShuffleUnitV2      232 x 14 x 14      28,652      5,479,376
        features.9    ShuffleUnitV2      232 x 14 x 14      28,652      5,479,376
        features.10   ShuffleUnitV2      232 x 14 x 14      28,652      5,479,376
        features.11   ShuffleUnitV2      232 x 14 x 14      28,652      5,479,376
        features.12   ShuffleUnitV2        464 x 7 x 7     167,968     16,028,880
        features.13   ShuffleUnitV2        464 x 7 x 7     111,128      5,377,064
        features.14   ShuffleUnitV2        464 x 7 x 7     111,128      5,377,064
        features.15   ShuffleUnitV2        464 x 7 x 7     111,128      5,377,064
        conv_last     conv 1x1            1024 x 7 x 7     477,184     23,281,664
        globalpool    avg pool to 1x1     1024 x 1 x 1           0              0
        classifier.0  linear                      1000   1,024,000      1,024,000
        total                                            2,278,760    145,814,296

    ImageNet top-1 error (paper, table 8), and what the network costs:

        width   error    parameters  multiply-adds
        0.5     39.7 %    1,365,792     40,476,448
        1.0     30.6 %    2,278,760    145,814,296
        1.5     27.4 %    3,506,720    298,970,656
        2.0     25.1 %    7,402,600    590,783,000

    Choices where sources differ, all as in the authors' code, whose names of parameters these are: at stride 2 the left branch keeps the
    number of channels of its input (24 of 116 in stage 2), where torchvision gives both branches half (58 of 116, and 144.9
    instead of 145.8 million multiply-adds); the shuffle stands at the start of a unit, where torchvision has it at the end; the
    linear layer has no bias; and there is a dropout of 0.2 at width 2 only.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        width: 0.5, 1, 1.5 or 2: one of the paper's four sizes.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: the paper does not have this width.

    Source:
        Ma, Zhang, Zheng & Sun 2018, "ShuffleNet V2: Practical guidelines for efficient CNN architecture design", sec. 3 and
        table 5 (arXiv:1807.11164).

    Example:
        >>> import minicnn
        >>> net = ShuffleNetV2(num_classes=10, width=0.5)
        >>> net(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, *, width: float = 1.0, weights: Weights = None) -> None:
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        if not is_number(width) or width not in CHANNELS:
            raise ArgumentError(f"ShuffleNetV2: width must be one of {', '.join(map(str, CHANNELS))}, not {width!r}")
        first, last = CHANNELS[width]
        channels = 24
        self.first_conv = nn.Sequential(*conv_bn(in_channels, channels, 3, stride=2), nn.ReLU())
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        units: list[nn.Module] = []
        for stage, depth in enumerate(DEPTHS):
            for i in range(depth):
                units.append(ShuffleUnitV2(channels, first * 2**stage, stride=2 if i == 0 else 1))
                channels = first * 2**stage
        self.features = nn.Sequential(*units)
        self.conv_last = nn.Sequential(*conv_bn(channels, last, 1), nn.ReLU())
        self.globalpool = nn.GlobalAvgPool2d()
        self.dropout = nn.Dropout(0.2 if width == 2 else 0.0)
        self.classifier = nn.Sequential(nn.Linear(last, num_classes, bias=False))
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.conv_last(self.features(self.maxpool(self.first_conv(x))))
        return self.classifier(self.dropout(self.globalpool(x).flatten(1)))
