"""Pre-activation ResNet for CIFAR-10: 164 layers, or 1001 (He et al. 2016, sec. 5)."""

from functools import partial

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integer
from minicnn.models.preact_resnet import PreActBottleneck
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.models.residual_block import MakeBlock, make_stage
from minicnn.models.resnet_cifar import blocks_per_stage


class PreActCIFARNet(nn.Module):
    """A pre-activation network for CIFAR: one 3x3 convolution, three stages of blocks, one last BN and ReLU, one linear layer.

    Args:
        block: makes a block from (in_channels, channels, stride).
        n: number of blocks in each stage.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        stem: channels of the first convolution.
        width: channels of the first stage; the later stages have two and four times as many.
        weights: a file of weights, or None to start from random ones.

    Source:
        He et al. 2016, sec. 5; Zagoruyko & Komodakis 2016, table 1.

    Example:
        >>> import minicnn
        >>> PreActCIFARNet(PreActBottleneck, 1, stem=4, width=4)(minicnn.ones(2, 3, 32, 32)).shape
        (2, 10)
    """

    def __init__(
        self,
        block: MakeBlock,
        n: int,
        num_classes: int = 10,
        in_channels: int = 3,
        *,
        stem: int = 16,
        width: int = 16,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 32, 32)
        n, width = integer(n, "PreActCIFARNet: n"), integer(width, "PreActCIFARNet: width")
        self.conv1 = nn.Conv2d(in_channels, stem, 3, padding=1, bias=False)
        self.layer1, channels = make_stage(block, n, stem, width, stride=1)
        self.layer2, channels = make_stage(block, n, channels, 2 * width, stride=2)
        self.layer3, channels = make_stage(block, n, channels, 4 * width, stride=2)
        self.norm = nn.BatchNorm2d(channels)
        self.avgpool = nn.GlobalAvgPool2d()
        self.linear = nn.Linear(channels, num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.linear(self.avgpool(nn.norm_relu(self.norm, x)).flatten(1))


@register_model
def PreActResNetCIFAR(
    depth: int = 164,
    num_classes: int = 10,
    in_channels: int = 3,
    *,
    stride_on_1x1: bool = False,
    width: int = 16,
    weights: Weights = None,
) -> PreActCIFARNet:
    """Pre-activation network of 9n + 2 layers for CIFAR-10, in bottlenecks. See `PreActResNet` for what was new.

        stage    layers                        output  parameters  multiply-adds
        input                             3 x 32 x 32
        conv1    conv 3x3                16 x 32 x 32         432        442,368
        layer1   18 x PreActBottleneck   64 x 32 x 32      81,952     80,478,208
        layer2   18 x PreActBottleneck  128 x 16 x 16     326,272     83,361,792
        layer3   18 x PreActBottleneck    256 x 8 x 8   1,292,032     83,361,792
        avgpool  avg pool to 1x1          256 x 1 x 1           0              0
        linear   linear                            10       2,570          2,560
        total                                           1,703,258    247,646,720

    CIFAR-10 error: 5.46 % with 164 layers, 4.92 % with 1001 (4.62 % with batches of 64) (paper, table 4).

    Choices where sources differ: the stride is on the 3x3 convolution, as in pytorchcv; with `stride_on_1x1=True` on the first 1x1, as
    in the authors' code (244.5 million multiply-adds). Names of parameters are our own.

    Args:
        depth: number of layers with weights, 9n + 2: the first convolution, n blocks of three in each of three stages, the linear one.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        stride_on_1x1: as for `PreActBottleneck`.
        width: channels of the first convolution; the stages put out four, eight and sixteen times as many.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `depth` is not 9n + 2.

    Source:
        He, Zhang, Ren & Sun 2016, "Identity mappings in deep residual networks", sec. 5 and table 4 (arXiv:1603.05027).

    Example:
        >>> import minicnn
        >>> PreActResNetCIFAR(11, width=4)(minicnn.ones(2, 3, 32, 32)).shape
        (2, 10)
    """
    n = blocks_per_stage("PreActResNetCIFAR", depth, per_block=9, rest=2)
    block = partial(PreActBottleneck, stride_on_1x1=stride_on_1x1)
    return PreActCIFARNet(block, n, num_classes, in_channels, stem=width, width=width, weights=weights)
