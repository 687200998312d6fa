"""ShuffleNet: grouped 1x1 convolutions, and a shuffle that lets the groups exchange what they know (Zhang et al. 2018)."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integers, is_integer, positive
from minicnn.errors import ArgumentError
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import concatenate, relu

DEPTHS = (4, 8, 4)  # table 1: number of units in stages 2, 3 and 4
CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # table 1: of stage 2, by the groups; each later stage has twice as many


class ShuffleUnit(nn.Module):
    """A bottleneck of grouped convolutions; the input is added to its result, or at stride 2 stands beside it.

              x ───────────────────┐                  x ───────────────────┐
              │                    │                  │                    │
        1x1 group conv, BN, ReLU   │            1x1 group conv, BN, ReLU   │
        channel shuffle            │            channel shuffle            │
        3x3 depthwise conv, BN     │            3x3 depthwise conv / 2, BN │ 3x3 avg pool / 2
        1x1 group conv, BN         │            1x1 group conv, BN         │
              │                    │                  │                    │
              + ◄──────────────────┘             concatenate ◄─────────────┘
            ReLU                                    ReLU

    Without the shuffle, what enters in one group never meets another group.

    Args:
        in_channels: of the input.
        out_channels: of the result; four times as many as between the 1x1 convolutions.
        stride: 1, or 2 to halve the maps.
        groups: of the 1x1 convolutions.
        first_groups: of the first 1x1 convolution, where it differs.

    Source:
        Zhang et al. 2018, fig. 2b and 2c.

    Example:
        >>> import minicnn
        >>> ShuffleUnit(240, 480, stride=2, groups=3, first_groups=3)(minicnn.ones(2, 240, 28, 28)).shape
        (2, 480, 14, 14)
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, groups: int, first_groups: int) -> None:
        super().__init__()
        self.stride = stride
        narrow = out_channels // 4
        computed = out_channels if stride == 1 else out_channels - in_channels
        self.branch_main = nn.Sequential(
            nn.Conv2d(in_channels, narrow, 1, groups=first_groups, bias=False), nn.BatchNorm2d(narrow), nn.ReLU(),
            nn.ChannelShuffle(groups),
            nn.Conv2d(narrow, narrow, 3, stride=stride, padding=1, groups=narrow, bias=False), nn.BatchNorm2d(narrow),
            nn.Conv2d(narrow, computed, 1, groups=groups, bias=False), nn.BatchNorm2d(computed),
        )  # fmt: skip
        self.branch_proj = nn.Identity() if stride == 1 else nn.AvgPool2d(3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""
        past, main = self.branch_proj(x), self.branch_main(x)
        return relu(past + main if self.stride == 1 else concatenate([past, main], axis=1))


@register_model
class ShuffleNetV1(nn.Module):
    """ShuffleNet (version 1): a stem, three stages of shuffle units, one linear layer.

    What was new: in small networks most of the work is in 1x1 convolutions. Grouping them divides it by the number of groups; the
    channel shuffle keeps the groups from becoming separate networks. For the same work, more groups allow more channels.

        stage        layers                    output  parameters  multiply-adds
        input                           3 x 224 x 224
        first_conv   conv 3x3 / 2      24 x 112 x 112         696      8,128,512
        maxpool      max pool 3x3 / 2    24 x 56 x 56           0              0
        features.0   ShuffleUnit        240 x 28 x 28       6,972      8,326,080
        features.1   ShuffleUnit        240 x 28 x 28      10,860      7,949,760
        features.2   ShuffleUnit        240 x 28 x 28      10,860      7,949,760
        features.3   ShuffleUnit        240 x 28 x 28      10,860      7,949,760
        features.4   ShuffleUnit        480 x 14 x 14      21,240      9,619,680
        features.5   ShuffleUnit        480 x 14 x 14      40,920      7,738,080
        features.6   ShuffleUnit        480 x 14 x 14      40,920      7,738,080
        features.7   ShuffleUnit        480 x 14 x 14      40,920      7,738,080
        features.8   ShuffleUnit        480 x 14 x 14      40,920      7,738,080
        features.9   ShuffleUnit        480 x 14 x 14      40,920      7,738,080
        features.10  ShuffleUnit        480 x 14 x 14      40,920      7,738,080
        features.11  ShuffleUnit        480 x 14 x 14      40,920      7,738,080
        features.12  ShuffleUnit          960 x 7 x 7      80,880      9,513,840
        features.13  ShuffleUnit          960 x 7 x 7     158,640      7,632,240
        features.14  ShuffleUnit          960 x 7 x 7     158,640      7,632,240
        features.15  ShuffleUnit          960 x 7 x 7     158,640      7,632,240
        globalpool   avg pool to 1x1      960 x 1 x 1           0              0
        classifier   linear                      1000     961,000        960,000
        total                                           1,865,728    137,460,672

    ImageNet top-1 error (paper, tables 1 and 2), and what the network costs:

        groups   error    parameters  multiply-adds
        1        33.6 %    1,531,936    143,078,976
        2        32.7 %    1,733,848    140,836,512
        3        32.6 %    1,865,728    137,460,672
        4        32.8 %    1,968,344    134,339,776
        8        32.4 %    2,434,768    138,365,952

    Choices where sources differ: the first 1x1 convolution of stage 2 is not grouped, because it reads only 24 channels (sec. 3.2).
    The shuffle follows the first group convolution, as in figure 2; in the authors' code it follows the depthwise convolution
    and deals the channels the other way round, which with three groups is the same up to the order of channels; weights of
    theirs do not fit. At stride 2 the pooled input comes first, as in their code. The linear layer has a bias, which theirs
    has not. The paper's count of multiply-adds leaves out the linear layer.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        depths: number of units in each of the three stages.
        groups: 1, 2, 3, 4 or 8: in how many groups the 1x1 convolutions are.
        width: s of "ShuffleNet s x" in the paper: multiplies the channels of all layers.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `groups` is not in the paper's table 1, or does not divide the channels that `width` makes, or `depths` are not
            three integers above 0.

    Source:
        Zhang, Zhou, Lin & Sun 2018, "ShuffleNet: An extremely efficient convolutional neural network for mobile devices", sec. 3
        and table 1 (arXiv:1707.01083).

    Example:
        >>> import minicnn
        >>> net = ShuffleNetV1(num_classes=10, width=0.25)
        >>> net(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(
        self, num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = DEPTHS, groups: int = 3, width: float = 1.0,
        weights: Weights = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        if not is_integer(groups) or groups not in CHANNELS:
            raise ArgumentError(f"ShuffleNetV1: groups must be one of {', '.join(map(str, CHANNELS))}, not {groups!r}")
        depths, width = integers(depths, "ShuffleNetV1: depths", 3), positive(width, "ShuffleNetV1: width")
        channels = round(24 * width)
        self.first_conv = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        units: list[nn.Module] = []
        for stage, depth in enumerate(depths):
            out_channels = round(width * CHANNELS[groups]) * 2**stage
            for i in range(depth):
                units.append(ShuffleUnit(channels, out_channels, 2 if i == 0 else 1, groups, groups if units else 1))
                channels = out_channels
        self.features = nn.Sequential(*units)
        self.globalpool = nn.GlobalAvgPool2d()
        self.classifier = nn.Linear(channels, num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.features(self.maxpool(self.first_conv(x)))
        return self.classifier(self.globalpool(x).flatten(1))
