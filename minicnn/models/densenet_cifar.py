"""DenseNet for CIFAR: small images, three dense blocks (Huang et al. 2017, sec. 3, "Implementation details")."""

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import flag, integer
from minicnn.models.densenet import dense_blocks
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.models.resnet_cifar import blocks_per_stage


@register_model
class DenseNetCIFAR(nn.Module):
    """DenseNet for CIFAR: one 3x3 convolution, three dense blocks with transitions between them, one linear layer.

    Two families: the basic DenseNet, whose layers have one 3x3 convolution each and whose transitions keep all channels, and
    DenseNet-BC (`bottleneck`), which reaches the same error with fewer parameters.

        stage                 layers                             output  parameters  multiply-adds
        input                                               3 x 32 x 32
        features.conv0        conv 3x3                     24 x 32 x 32         648        663,552
        features.denseblock1  16 x BottleneckDenseLayer   216 x 32 x 32     175,680    174,587,904
        features.transition1  conv 1x1, avg pool 2x2 / 2  108 x 16 x 16      23,760     23,887,872
        features.denseblock2  16 x BottleneckDenseLayer   300 x 16 x 16     242,880     60,162,048
        features.transition2  conv 1x1, avg pool 2x2 / 2    150 x 8 x 8      45,600     11,520,000
        features.denseblock3  16 x BottleneckDenseLayer     342 x 8 x 8     277,164     17,104,896
        avgpool               avg pool to 1x1               342 x 1 x 1           0              0
        classifier            linear                                 10       3,430          3,420
        total                                                               769,162    287,929,692

    CIFAR-10 error, images shifted and mirrored: 4.51 % with 100 layers and k = 12 (22.27 % on CIFAR-100), 3.62 % with 250 layers
    and k = 24, 3.46 % with 190 layers and k = 40 (17.18 % on CIFAR-100); without bottlenecks 5.24 % with 40 layers and k = 12,
    4.10 % with 100 layers and k = 12 (paper, table 2, and the authors' page).

    Choices where sources differ: without bottlenecks there is no compression either, as in the paper (pytorchcv halves the
    channels there, too). The first convolution has 2k channels with bottlenecks, 16 without. Names of parameters follow
    torchvision's for ImageNet.

    Args:
        depth: number of layers with weights: the first convolution, two transitions, the linear layer, and the dense blocks; 3n + 4
            for blocks of n layers, 6n + 4 with bottlenecks.
        k: the growth rate, the channels that a layer adds.
        bottleneck: a DenseNet-BC.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        dropout: probability, after every convolution but the first; the paper has 0.2 for images that are not shifted and mirrored.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `depth` is not 3n + 4 (6n + 4 with bottlenecks), or another argument is out of range.

    Source:
        Huang, Liu, van der Maaten & Weinberger 2017, "Densely connected convolutional networks", sec. 3 and table 2
        (arXiv:1608.06993).

    Example:
        >>> import minicnn
        >>> DenseNetCIFAR(10, k=4)(minicnn.ones(2, 3, 32, 32)).shape
        (2, 10)
    """

    def __init__(
        self,
        depth: int = 100,
        k: int = 12,
        bottleneck: bool = True,
        num_classes: int = 10,
        in_channels: int = 3,
        *,
        dropout: float = 0.0,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 32, 32)
        bottleneck = flag(bottleneck, "DenseNetCIFAR: bottleneck")
        k = integer(k, "DenseNetCIFAR: k")
        n = blocks_per_stage("DenseNetCIFAR", depth, per_block=6 if bottleneck else 3, rest=4)
        channels = 2 * k if bottleneck else 16
        stem = {"conv0": nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)}
        blocks, channels = dense_blocks(channels, (n, n, n), k, bottleneck=bottleneck, dropout=dropout)
        self.features = nn.Sequential(stem | blocks)
        self.avgpool = nn.GlobalAvgPool2d()
        self.classifier = nn.Linear(channels, num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))
