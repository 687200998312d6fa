"""Pre-activation ResNet: batch norm and ReLU before the convolutions, nothing on the shortcut (He et al. 2016). For ImageNet."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import flag, integer, integers
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.models.residual_block import MakeBlock, ResidualBlock, make_stage


class PreActBlock(ResidualBlock):
    """What both kinds of pre-activation blocks share: H(x) = F(a) + x with a = ReLU(BN(x)), and no ReLU after the addition.

              x ──────────────────────────────┐
              │                               │
          BN, ReLU                            │
              ├─────────────────┐             │
              │                 │             │
            F(a)      1x1 conv / stride  or  identity
              │                 │             │
              + ◄───────────────┴─────────────┘

    From block to block, the sum goes on unchanged: x_L = x_l + the sum of all F in between, and a gradient comes back on the
    same way without a factor (equations 4 and 5). Only where a block changes the shape there is a convolution on the
    shortcut, without batch norm, which takes the same a as F.

    Args:
        in_channels: of the input.
        out_channels: of the result.
        stride: of the block.

    Source:
        He et al. 2016, fig. 4 (e); the shared a: the authors' code.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.changes_shape = stride != 1 or in_channels != out_channels
        self.downsample = nn.Identity()
        if self.changes_shape:
            self.downsample = nn.Sequential({"conv": nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)})
        self.norm1 = nn.BatchNorm2d(in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""
        active = nn.norm_relu(self.norm1, x)
        return self.residual(active) + self.downsample(active if self.changes_shape else x)


class PreActBasicBlock(PreActBlock):
    """BN, ReLU, 3x3 convolution, twice. See `PreActBlock`.

    Args:
        in_channels: of the input.
        channels: of the output, and in between.
        stride: of the first convolution.

    Source:
        He et al. 2016, fig. 4 (e).

    Example:
        >>> import minicnn
        >>> PreActBasicBlock(64, 128, stride=2)(minicnn.ones(2, 64, 56, 56)).shape
        (2, 128, 28, 28)
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__(in_channels, channels, stride)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def residual(self, x: Tensor) -> Tensor:
        """F(a)."""
        x = nn.norm_relu(self.norm2, self.conv1(x))
        return self.conv2(x)


class PreActBottleneck(PreActBlock):
    """BN, ReLU and a convolution, three times: 1x1, 3x3, 1x1. See `PreActBlock`.

    Args:
        in_channels: of the input.
        channels: of the 3x3 convolution; the output has four times as many.
        stride: of the 3x3 convolution, or of the first 1x1 with `stride_on_1x1`.
        stride_on_1x1: as in the authors' code.

    Source:
        He et al. 2016, fig. 4 (e), with the bottleneck of He et al. 2015.

    Example:
        >>> import minicnn
        >>> PreActBottleneck(256, 128, stride=2)(minicnn.ones(2, 256, 56, 56)).shape
        (2, 512, 28, 28)
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, *, stride_on_1x1: bool = False) -> None:
        super().__init__(in_channels, 4 * channels, stride)
        first, second = (stride, 1) if flag(stride_on_1x1, "PreActBottleneck: stride_on_1x1") else (1, stride)
        self.conv1 = nn.Conv2d(in_channels, channels, 1, stride=first, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=second, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)

    def residual(self, x: Tensor) -> Tensor:
        """F(a)."""
        x = nn.norm_relu(self.norm2, self.conv1(x))
        x = nn.norm_relu(self.norm3, self.conv2(x))
        return self.conv3(x)


class PreActResNet(nn.Module):
    """A pre-activation residual network for ImageNet: a stem, four stages of blocks, one last BN and ReLU, the classifier.

    What was new: batch norm and ReLU come before each convolution, so that nothing but additions is on the way from the first
    block to the last. With it, 200 layers (ImageNet) and 1001 layers (CIFAR) do better than fewer; with a ReLU after each addition,
    as in the first ResNet, they do worse.

    Choices where sources differ: the stem is a convolution and a pooling, and the first block has its own BN and ReLU, as in timm,
    whose names of parameters these are (`resnetv2_50`). In fb.resnet.torch they stand before the pooling, with as many parameters.
    Max pooling commutes with increasing functions: the result is the same in evaluation for scales above 0, in networks of
    bottlenecks; with basic blocks the first shortcut carries x before BN and ReLU here, and after them there. pytorchcv has both, 128
    parameters more. The stride is on the 3x3 convolution, as in both. The classifier is a 1x1 convolution, as in timm.

    Args:
        block: makes a block from (in_channels, channels, stride).
        depths: number of blocks in each of the four stages.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        width: channels of the stem and of the first stage; each later stage has twice as many.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `depths` are not four integers above 0, or `width` is no integer above 0.

    Source:
        He, Zhang, Ren & Sun 2016, "Identity mappings in deep residual networks", sec. 4 and table 5 (arXiv:1603.05027).

    Example:
        >>> import minicnn
        >>> net = PreActResNet(PreActBasicBlock, (1, 1, 1, 1), num_classes=10, width=8)
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
        depths, width = integers(depths, "PreActResNet: depths", 4), integer(width, "PreActResNet: width")
        conv = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
        self.stem = nn.Sequential({"conv": conv, "pool": nn.MaxPool2d(3, stride=2, padding=1)})
        stages, channels = [], width
        for i, depth in enumerate(depths):
            blocks, channels = make_stage(block, depth, channels, width * 2**i, stride=1 if i == 0 else 2)
            stages.append(nn.Sequential({"blocks": blocks}))
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(channels)
        self.head = nn.Sequential({"global_pool": nn.GlobalAvgPool2d(), "fc": nn.Conv2d(channels, num_classes, 1)})
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.stages(self.stem(x))
        return self.head(nn.norm_relu(self.norm, x)).flatten(1)


@register_model
def PreActResNet18(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (2, 2, 2, 2), width: int = 64, weights: Weights = None
) -> PreActResNet:
    """Pre-activation network of 18 layers, in 2, 2, 2 and 2 basic blocks. See `PreActResNet`.

        stage     layers                                 output  parameters  multiply-adds
        input                                     3 x 224 x 224
        stem      conv 7x7 / 2, max pool 3x3 / 2   64 x 56 x 56       9,408    118,013,952
        stages.0  2 x PreActBasicBlock             64 x 56 x 56     147,968    462,422,016
        stages.1  2 x PreActBasicBlock            128 x 28 x 28     525,184    411,041,792
        stages.2  2 x PreActBasicBlock            256 x 14 x 14   2,098,944    411,041,792
        stages.3  2 x PreActBasicBlock              512 x 7 x 7   8,393,216    411,041,792
        head      avg pool to 1x1, conv 1x1        1000 x 1 x 1     513,000        512,000
        total                                                    11,687,720  1,814,073,344

    The paper has no network of this depth; for that of 200 layers it gives 20.7 % top-1 error on ImageNet.
    """
    return PreActResNet(PreActBasicBlock, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def PreActResNet50(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 4, 6, 3), width: int = 64, weights: Weights = None
) -> PreActResNet:
    """Pre-activation network of 50 layers, in 3, 4, 6 and 3 bottlenecks. See `PreActResNet`.

        stage     layers                                  output  parameters  multiply-adds
        input                                      3 x 224 x 224
        stem      conv 7x7 / 2, max pool 3x3 / 2    64 x 56 x 56       9,408    118,013,952
        stages.0  3 x PreActBottleneck             256 x 56 x 56     214,912    667,942,912
        stages.1  4 x PreActBottleneck             512 x 28 x 28   1,218,048  1,027,604,480
        stages.2  6 x PreActBottleneck            1024 x 14 x 14   7,095,296  1,464,336,384
        stages.3  3 x PreActBottleneck              2048 x 7 x 7  14,962,688    809,238,528
        head      avg pool to 1x1, conv 1x1         1000 x 1 x 1   2,049,000      2,048,000
        total                                                     25,549,352  4,089,184,256

    The paper has no network of this depth; for that of 200 layers it gives 20.7 % top-1 error on ImageNet.
    """
    return PreActResNet(PreActBottleneck, depths, num_classes, in_channels, width=width, weights=weights)


@register_model
def PreActResNet200(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (3, 24, 36, 3), width: int = 64, weights: Weights = None
) -> PreActResNet:
    """Pre-activation network of 200 layers, in 3, 24, 36 and 3 bottlenecks. See `PreActResNet`.

        stage     layers                                  output  parameters   multiply-adds
        input                                      3 x 224 x 224
        stem      conv 7x7 / 2, max pool 3x3 / 2    64 x 56 x 56       9,408     118,013,952
        stages.0  3 x PreActBottleneck             256 x 56 x 56     214,912     667,942,912
        stages.1  24 x PreActBottleneck            512 x 28 x 28   6,819,328   5,394,923,520
        stages.2  36 x PreActBottleneck           1024 x 14 x 14  40,610,816   8,015,314,944
        stages.3  3 x PreActBottleneck              2048 x 7 x 7  14,962,688     809,238,528
        head      avg pool to 1x1, conv 1x1         1000 x 1 x 1   2,049,000       2,048,000
        total                                                     64,666,152  15,007,481,856

    ImageNet error (top-1 / top-5), one crop: 20.7 / 5.3 % with 320x320 pixels, 20.1 / 4.8 % when trained with crops of varied
    shape as well (paper, table 5); 21.66 / 5.79 % with 224x224 pixels (fb.resnet.torch).
    """
    return PreActResNet(PreActBottleneck, depths, num_classes, in_channels, width=width, weights=weights)
