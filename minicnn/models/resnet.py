"""ResNet: layers that learn what to add to their input (He et al. 2015). The networks for ImageNet; `resnet_cifar.py` has the others."""

from collections.abc import Sequence
from functools import partial

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integer, integers
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.models.residual_block import BasicBlock, Bottleneck, MakeBlock, make_stage


class ResNet(nn.Module):
    """A residual network for ImageNet: a stem that halves the image twice, four stages of blocks, one linear layer.

    What was new: every block computes what to *add* to its input. A 56-layer network without the additions does worse
    than a 20-layer one even on its training images (`PlainNet18`, `PlainNet34`); with them, 152 layers train and do better.
    Batch normalisation after every convolution; no dropout, no hidden linear layers. Global average pooling takes images
    of any size from about 32 pixels.

    Choices where sources differ: the stride of a bottleneck is on its 3x3 convolution ("v1.5", as in torchvision and
    fb.resnet.torch), with `stride_on_1x1=True` on the first 1x1 as in the paper; shortcuts are of kind B; names of
    parameters are torchvision's.

    Args:
        block: makes a block from (in_channels, channels, stride).
        depths: number of blocks in each of the four stages.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        width: channels of the first stage; each later stage has twice as many.
        weights: a file of weights, "imagenet" for torchvision's, or None to start from random ones.

    Raises:
        ArgumentError: `depths` are not four integers above 0, or `width` is no integer above 0.

    Source:
        He, Zhang, Ren & Sun 2015, "Deep residual learning for image recognition", sec. 3 and table 1 (arXiv:1512.03385).

    Example:
        >>> import minicnn
        >>> net = ResNet(BasicBlock, (1, 1, 1, 1), num_classes=10, width=8)
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
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        depths, width = integers(depths, "ResNet: depths", 4), integer(width, "ResNet: width")
        self.conv1 = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1, channels = make_stage(block, depths[0], width, width, stride=1)
        self.layer2, channels = make_stage(block, depths[1], channels, 2 * width, stride=2)
        self.layer3, channels = make_stage(block, depths[2], channels, 4 * width, stride=2)
        self.layer4, channels = make_stage(block, depths[3], channels, 8 * width, stride=2)
        self.avgpool = nn.GlobalAvgPool2d()
        self.fc = nn.Linear(channels, num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.maxpool(nn.norm_relu(self.bn1, self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


@register_model
def ResNet18(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (2, 2, 2, 2), shortcut: str = "B", width: int = 64, weights: Weights = None
) -> ResNet:
    """Residual network of 18 layers, in basic blocks. See `ResNet`.

        stage    layers                    output  parameters  multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536    118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0              0
        layer1   2 x BasicBlock      64 x 56 x 56     147,968    462,422,016
        layer2   2 x BasicBlock     128 x 28 x 28     525,568    411,041,792
        layer3   2 x BasicBlock     256 x 14 x 14   2,099,712    411,041,792
        layer4   2 x BasicBlock       512 x 7 x 7   8,393,728    411,041,792
        avgpool  avg pool to 1x1      512 x 1 x 1           0              0
        fc       linear                      1000     513,000        512,000
        total                                      11,689,512  1,814,073,344

    ImageNet error (top-1 / top-5): 27.88 % / - with 10 crops and shortcut A (paper, table 2); 30.43 / 10.76 % with one crop
    (fb.resnet.torch).
    """
    block = partial(BasicBlock, shortcut=shortcut)
    return ResNet(block, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def ResNet34(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 6, 3), shortcut: str = "B", width: int = 64, weights: Weights = None
) -> ResNet:
    """Residual network of 34 layers, in basic blocks. See `ResNet`.

        stage    layers                    output  parameters  multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536    118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0              0
        layer1   3 x BasicBlock      64 x 56 x 56     221,952    693,633,024
        layer2   4 x BasicBlock     128 x 28 x 28   1,116,416    873,463,808
        layer3   6 x BasicBlock     256 x 14 x 14   6,822,400  1,335,885,824
        layer4   3 x BasicBlock       512 x 7 x 7  13,114,368    642,252,800
        avgpool  avg pool to 1x1      512 x 1 x 1           0              0
        fc       linear                      1000     513,000        512,000
        total                                      21,797,672  3,663,761,408

    ImageNet error (top-1 / top-5): 25.03 / 7.76 % with shortcut A, 24.52 / 7.46 % with B, 10 crops (paper, table 3);
    26.73 / 8.74 % with one crop (fb.resnet.torch).
    """
    block = partial(BasicBlock, shortcut=shortcut)
    return ResNet(block, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def ResNet50(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 6, 3), stride_on_1x1: bool = False, width: int = 64, weights: Weights = None
) -> ResNet:
    """Residual network of 50 layers, in bottlenecks. See `ResNet`. With `stride_on_1x1`, 3,857,973,248 multiply-adds.

        stage    layers                    output  parameters  multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536    118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0              0
        layer1   3 x Bottleneck     256 x 56 x 56     215,808    667,942,912
        layer2   4 x Bottleneck     512 x 28 x 28   1,219,584  1,027,604,480
        layer3   6 x Bottleneck    1024 x 14 x 14   7,098,368  1,464,336,384
        layer4   3 x Bottleneck      2048 x 7 x 7  14,964,736    809,238,528
        avgpool  avg pool to 1x1     2048 x 1 x 1           0              0
        fc       linear                      1000   2,049,000      2,048,000
        total                                      25,557,032  4,089,184,256

    ImageNet error (top-1 / top-5), stride on the 1x1: 22.85 / 6.71 % with 10 crops (paper, table 3), 24.7 / 7.8 % with one (the
    authors); stride on the 3x3: 24.01 / 7.02 % with one (fb.resnet.torch).
    """
    block = partial(Bottleneck, stride_on_1x1=stride_on_1x1)
    return ResNet(block, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def ResNet101(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 23, 3), stride_on_1x1: bool = False, width: int = 64, weights: Weights = None
) -> ResNet:
    """Residual network of 101 layers, in bottlenecks. See `ResNet`.

        stage    layers                    output  parameters  multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536    118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0              0
        layer1   3 x Bottleneck     256 x 56 x 56     215,808    667,942,912
        layer2   4 x Bottleneck     512 x 28 x 28   1,219,584  1,027,604,480
        layer3   23 x Bottleneck   1024 x 14 x 14  26,090,496  5,176,557,568
        layer4   3 x Bottleneck      2048 x 7 x 7  14,964,736    809,238,528
        avgpool  avg pool to 1x1     2048 x 1 x 1           0              0
        fc       linear                      1000   2,049,000      2,048,000
        total                                      44,549,160  7,801,405,440

    ImageNet error (top-1 / top-5), stride on the 1x1: 21.75 / 6.05 % with 10 crops (paper, table 3), 23.6 / 7.1 % with one (the
    authors).
    """
    block = partial(Bottleneck, stride_on_1x1=stride_on_1x1)
    return ResNet(block, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def ResNet152(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 8, 36, 3), stride_on_1x1: bool = False, width: int = 64, weights: Weights = None
) -> ResNet:
    """Residual network of 152 layers, in bottlenecks. See `ResNet`. Ensembles with it won ILSVRC 2015, with 3.57 % top-5 error.

        stage    layers                    output  parameters   multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536     118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0               0
        layer1   3 x Bottleneck     256 x 56 x 56     215,808     667,942,912
        layer2   8 x Bottleneck     512 x 28 x 28   2,339,840   1,901,068,288
        layer3   36 x Bottleneck   1024 x 14 x 14  40,613,888   8,015,314,944
        layer4   3 x Bottleneck      2048 x 7 x 7  14,964,736     809,238,528
        avgpool  avg pool to 1x1     2048 x 1 x 1           0               0
        fc       linear                      1000   2,049,000       2,048,000
        total                                      60,192,808  11,513,626,624

    ImageNet error (top-1 / top-5), stride on the 1x1: 21.43 / 5.71 % with 10 crops (paper, table 3), 23.0 / 6.7 % with one (the
    authors).
    """
    block = partial(Bottleneck, stride_on_1x1=stride_on_1x1)
    return ResNet(block, depths, num_classes, in_channels, width=width, weights=weights)
