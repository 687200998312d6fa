"""SENet: residual networks that recalibrate their channels (Hu et al. 2018)."""

from collections.abc import Sequence
from functools import partial

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import flag, integer, integers
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.models.residual_block import MakeBlock, make_stage
from minicnn.models.squeeze_excitation import SEBottleneck, SENet154Block


class SENet(nn.Module):
    """A residual network whose blocks recalibrate their channels, for ImageNet.

    What was new: a block `SqueezeExcitation` at the end of every F(x). It costs 10 % more parameters and hardly any multiply-adds, and
    can be put into any network. SENets won the last ILSVRC, in 2017, with 2.25 % top-5 error.

    Choices where sources differ: the scale comes before the addition; both of its layers have a bias; SE-ResNet has its stride
    on the first 1x1 convolution of a block, SE-ResNeXt on the 3x3, as the authors have; the first pooling has no padding and rounds up, as in
    the authors' framework Caffe, so that its windows lie one pixel further to the right and below than those of `ResNet`. Names
    of parameters are those of timm's `legacy_seresnet50`.

    Args:
        block: makes a block from (in_channels, channels, stride).
        depths: number of blocks in each of the four stages.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        width: channels of the stem; the stages have one, two, four and eight times as many, before their blocks' expansion.
        deep_stem: begin with three 3x3 convolutions, the last of which has 2 `width` channels, instead of one 7x7 convolution.
        dropout: probability, before the last layer.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `depths` are not four integers above 0, or `width` is no integer above 0.

    Source:
        Hu, Shen & Sun 2018, "Squeeze-and-excitation networks", sec. 3 and table 1 (arXiv:1709.01507).

    Example:
        >>> import minicnn
        >>> net = SENet(SEBottleneck, (1, 1, 1, 1), num_classes=10, width=8)
        >>> net(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(
        self,
        block: MakeBlock,
        depths: Sequence[int],
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        width: int = 64,
        deep_stem: bool = False,
        dropout: float = 0.0,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        depths, width = integers(depths, "SENet: depths", 4), integer(width, "SENet: width")
        deep_stem = flag(deep_stem, "SENet: deep_stem")
        channels = 2 * width if deep_stem else width
        self.layer0 = three_convs(in_channels, width) if deep_stem else one_conv(in_channels, width)
        self.pool0 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.layer1, channels = make_stage(block, depths[0], channels, width, stride=1)
        self.layer2, channels = make_stage(block, depths[1], channels, 2 * width, stride=2)
        self.layer3, channels = make_stage(block, depths[2], channels, 4 * width, stride=2)
        self.layer4, channels = make_stage(block, depths[3], channels, 8 * width, stride=2)
        self.avgpool = nn.GlobalAvgPool2d()
        self.dropout = nn.Dropout(dropout)
        self.last_linear = nn.Linear(channels, num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.pool0(self.layer0(x))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.last_linear(self.dropout(self.avgpool(x).flatten(1)))


def one_conv(in_channels: int, width: int) -> nn.Sequential:
    """ResNet's stem: halves the image."""
    conv = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
    return nn.Sequential({"conv1": conv, "bn1": nn.BatchNorm2d(width), "relu1": nn.ReLU()})


def three_convs(in_channels: int, width: int) -> nn.Sequential:
    """SENet-154's stem: halves the image and sees 11x11 pixels of it."""
    sizes = ((in_channels, width, 2), (width, width, 1), (width, 2 * width, 1))
    layers: dict[str, nn.Module] = {}
    for i, (inputs, outputs, stride) in enumerate(sizes, start=1):
        layers[f"conv{i}"] = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        layers |= {f"bn{i}": nn.BatchNorm2d(outputs), f"relu{i}": nn.ReLU()}
    return nn.Sequential(layers)


@register_model
def SEResNet50(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 6, 3), width: int = 64, weights: Weights = None
) -> SENet:
    """`ResNet50` with squeeze and excitation. See `SENet`.

        stage        layers                    output  parameters  multiply-adds
        input                           3 x 224 x 224
        layer0       conv 7x7 / 2      64 x 112 x 112       9,536    118,013,952
        pool0        max pool 3x3 / 2    64 x 56 x 56           0              0
        layer1       3 x SEBottleneck   256 x 56 x 56     241,200    667,967,488
        layer2       4 x SEBottleneck   512 x 28 x 28   1,352,832    950,665,216
        layer3       6 x SEBottleneck  1024 x 14 x 14   7,891,328  1,388,052,480
        layer4       3 x SEBottleneck    2048 x 7 x 7  16,544,128    733,741,056
        avgpool      avg pool to 1x1     2048 x 1 x 1           0              0
        last_linear  linear                      1000   2,049,000      2,048,000
        total                                          28,088,024  3,860,488,192

    ImageNet error (top-1 / top-5), one crop: 23.29 / 6.62 % (paper, table 2); 22.37 / 6.36 % when trained again (the authors).
    """
    return SENet(partial(SEBottleneck, stride_on_1x1=True), depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def SEResNet101(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 23, 3), width: int = 64, weights: Weights = None
) -> SENet:
    """`ResNet101` with squeeze and excitation. See `SENet`.

        stage        layers                     output  parameters  multiply-adds
        input                            3 x 224 x 224
        layer0       conv 7x7 / 2       64 x 112 x 112       9,536    118,013,952
        pool0        max pool 3x3 / 2     64 x 56 x 56           0              0
        layer1       3 x SEBottleneck    256 x 56 x 56     241,200    667,967,488
        layer2       4 x SEBottleneck    512 x 28 x 28   1,352,832    950,665,216
        layer3       23 x SEBottleneck  1024 x 14 x 14  29,130,176  5,102,501,888
        layer4       3 x SEBottleneck     2048 x 7 x 7  16,544,128    733,741,056
        avgpool      avg pool to 1x1      2048 x 1 x 1           0              0
        last_linear  linear                       1000   2,049,000      2,048,000
        total                                           49,326,872  7,574,937,600

    ImageNet error (top-1 / top-5), one crop: 22.38 / 6.07 % (paper, table 2).
    """
    return SENet(partial(SEBottleneck, stride_on_1x1=True), depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def SEResNet152(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 8, 36, 3), width: int = 64, weights: Weights = None
) -> SENet:
    """`ResNet152` with squeeze and excitation. See `SENet`.

        stage        layers                     output  parameters   multiply-adds
        input                            3 x 224 x 224
        layer0       conv 7x7 / 2       64 x 112 x 112       9,536     118,013,952
        pool0        max pool 3x3 / 2     64 x 56 x 56           0               0
        layer1       3 x SEBottleneck    256 x 56 x 56     241,200     667,967,488
        layer2       8 x SEBottleneck    512 x 28 x 28   2,606,336   1,824,260,096
        layer3       36 x SEBottleneck  1024 x 14 x 14  45,371,648   7,942,963,200
        layer4       3 x SEBottleneck     2048 x 7 x 7  16,544,128     733,741,056
        avgpool      avg pool to 1x1      2048 x 1 x 1           0               0
        last_linear  linear                       1000   2,049,000       2,048,000
        total                                           66,821,848  11,288,993,792

    ImageNet error (top-1 / top-5), one crop: 21.57 / 5.73 % (paper, table 2).
    """
    return SENet(partial(SEBottleneck, stride_on_1x1=True), depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def SEResNeXt50_32x4d(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 6, 3), cardinality: int = 32, width: int = 64, weights: Weights = None
) -> SENet:
    """`ResNeXt50_32x4d` with squeeze and excitation: `cardinality` paths. See `SENet`.

        stage        layers                    output  parameters  multiply-adds
        input                           3 x 224 x 224
        layer0       conv 7x7 / 2      64 x 112 x 112       9,536    118,013,952
        pool0        max pool 3x3 / 2    64 x 56 x 56           0              0
        layer1       3 x SEBottleneck   256 x 56 x 56     231,216    634,249,216
        layer2       4 x SEBottleneck   512 x 28 x 28   1,330,304  1,085,538,304
        layer3       6 x SEBottleneck  1024 x 14 x 14   7,815,552  1,526,136,832
        layer4       3 x SEBottleneck    2048 x 7 x 7  16,124,288    867,008,512
        avgpool      avg pool to 1x1     2048 x 1 x 1           0              0
        last_linear  linear                      1000   2,049,000      2,048,000
        total                                          27,559,896  4,232,994,816

    ImageNet error (top-1 / top-5), one crop: 21.10 / 5.49 % (paper, table 2); 20.97 / 5.54 % when trained again (the authors).
    """
    block = partial(SEBottleneck, groups=cardinality, base_width=4)
    return SENet(block, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def SENet154(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 8, 36, 3), cardinality: int = 64, width: int = 64, weights: Weights = None
) -> SENet:
    """The largest SENet: a modified ResNeXt-152 of 64 groups (`cardinality`), of `SENet154Block`, with a stem of three convolutions.

    See `SENet`.

        stage        layers                                     output   parameters   multiply-adds
        input                                            3 x 224 x 224
        layer0       conv 3x3 / 2, conv 3x3, conv 3x3  128 x 112 x 112      112,832   1,408,942,080
        pool0        max pool 3x3 / 2                    128 x 56 x 56            0               0
        layer1       3 x SENet154Block                   256 x 56 x 56      354,864   1,019,600,896
        layer2       8 x SENet154Block                   512 x 28 x 28    4,695,296   3,609,722,880
        layer3       36 x SENet154Block                 1024 x 14 x 14   68,677,888  12,650,676,224
        layer4       3 x SENet154Block                    2048 x 7 x 7   39,199,104   1,997,373,440
        avgpool      avg pool to 1x1                      2048 x 1 x 1            0               0
        last_linear  linear                                       1000    2,049,000       2,048,000
        total                                                           115,088,984  20,688,363,520

    ImageNet error (top-1 / top-5), one crop: 18.68 / 4.47 % with 224x224 pixels, 17.28 / 3.79 % with 320x320 (paper, table 8).
    """
    block = partial(SENet154Block, groups=cardinality)
    return SENet(block, depths, num_classes, in_channels, width=width, deep_stem=True, dropout=0.2, weights=weights)
