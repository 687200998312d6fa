"""MobileNetV1: depthwise separable convolutions (Howard et al. 2017)."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integers, positive
from minicnn.models.mobilenet_v2 import make_divisible
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import relu6

STAGES = (  # table 1: channels, number of blocks, stride of the first
    (64, 1, 1),
    (128, 2, 2),
    (256, 2, 2),
    (512, 6, 2),
    (1024, 2, 2),
)
DEPTHS = tuple(n for _, n, _ in STAGES)


class DepthwiseSeparable(nn.Module):
    """A convolution in two steps: one filter on each channel by itself, then a 1x1 convolution that mixes the channels.

              x
              │
        3x3 depthwise conv / stride, BN, ReLU6      9 C H W multiply-adds
              │
        1x1 conv, BN, ReLU6                         C O H W

    A plain 3x3 convolution takes 9 C O H W, which is 9 O / (9 + O) times as many: about 8 or 9 times.

    Args:
        in_channels: C, of the input.
        out_channels: O, of the output.
        stride: of the depthwise convolution.

    Source:
        Howard et al. 2017, sec. 3.1, fig. 2 and 3.

    Example:
        >>> import minicnn
        >>> DepthwiseSeparable(64, 128, stride=2)(minicnn.ones(2, 64, 56, 56)).shape
        (2, 128, 28, 28)
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(in_channels, in_channels, 3, stride=stride, padding=1, groups=in_channels, bias=False)
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv_pw = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""
        x = relu6(self.bn1(self.conv_dw(x)))
        return relu6(self.bn2(self.conv_pw(x)))


@register_model
class MobileNetV1(nn.Module):
    """MobileNetV1: one plain convolution, 13 depthwise separable ones, one linear layer.

    What was new: every convolution but the first is split into a depthwise and a 1x1 convolution (`DepthwiseSeparable`), which
    saves most of its work; and one number, the width multiplier, trades accuracy for work.

        stage        layers                          output  parameters  multiply-adds
        input                                 3 x 224 x 224
        conv_stem    conv 3x3 / 2            32 x 112 x 112         928     10,838,016
        blocks.0     DepthwiseSeparable      64 x 112 x 112       2,528     29,302,784
        blocks.1     2 x DepthwiseSeparable   128 x 56 x 56      27,200     82,489,344
        blocks.2     2 x DepthwiseSeparable   256 x 28 x 28     103,552     79,779,840
        blocks.3     6 x DepthwiseSeparable   512 x 14 x 14   1,478,912    287,558,656
        blocks.4     2 x DepthwiseSeparable    1024 x 7 x 7   1,593,856     77,747,712
        global_pool  avg pool to 1x1           1024 x 1 x 1           0              0
        classifier   linear                            1000   1,025,000      1,024,000
        total                                                 4,231,976    568,740,352

    ImageNet top-1 error (paper, table 6), and what the network costs:

        width   error    parameters  multiply-adds
        1.0     29.4 %    4,231,976    568,740,352
        0.75    31.6 %    2,585,560    325,400,448
        0.5     36.3 %    1,331,592    149,497,088
        0.25    49.4 %      470,072     41,030,272

    Choices where sources differ: the paper's table 1 prints stride 2 for the last depthwise convolution, but its maps stay at
    7x7: the stride is 1. Both convolutions of a block are followed by batch norm and by ReLU6, as in the authors'
    TensorFlow code and in timm, whose names of parameters these are; the paper writes ReLU. Convolutions are padded by one
    pixel on all sides, as in timm; TensorFlow pads below and right only at stride 2. The classifier is a linear layer,
    the same as the authors' 1x1 convolution on the pooled maps.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        depths: number of blocks in each of the five stages.
        width: multiplies the channels of all layers, which are then made divisible by 8.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `width` is not above 0, or `depths` are not five integers above 0.

    Source:
        Howard et al. 2017, "MobileNets: Efficient convolutional neural networks for mobile vision applications", sec. 3 and
        table 1 (arXiv:1704.04861).

    Example:
        >>> import minicnn
        >>> net = MobileNetV1(num_classes=10, width=0.25)
        >>> net(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(
        self, num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = DEPTHS, width: float = 1.0, weights: Weights = None
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        depths, width = integers(depths, "MobileNetV1: depths", 5), positive(width, "MobileNetV1: width")
        channels = make_divisible(32 * width)
        self.conv_stem = nn.Conv2d(in_channels, channels, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        stages = []
        for (c, _, s), n in zip(STAGES, depths, strict=True):
            blocks = []
            for i in range(n):
                blocks.append(DepthwiseSeparable(channels, make_divisible(c * width), s if i == 0 else 1))
                channels = make_divisible(c * width)
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.global_pool = nn.GlobalAvgPool2d()
        self.classifier = nn.Linear(channels, num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.blocks(relu6(self.bn1(self.conv_stem(x))))
        return self.classifier(self.global_pool(x).flatten(1))
