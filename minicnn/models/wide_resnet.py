"""Wide ResNet: fewer layers, with more channels each (Zagoruyko & Komodakis 2016)."""

from collections.abc import Sequence
from functools import partial

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integer
from minicnn.models.preact_resnet import PreActBasicBlock
from minicnn.models.preact_resnet_cifar import PreActCIFARNet
from minicnn.models.pretrained import Weights
from minicnn.models.registry import register_model
from minicnn.models.residual_block import Bottleneck
from minicnn.models.resnet import ResNet
from minicnn.models.resnet_cifar import blocks_per_stage


class WideBlock(PreActBasicBlock):
    """The pre-activation basic block, with dropout between its two convolutions.

        BN, ReLU, 3x3 conv / stride
        BN, ReLU, dropout, 3x3 conv

    So many channels can learn their images by heart; dropout on the shortcut would spoil the identity, so it is inside.

    Args:
        in_channels: of the input.
        channels: of the output, and in between.
        stride: of the first convolution.
        dropout: probability with which an element is dropped.

    Source:
        Zagoruyko & Komodakis 2016, fig. 1 (d); sec. 2.4.

    Example:
        >>> import minicnn
        >>> WideBlock(16, 160, dropout=0.3)(minicnn.ones(2, 16, 32, 32)).shape
        (2, 160, 32, 32)
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, *, dropout: float = 0.0) -> None:
        super().__init__(in_channels, channels, stride)
        self.dropout = nn.Dropout(dropout)

    def residual(self, x: Tensor) -> Tensor:
        """F(a)."""
        x = nn.norm_relu(self.norm2, self.conv1(x))
        return self.conv2(self.dropout(x))


@register_model
def WideResNetCIFAR(
    depth: int = 28,
    k: int = 10,
    num_classes: int = 10,
    in_channels: int = 3,
    *,
    dropout: float = 0.0,
    weights: Weights = None,
) -> PreActCIFARNet:
    """WRN-depth-k: a pre-activation network of 6n + 4 layers for CIFAR, with k times as many channels.

    What was new: width instead of depth. 28 layers that are ten times as wide do better than 1001 thin ones, and train faster
    although they have more parameters: a GPU computes a few large layers sooner than many small ones.

        stage    layers                  output  parameters  multiply-adds
        input                       3 x 32 x 32
        conv1    conv 3x3          16 x 32 x 32         432        442,368
        layer1   4 x WideBlock    160 x 32 x 32   1,640,672  1,677,721,600
        layer2   4 x WideBlock    320 x 16 x 16   6,968,000  1,782,579,200
        layer3   4 x WideBlock      640 x 8 x 8  27,863,680  1,782,579,200
        avgpool  avg pool to 1x1    640 x 1 x 1           0              0
        linear   linear                      10       6,410          6,400
        total                                    36,479,194  5,243,328,768

    Error on CIFAR-10 / CIFAR-100 with 28 layers and k = 10: 4.00 / 19.25 %, with dropout 0.3: 3.89 / 18.85 % (paper, tables 5 and 6).

    Choices where sources differ: none that change the result. The first convolution keeps 16 channels; a shortcut that changes
    shapes is a 1x1 convolution without batch norm behind the shared BN and ReLU (`PreActBlock`). Names of parameters are our own.

    Args:
        depth: number of layers, 6n + 4: the first convolution, n blocks of two in each of three stages, and the three convolutions
            on shortcuts, which the paper counts here.
        k: widening factor; the stages have 16k, 32k and 64k channels.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        dropout: probability, between the convolutions of a block; 0.3 in the paper, where it is used.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `depth` is not 6n + 4, `k` is no integer >= 1, or `dropout` is not from 0 to 1.

    Source:
        Zagoruyko & Komodakis 2016, "Wide residual networks", sec. 2 and table 1 (arXiv:1605.07146).

    Example:
        >>> import minicnn
        >>> WideResNetCIFAR(10, k=1)(minicnn.ones(2, 3, 32, 32)).shape
        (2, 10)
    """
    n = blocks_per_stage("WideResNetCIFAR", depth, per_block=6, rest=4)
    block = partial(WideBlock, dropout=dropout)
    return PreActCIFARNet(block, n, num_classes, in_channels, width=16 * integer(k, "WideResNetCIFAR: k"), weights=weights)


@register_model
def WideResNet50_2(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 6, 3), width: int = 64, weights: Weights = None
) -> ResNet:
    """`ResNet50` with twice as many channels in every 3x3 convolution. It does better than `ResNet152`, and trains faster. See `ResNet`.

        stage    layers                    output  parameters   multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536     118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0               0
        layer1   3 x Bottleneck     256 x 56 x 56     634,368   1,978,138,624
        layer2   4 x Bottleneck     512 x 28 x 28   3,482,624   2,877,292,544
        layer3   6 x Bottleneck    1024 x 14 x 14  20,736,000   4,213,178,368
        layer4   3 x Bottleneck      2048 x 7 x 7  41,971,712   2,209,349,632
        avgpool  avg pool to 1x1     2048 x 1 x 1           0               0
        fc       linear                      1000   2,049,000       2,048,000
        total                                      68,883,240  11,398,021,120

    ImageNet error (top-1 / top-5), one crop: 21.9 / 6.03 % (paper, table 8; the authors' page has 21.9 / 5.79 %).

    Choices where sources differ: only the inner channels are doubled (128 to 1024); the blocks put out 256 to 2048, as in
    `ResNet50`. The stride is on the 3x3 convolution, and names of parameters are torchvision's.

    Source:
        Zagoruyko & Komodakis 2016, sec. 3 and table 8.
    """
    return ResNet(partial(Bottleneck, base_width=128), depths, num_classes, in_channels, width=width, weights=weights)
