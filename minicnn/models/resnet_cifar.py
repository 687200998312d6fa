"""ResNet for CIFAR-10: small images, three stages, 20 to 1202 layers (He et al. 2015, sec. 4.2)."""

from functools import partial

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integer
from minicnn.errors import ArgumentError
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.models.residual_block import BasicBlock, MakeBlock, make_stage


def blocks_per_stage(network: str, depth: int, per_block: int, rest: int) -> int:
    """n, the number of blocks in each of the stages, if the network has `depth` = `per_block` n + `rest` layers with weights.

    Args:
        network: its name, for the message.
        depth: as in the network's name: 20 in ResNet-20. Convolutions on shortcuts do not count.
        per_block: layers of one block, times the number of stages.
        rest: layers outside of the blocks.

    Raises:
        ArgumentError: there is no such n >= 1.

    Example:
        >>> blocks_per_stage("ResNetCIFAR", 20, per_block=6, rest=2)
        3
    """
    n, left = divmod(integer(depth, f"{network}: depth") - rest, per_block)
    if n < 1 or left:
        below = per_block * max(n, 1) + rest
        raise ArgumentError(f"{network}: depth must be {per_block}n + {rest}, such as {below} or {below + per_block}, not {depth}")
    return n


class CIFARNet(nn.Module):
    """A residual network for CIFAR: one 3x3 convolution, three stages of blocks, one linear layer.

    The image keeps its 32x32 pixels through the first stage; the second and third halve it and double the channels.

    Args:
        block: makes a block from (in_channels, channels, stride).
        n: number of blocks in each stage.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        width: channels of the first convolution and stage; the later stages have two and four times as many.
        weights: a file of weights, or None to start from random ones.

    Source:
        He et al. 2015, sec. 4.2; the names of parameters are those of akamaster/pytorch_resnet_cifar10.

    Example:
        >>> import minicnn
        >>> CIFARNet(BasicBlock, 1, width=4)(minicnn.ones(2, 3, 32, 32)).shape
        (2, 10)
    """

    def __init__(
        self,
        block: MakeBlock,
        n: int,
        num_classes: int = 10,
        in_channels: int = 3,
        *,
        width: int = 16,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 32, 32)
        n, width = integer(n, "CIFARNet: n"), integer(width, "CIFARNet: width")
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1, channels = make_stage(block, n, width, width, stride=1)
        self.layer2, channels = make_stage(block, n, channels, 2 * width, stride=2)
        self.layer3, channels = make_stage(block, n, channels, 4 * width, stride=2)
        self.avgpool = nn.GlobalAvgPool2d()
        self.linear = nn.Linear(channels, num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = nn.norm_relu(self.bn1, self.conv1(x))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(self.avgpool(x).flatten(1))


@register_model
def ResNetCIFAR(
    depth: int = 20,
    num_classes: int = 10,
    in_channels: int = 3,
    *,
    shortcut: str = "A",
    width: int = 16,
    weights: Weights = None,
) -> CIFARNet:
    """A residual network of 6n + 2 layers for CIFAR-10, in basic blocks. See `CIFARNet`.

    What it shows: with shortcuts, depth helps from 20 to 110 layers, where the plain networks (`PlainNetCIFAR`) get worse. 1202
    layers still train, but do worse on the test images than 110: too large a network for 50,000 images.

        stage    layers                 output  parameters  multiply-adds
        input                      3 x 32 x 32
        conv1    conv 3x3         16 x 32 x 32         464        442,368
        layer1   3 x BasicBlock   16 x 32 x 32      14,016     14,155,776
        layer2   3 x BasicBlock   32 x 16 x 16      51,072     12,976,128
        layer3   3 x BasicBlock     64 x 8 x 8     203,520     12,976,128
        avgpool  avg pool to 1x1    64 x 1 x 1           0              0
        linear   linear                     10         650            640
        total                                      269,722     40,551,040

    CIFAR-10 error: 8.75 % with 20 layers, 6.43 % with 110 (paper, table 6).

    Choices where sources differ: shortcuts are of kind A, without parameters, as in the paper (section 4.2), so that there are
    exactly as many as in the plain network; the zeros stand half before and half behind the old channels, as in
    akamaster/pytorch_resnet_cifar10 (fb.resnet.torch puts all of them behind). With `shortcut="B"`, as in pytorchcv, two
    1x1 convolutions with batch norm add 2,752 parameters.

    Args:
        depth: number of layers with weights, 6n + 2: the first convolution, n blocks of two in each of three stages, the linear one.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        shortcut: "A" or "B", as for `BasicBlock`.
        width: channels of the first stage.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `depth` is not 6n + 2, or there is no such shortcut.

    Source:
        He, Zhang, Ren & Sun 2015, "Deep residual learning for image recognition", sec. 4.2 (arXiv:1512.03385).

    Example:
        >>> import minicnn
        >>> ResNetCIFAR(8)(minicnn.ones(2, 3, 32, 32)).shape
        (2, 10)
    """
    n = blocks_per_stage("ResNetCIFAR", depth, per_block=6, rest=2)
    return CIFARNet(partial(BasicBlock, shortcut=shortcut), n, num_classes, in_channels, width=width, weights=weights)


@register_model
def ResNet20(num_classes: int = 10, in_channels: int = 3, *, shortcut: str = "A", width: int = 16, weights: Weights = None) -> CIFARNet:
    """Residual network of 20 layers for CIFAR-10. See `ResNetCIFAR`.

        stage    layers                 output  parameters  multiply-adds
        input                      3 x 32 x 32
        conv1    conv 3x3         16 x 32 x 32         464        442,368
        layer1   3 x BasicBlock   16 x 32 x 32      14,016     14,155,776
        layer2   3 x BasicBlock   32 x 16 x 16      51,072     12,976,128
        layer3   3 x BasicBlock     64 x 8 x 8     203,520     12,976,128
        avgpool  avg pool to 1x1    64 x 1 x 1           0              0
        linear   linear                     10         650            640
        total                                      269,722     40,551,040

    CIFAR-10 error: 8.75 % (paper, table 6).
    """
    return ResNetCIFAR(20, num_classes, in_channels, shortcut=shortcut, width=width, weights=weights)


@register_model
def ResNet32(num_classes: int = 10, in_channels: int = 3, *, shortcut: str = "A", width: int = 16, weights: Weights = None) -> CIFARNet:
    """Residual network of 32 layers for CIFAR-10. See `ResNetCIFAR`.

        stage    layers                 output  parameters  multiply-adds
        input                      3 x 32 x 32
        conv1    conv 3x3         16 x 32 x 32         464        442,368
        layer1   5 x BasicBlock   16 x 32 x 32      23,360     23,592,960
        layer2   5 x BasicBlock   32 x 16 x 16      88,192     22,413,312
        layer3   5 x BasicBlock     64 x 8 x 8     351,488     22,413,312
        avgpool  avg pool to 1x1    64 x 1 x 1           0              0
        linear   linear                     10         650            640
        total                                      464,154     68,862,592

    CIFAR-10 error: 7.51 % (paper, table 6).
    """
    return ResNetCIFAR(32, num_classes, in_channels, shortcut=shortcut, width=width, weights=weights)


@register_model
def ResNet44(num_classes: int = 10, in_channels: int = 3, *, shortcut: str = "A", width: int = 16, weights: Weights = None) -> CIFARNet:
    """Residual network of 44 layers for CIFAR-10. See `ResNetCIFAR`.

        stage    layers                 output  parameters  multiply-adds
        input                      3 x 32 x 32
        conv1    conv 3x3         16 x 32 x 32         464        442,368
        layer1   7 x BasicBlock   16 x 32 x 32      32,704     33,030,144
        layer2   7 x BasicBlock   32 x 16 x 16     125,312     31,850,496
        layer3   7 x BasicBlock     64 x 8 x 8     499,456     31,850,496
        avgpool  avg pool to 1x1    64 x 1 x 1           0              0
        linear   linear                     10         650            640
        total                                      658,586     97,174,144

    CIFAR-10 error: 7.17 % (paper, table 6).
    """
    return ResNetCIFAR(44, num_classes, in_channels, shortcut=shortcut, width=width, weights=weights)


@register_model
def ResNet56(num_classes: int = 10, in_channels: int = 3, *, shortcut: str = "A", width: int = 16, weights: Weights = None) -> CIFARNet:
    """Residual network of 56 layers for CIFAR-10. See `ResNetCIFAR`.

        stage    layers                 output  parameters  multiply-adds
        input                      3 x 32 x 32
        conv1    conv 3x3         16 x 32 x 32         464        442,368
        layer1   9 x BasicBlock   16 x 32 x 32      42,048     42,467,328
        layer2   9 x BasicBlock   32 x 16 x 16     162,432     41,287,680
        layer3   9 x BasicBlock     64 x 8 x 8     647,424     41,287,680
        avgpool  avg pool to 1x1    64 x 1 x 1           0              0
        linear   linear                     10         650            640
        total                                      853,018    125,485,696

    CIFAR-10 error: 6.97 % (paper, table 6).
    """
    return ResNetCIFAR(56, num_classes, in_channels, shortcut=shortcut, width=width, weights=weights)


@register_model
def ResNet110(num_classes: int = 10, in_channels: int = 3, *, shortcut: str = "A", width: int = 16, weights: Weights = None) -> CIFARNet:
    """Residual network of 110 layers for CIFAR-10. See `ResNetCIFAR`.

        stage    layers                 output  parameters  multiply-adds
        input                      3 x 32 x 32
        conv1    conv 3x3         16 x 32 x 32         464        442,368
        layer1   18 x BasicBlock  16 x 32 x 32      84,096     84,934,656
        layer2   18 x BasicBlock  32 x 16 x 16     329,472     83,755,008
        layer3   18 x BasicBlock    64 x 8 x 8   1,313,280     83,755,008
        avgpool  avg pool to 1x1    64 x 1 x 1           0              0
        linear   linear                     10         650            640
        total                                    1,727,962    252,887,680

    CIFAR-10 error: 6.43 % in the best of five runs, 6.61 +- 0.16 % over all (paper, table 6). The paper trains it with a learning rate of
    0.01 until the training error is below 80 %, and only then with 0.1.
    """
    return ResNetCIFAR(110, num_classes, in_channels, shortcut=shortcut, width=width, weights=weights)


@register_model
def ResNet1202(num_classes: int = 10, in_channels: int = 3, *, shortcut: str = "A", width: int = 16, weights: Weights = None) -> CIFARNet:
    """Residual network of 1202 layers for CIFAR-10. See `ResNetCIFAR`.

        stage    layers                  output  parameters  multiply-adds
        input                       3 x 32 x 32
        conv1    conv 3x3          16 x 32 x 32         464        442,368
        layer1   200 x BasicBlock  16 x 32 x 32     934,400    943,718,400
        layer2   200 x BasicBlock  32 x 16 x 16   3,707,392    942,538,752
        layer3   200 x BasicBlock    64 x 8 x 8  14,778,368    942,538,752
        avgpool  avg pool to 1x1     64 x 1 x 1           0              0
        linear   linear                      10         650            640
        total                                    19,421,274  2,829,238,912

    CIFAR-10 error: 7.93 % (paper, table 6), worse than with 110 layers, though both fit the training images.
    """
    return ResNetCIFAR(1202, num_classes, in_channels, shortcut=shortcut, width=width, weights=weights)
