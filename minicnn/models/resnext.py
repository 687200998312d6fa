"""ResNeXt: many narrow paths side by side (Xie et al. 2017). That they are one grouped convolution is shown in `resnext_block.py`."""

from collections.abc import Sequence
from functools import partial

from minicnn.models.pretrained import Weights
from minicnn.models.registry import register_model
from minicnn.models.residual_block import Bottleneck
from minicnn.models.resnet import ResNet
from minicnn.models.resnet_cifar import CIFARNet, blocks_per_stage


@register_model
def ResNeXt50_32x4d(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 6, 3), cardinality: int = 32, width: int = 64, weights: Weights = None
) -> ResNet:
    """ResNeXt of 50 layers with 32 paths of 4 channels: `ResNet50` with grouped 3x3 convolutions, at the same cost.

    What was new: *cardinality*, the number of paths, as a third size beside depth and width. More paths at the same number of
    multiply-adds do better; and unlike in Inception, all of them are alike, so that there is one number to choose.

        stage    layers                    output  parameters  multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536    118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0              0
        layer1   3 x Bottleneck     256 x 56 x 56     205,824    634,224,640
        layer2   4 x Bottleneck     512 x 28 x 28   1,197,056  1,085,407,232
        layer3   6 x Bottleneck    1024 x 14 x 14   7,022,592  1,525,350,400
        layer4   3 x Bottleneck      2048 x 7 x 7  14,544,896    865,435,648
        avgpool  avg pool to 1x1     2048 x 1 x 1           0              0
        fc       linear                      1000   2,049,000      2,048,000
        total                                      25,028,904  4,230,479,872

    ImageNet top-1 error, one crop: 22.2 % (paper, table 3).

    Choices where sources differ: the block is form (c) of the paper's figure 3, a grouped convolution, as the authors train it
    (the others are in `resnext_block.py`); its stride is on the 3x3. Names of parameters are torchvision's.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        depths: number of blocks in each of the four stages.
        cardinality: number of paths; 32 are meant by the network's name.
        width: channels of the stem, a multiple of 16. A path of the first stage has width · 4/64 channels.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `width` is not a multiple of 16, or `depths` are not four integers above 0.

    Source:
        Xie, Girshick, Dollár, Tu & He 2017, "Aggregated residual transformations for deep neural networks", table 1
        (arXiv:1611.05431).

    Example:
        >>> import minicnn
        >>> net = ResNeXt50_32x4d(num_classes=10, cardinality=4, width=16)
        >>> net(minicnn.ones(2, 3, 32, 32)).shape
        (2, 10)
    """
    block = partial(Bottleneck, groups=cardinality, base_width=4)
    return ResNet(block, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def ResNeXt101_32x4d(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 23, 3), cardinality: int = 32, width: int = 64, weights: Weights = None
) -> ResNet:
    """ResNeXt of 101 layers with 32 paths of 4 channels, at the cost of `ResNet101`. See `ResNeXt50_32x4d`.

        stage    layers                    output  parameters  multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536    118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0              0
        layer1   3 x Bottleneck     256 x 56 x 56     205,824    634,224,640
        layer2   4 x Bottleneck     512 x 28 x 28   1,197,056  1,085,407,232
        layer3   23 x Bottleneck   1024 x 14 x 14  26,171,392  5,264,867,328
        layer4   3 x Bottleneck      2048 x 7 x 7  14,544,896    865,435,648
        avgpool  avg pool to 1x1     2048 x 1 x 1           0              0
        fc       linear                      1000   2,049,000      2,048,000
        total                                      44,177,704  7,969,996,800

    ImageNet error (top-1 / top-5), one crop: 21.2 / 5.6 % (paper, table 4).
    """
    block = partial(Bottleneck, groups=cardinality, base_width=4)
    return ResNet(block, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def ResNeXt101_64x4d(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 23, 3), cardinality: int = 64, width: int = 64, weights: Weights = None
) -> ResNet:
    """ResNeXt of 101 layers with 64 paths of 4 channels, at twice the cost. See `ResNeXt50_32x4d`.

        stage    layers                    output  parameters   multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536     118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0               0
        layer1   3 x Bottleneck     256 x 56 x 56     393,216   1,217,069,056
        layer2   4 x Bottleneck     512 x 28 x 28   2,257,920   2,068,054,016
        layer3   23 x Bottleneck   1024 x 14 x 14  51,769,344  10,426,974,208
        layer4   3 x Bottleneck      2048 x 7 x 7  26,976,256   1,628,110,848
        avgpool  avg pool to 1x1     2048 x 1 x 1           0               0
        fc       linear                      1000   2,049,000       2,048,000
        total                                      83,455,272  15,460,270,080

    ImageNet error (top-1 / top-5), one crop: 20.4 / 5.3 % (paper, table 4).
    """
    block = partial(Bottleneck, groups=cardinality, base_width=4)
    return ResNet(block, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def ResNeXt101_32x8d(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 23, 3), cardinality: int = 32, width: int = 64, weights: Weights = None
) -> ResNet:
    """ResNeXt of 101 layers with 32 paths of 8 channels. See `ResNeXt50_32x4d`; `width` must be a multiple of 8 here.

    Not a network of the ResNeXt paper: it comes from the work on weakly supervised training of Mahajan et al. 2018
    ("Exploring the limits of weakly supervised pretraining", arXiv:1805.00932).

        stage    layers                    output  parameters   multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536     118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0               0
        layer1   3 x Bottleneck     256 x 56 x 56     420,864   1,303,773,184
        layer2   4 x Bottleneck     512 x 28 x 28   2,405,376   2,183,659,520
        layer3   23 x Bottleneck   1024 x 14 x 14  55,160,832  11,091,705,856
        layer4   3 x Bottleneck      2048 x 7 x 7  28,745,728   1,714,814,976
        avgpool  avg pool to 1x1     2048 x 1 x 1           0               0
        fc       linear                      1000   2,049,000       2,048,000
        total                                      88,791,336  16,414,015,488

    ImageNet error (top-1 / top-5), one crop: 20.69 / 5.47 % (torchvision).
    """
    block = partial(Bottleneck, groups=cardinality, base_width=8)
    return ResNet(block, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def ResNeXtCIFAR(
    depth: int = 29,
    cardinality: int = 16,
    base_width: int = 64,
    num_classes: int = 10,
    in_channels: int = 3,
    *,
    width: int = 64,
    weights: Weights = None,
) -> CIFARNet:
    """ResNeXt of 9n + 2 layers for CIFAR: a 3x3 convolution of 64 channels, and three stages of bottlenecks. See `CIFARNet`.

        stage    layers                  output  parameters   multiply-adds
        input                       3 x 32 x 32
        conv1    conv 3x3          64 x 32 x 32       1,856       1,769,472
        layer1   3 x Bottleneck   256 x 32 x 32   3,176,448   3,238,002,688
        layer2   3 x Bottleneck   512 x 16 x 16  13,004,800   3,724,541,952
        layer3   3 x Bottleneck    1024 x 8 x 8  51,961,856   3,724,541,952
        avgpool  avg pool to 1x1   1024 x 1 x 1           0               0
        linear   linear                      10      10,250          10,240
        total                                    68,155,210  10,688,866,304

    Error on CIFAR-10 / CIFAR-100 with 29 layers and 16 paths of 64 channels: 3.58 / 17.31 % (paper, table 7).

    Choices where sources differ: where a block changes the shape, the shortcut is a 1x1 convolution with batch norm, as on ImageNet
    and in pytorchcv (`resnext29_16x64d_cifar10`); the classifier is a single linear layer after global average pooling.

    Args:
        depth: number of layers with weights, 9n + 2: the first convolution, n blocks of three in each of three stages, the linear one.
        cardinality: number of paths of a block.
        base_width: channels of a path in the first stage, when `width` is 64.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        width: channels of the first convolution.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `depth` is not 9n + 2, or a path would not have a whole number of channels.

    Source:
        Xie et al. 2017, sec. 5.3.

    Example:
        >>> import minicnn
        >>> ResNeXtCIFAR(11, cardinality=4, base_width=16, width=16)(minicnn.ones(2, 3, 32, 32)).shape
        (2, 10)
    """
    n = blocks_per_stage("ResNeXtCIFAR", depth, per_block=9, rest=2)
    block = partial(Bottleneck, groups=cardinality, base_width=base_width)
    return CIFARNet(block, n, num_classes, in_channels, width=width, weights=weights)
