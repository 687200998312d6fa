"""Plain networks: ResNets without the additions, to see what the additions are good for (He et al. 2015)."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.models.pretrained import Weights
from minicnn.models.registry import register_model
from minicnn.models.residual_block import BasicBlock
from minicnn.models.resnet import ResNet
from minicnn.models.resnet_cifar import CIFARNet, blocks_per_stage


class PlainBlock(BasicBlock):
    """Two 3x3 convolutions, and nothing around them: ReLU(F(x)) where `BasicBlock` has ReLU(F(x) + x).

              x
              │
        3x3 conv / stride, BN, ReLU
        3x3 conv, BN
              │
            ReLU

    Args:
        in_channels: of the input.
        channels: of the output, and in between.
        stride: of the first convolution.

    Source:
        He et al. 2015, fig. 3 middle; sec. 3.3, "Plain Network".

    Example:
        >>> import minicnn
        >>> PlainBlock(64, 128, stride=2)(minicnn.ones(2, 64, 56, 56)).shape
        (2, 128, 28, 28)
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__(in_channels, channels, stride, shortcut="A")
        del self.downsample

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, channels, H/stride, W/stride)."""
        return nn.norm_relu(self.last_norm(), self.convolutions(x))


@register_model
def PlainNet18(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (2, 2, 2, 2), width: int = 64, weights: Weights = None
) -> ResNet:
    """`ResNet18` without shortcuts: VGG's 3x3 convolutions in 18 layers, with batch norm.

        stage    layers                    output  parameters  multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536    118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0              0
        layer1   2 x PlainBlock      64 x 56 x 56     147,968    462,422,016
        layer2   2 x PlainBlock     128 x 28 x 28     517,120    404,619,264
        layer3   2 x PlainBlock     256 x 14 x 14   2,066,432    404,619,264
        layer4   2 x PlainBlock       512 x 7 x 7   8,261,632    404,619,264
        avgpool  avg pool to 1x1      512 x 1 x 1           0              0
        fc       linear                      1000     513,000        512,000
        total                                      11,515,688  1,794,805,760

    ImageNet top-1 error: 27.94 % with 10 crops (paper, table 2); the residual network has 27.88 % with as many parameters
    (`ResNet18(shortcut="A")`).

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        depths: number of blocks in each of the four stages.
        width: channels of the first stage.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `depths` are not four integers above 0, or `width` is no integer above 0.

    Source:
        He, Zhang, Ren & Sun 2015, "Deep residual learning for image recognition", sec. 3.3 and table 1 (arXiv:1512.03385).

    Example:
        >>> import minicnn
        >>> PlainNet18(num_classes=10, width=8)(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """
    return ResNet(PlainBlock, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def PlainNet34(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 6, 3), width: int = 64, weights: Weights = None
) -> ResNet:
    """`ResNet34` without shortcuts. See `PlainNet18`.

        stage    layers                    output  parameters  multiply-adds
        input                       3 x 224 x 224
        conv1    conv 7x7 / 2      64 x 112 x 112       9,536    118,013,952
        maxpool  max pool 3x3 / 2    64 x 56 x 56           0              0
        layer1   3 x PlainBlock      64 x 56 x 56     221,952    693,633,024
        layer2   4 x PlainBlock     128 x 28 x 28   1,107,968    867,041,280
        layer3   6 x PlainBlock     256 x 14 x 14   6,789,120  1,329,463,296
        layer4   3 x PlainBlock       512 x 7 x 7  12,982,272    635,830,272
        avgpool  avg pool to 1x1      512 x 1 x 1           0              0
        fc       linear                      1000     513,000        512,000
        total                                      21,623,848  3,644,493,824

    ImageNet error (top-1 / top-5): 28.54 / 10.02 % with 10 crops (paper, tables 2 and 3): more than `PlainNet18` has, and more
    than the 25.03 / 7.76 % of the residual network with as many parameters (`ResNet34(shortcut="A")`).
    """
    return ResNet(PlainBlock, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def PlainNetCIFAR(
    depth: int = 20, num_classes: int = 10, in_channels: int = 3, *, width: int = 16, weights: Weights = None
) -> CIFARNet:
    """`ResNetCIFAR` without shortcuts, with exactly as many parameters: the experiment with which the paper begins.

    With 56 layers it does worse than with 20, on the test images and *on the training images*: it is not too large for its
    data, it is hard to train. (A solution exists: 20 layers and 36 identities.)

        stage    layers                 output  parameters  multiply-adds
        input                      3 x 32 x 32
        conv1    conv 3x3         16 x 32 x 32         464        442,368
        layer1   3 x PlainBlock   16 x 32 x 32      14,016     14,155,776
        layer2   3 x PlainBlock   32 x 16 x 16      51,072     12,976,128
        layer3   3 x PlainBlock     64 x 8 x 8     203,520     12,976,128
        avgpool  avg pool to 1x1    64 x 1 x 1           0              0
        linear   linear                     10         650            640
        total                                      269,722     40,551,040

    CIFAR-10 error: the paper shows curves (fig. 6 left); with 110 layers it is above 60 %.

    Args:
        depth: number of layers with weights, 6n + 2, as for `ResNetCIFAR`.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        width: channels of the first stage.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `depth` is not 6n + 2.

    Source:
        He et al. 2015, fig. 1, fig. 6 left and sec. 4.2.

    Example:
        >>> import minicnn
        >>> PlainNetCIFAR(8)(minicnn.ones(2, 3, 32, 32)).shape
        (2, 10)
    """
    n = blocks_per_stage("PlainNetCIFAR", depth, per_block=6, rest=2)
    return CIFARNet(PlainBlock, n, num_classes, in_channels, width=width, weights=weights)
