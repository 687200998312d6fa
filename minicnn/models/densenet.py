"""DenseNet: every layer sees the outputs of all layers before it (Huang et al. 2017). `densenet_cifar.py` has those for CIFAR."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integer, integers
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import concatenate


class DenseLayer(nn.Module):
    """Appends `growth` channels, computed from all channels that have come together so far, to these.

              x ──────────────────────┐   C channels
              │                       │
        BN, ReLU, 3x3 conv, dropout   │   k channels
              │                       │
        concatenate ◄─────────────────┘   C + k channels

    Args:
        in_channels: C.
        growth: k.
        dropout: probability with which an element of what is new is dropped.

    Source:
        Huang et al. 2017, eq. 2; sec. 3, "Composite function".

    Example:
        >>> import minicnn
        >>> DenseLayer(24, growth=12)(minicnn.ones(2, 24, 32, 32)).shape
        (2, 36, 32, 32)
    """

    def __init__(self, in_channels: int, growth: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, growth, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, in_channels + growth, H, W)."""
        new = self.dropout(self.conv1(nn.norm_relu(self.norm1, x)))
        return concatenate([x, new], axis=1)


class BottleneckDenseLayer(nn.Module):
    """A dense layer that first brings the many channels down to 4k, with a 1x1 convolution.

              x ──────────────────────┐   C channels
              │                       │
        BN, ReLU, 1x1 conv, dropout   │   4k channels
        BN, ReLU, 3x3 conv, dropout   │   k channels
              │                       │
        concatenate ◄─────────────────┘   C + k channels

    Args:
        in_channels: C.
        growth: k.
        dropout: probability with which an element of either convolution's output is dropped.

    Source:
        Huang et al. 2017, sec. 3, "Bottleneck layers" (the B in DenseNet-BC).

    Example:
        >>> import minicnn
        >>> BottleneckDenseLayer(64, growth=32)(minicnn.ones(2, 64, 56, 56)).shape
        (2, 96, 56, 56)
    """

    def __init__(self, in_channels: int, growth: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, in_channels + growth, H, W)."""
        new = self.dropout(self.conv1(nn.norm_relu(self.norm1, x)))
        new = self.dropout(self.conv2(nn.norm_relu(self.norm2, new)))
        return concatenate([x, new], axis=1)


def transition(in_channels: int, out_channels: int, dropout: float) -> nn.Sequential:
    """Between dense blocks: BN, ReLU, a 1x1 convolution, dropout, and a pooling that halves the image (sec. 3, "Pooling layers")."""
    return nn.Sequential(
        {
            "norm": nn.BatchNorm2d(in_channels),
            "relu": nn.ReLU(),
            "conv": nn.Conv2d(in_channels, out_channels, 1, bias=False),
            "dropout": nn.Dropout(dropout),
            "pool": nn.AvgPool2d(2),
        }
    )


def dense_blocks(
    channels: int, depths: Sequence[int], growth: int, *, bottleneck: bool = True, dropout: float = 0.0
) -> tuple[dict[str, nn.Module], int]:
    """Dense blocks of `depths` layers, transitions between them, a last BN and ReLU; and the number of channels that come out.

    With `bottleneck`, transitions also halve the number of channels ("compression", the C in DenseNet-BC).
    """
    layer = BottleneckDenseLayer if bottleneck else DenseLayer
    parts: dict[str, nn.Module] = {}
    for b, depth in enumerate(depths, start=1):
        if b > 1:
            fewer = channels // 2 if bottleneck else channels
            parts[f"transition{b - 1}"] = transition(channels, fewer, dropout)
            channels = fewer
        layers = {f"denselayer{i + 1}": layer(channels + i * growth, growth, dropout=dropout) for i in range(depth)}
        parts[f"denseblock{b}"] = nn.Sequential(dict[str, nn.Module](layers))
        channels += depth * growth
    parts |= {f"norm{len(depths) + 1}": nn.BatchNorm2d(channels), f"relu{len(depths) + 1}": nn.ReLU()}
    return parts, channels


class DenseNet(nn.Module):
    """A DenseNet-BC for ImageNet: ResNet's stem, four dense blocks with transitions between them, one linear layer.

    What was new: features are put side by side, where ResNet adds them. Every layer can use what any earlier layer has
    found, so it has to find little itself: k channels, the growth rate. Every layer also has a short way to the loss. As
    accurate as a ResNet with half its parameters or less.

    Choices where sources differ: there is a batch norm and a ReLU after the last block, before the global pooling; poolings round
    down, as in the authors' code (ports to Caffe run the first block on 57x57 pixels); no dropout on ImageNet. Names of
    parameters are torchvision's.

    Args:
        depths: number of layers in each dense block.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        growth: k, the channels that a layer adds; the stem has 2k.
        dropout: probability, after every convolution but the first.
        weights: a file of weights, "imagenet" for torchvision's, or None to start from random ones.

    Raises:
        ArgumentError: `depths` are not four integers above 0, or `growth` is no integer above 0.

    Source:
        Huang, Liu, van der Maaten & Weinberger 2017, "Densely connected convolutional networks", sec. 3 and table 1
        (arXiv:1608.06993).

    Example:
        >>> import minicnn
        >>> net = DenseNet((2, 2, 2, 2), num_classes=10, growth=4)
        >>> net(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(
        self,
        depths: Sequence[int],
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        growth: int = 32,
        dropout: float = 0.0,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        depths, growth = integers(depths, "DenseNet: depths", 4), integer(growth, "DenseNet: growth")
        stem = {
            "conv0": nn.Conv2d(in_channels, 2 * growth, 7, stride=2, padding=3, bias=False),
            "norm0": nn.BatchNorm2d(2 * growth),
            "relu0": nn.ReLU(),
            "pool0": nn.MaxPool2d(3, stride=2, padding=1),
        }
        blocks, channels = dense_blocks(2 * growth, depths, growth, dropout=dropout)
        self.features = nn.Sequential(stem | blocks)
        self.avgpool = nn.GlobalAvgPool2d()
        self.classifier = nn.Linear(channels, num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@register_model
def DenseNet121(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (6, 12, 24, 16), growth: int = 32, dropout: float = 0.0, weights: Weights = None
) -> DenseNet:
    """DenseNet-BC of 121 layers, with a growth rate of 32. See `DenseNet`.

        stage                 layers                              output  parameters  multiply-adds
        input                                              3 x 224 x 224
        features.conv0        conv 7x7 / 2                64 x 112 x 112       9,536    118,013,952
        features.pool0        max pool 3x3 / 2              64 x 56 x 56           0              0
        features.denseblock1  6 x BottleneckDenseLayer     256 x 56 x 56     335,040  1,040,449,536
        features.transition1  conv 1x1, avg pool 2x2 / 2   128 x 28 x 28      33,280    102,760,448
        features.denseblock2  12 x BottleneckDenseLayer    512 x 28 x 28     919,680    712,900,608
        features.transition2  conv 1x1, avg pool 2x2 / 2   256 x 14 x 14     132,096    102,760,448
        features.denseblock3  24 x BottleneckDenseLayer   1024 x 14 x 14   2,837,760    549,126,144
        features.transition3  conv 1x1, avg pool 2x2 / 2     512 x 7 x 7     526,336    102,760,448
        features.denseblock4  16 x BottleneckDenseLayer     1024 x 7 x 7   2,160,128    104,366,080
        avgpool               avg pool to 1x1               1024 x 1 x 1           0              0
        classifier            linear                                1000   1,025,000      1,024,000
        total                                                              7,978,856  2,834,161,664

    ImageNet error (top-1 / top-5), one crop: 25.0 / 7.7 % (paper, table 3).
    """
    return DenseNet(depths, num_classes, in_channels, growth=growth, dropout=dropout, weights=weights)


@register_model
def DenseNet169(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (6, 12, 32, 32), growth: int = 32, dropout: float = 0.0, weights: Weights = None
) -> DenseNet:
    """DenseNet-BC of 169 layers, with a growth rate of 32. See `DenseNet`.

        stage                 layers                              output  parameters  multiply-adds
        input                                              3 x 224 x 224
        features.conv0        conv 7x7 / 2                64 x 112 x 112       9,536    118,013,952
        features.pool0        max pool 3x3 / 2              64 x 56 x 56           0              0
        features.denseblock1  6 x BottleneckDenseLayer     256 x 56 x 56     335,040  1,040,449,536
        features.transition1  conv 1x1, avg pool 2x2 / 2   128 x 28 x 28      33,280    102,760,448
        features.denseblock2  12 x BottleneckDenseLayer    512 x 28 x 28     919,680    712,900,608
        features.transition2  conv 1x1, avg pool 2x2 / 2   256 x 14 x 14     132,096    102,760,448
        features.denseblock3  32 x BottleneckDenseLayer   1280 x 14 x 14   4,316,160    834,928,640
        features.transition3  conv 1x1, avg pool 2x2 / 2     640 x 7 x 7     821,760    160,563,200
        features.denseblock4  32 x BottleneckDenseLayer     1664 x 7 x 7   5,916,928    285,802,496
        avgpool               avg pool to 1x1               1664 x 1 x 1           0              0
        classifier            linear                                1000   1,665,000      1,664,000
        total                                                             14,149,480  3,359,843,328

    ImageNet error (top-1 / top-5), one crop: 23.8 / 6.9 % (paper, table 3).
    """
    return DenseNet(depths, num_classes, in_channels, growth=growth, dropout=dropout, weights=weights)


@register_model
def DenseNet201(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (6, 12, 48, 32), growth: int = 32, dropout: float = 0.0, weights: Weights = None
) -> DenseNet:
    """DenseNet-BC of 201 layers, with a growth rate of 32. See `DenseNet`.

        stage                 layers                              output  parameters  multiply-adds
        input                                              3 x 224 x 224
        features.conv0        conv 7x7 / 2                64 x 112 x 112       9,536    118,013,952
        features.pool0        max pool 3x3 / 2              64 x 56 x 56           0              0
        features.denseblock1  6 x BottleneckDenseLayer     256 x 56 x 56     335,040  1,040,449,536
        features.transition1  conv 1x1, avg pool 2x2 / 2   128 x 28 x 28      33,280    102,760,448
        features.denseblock2  12 x BottleneckDenseLayer    512 x 28 x 28     919,680    712,900,608
        features.transition2  conv 1x1, avg pool 2x2 / 2   256 x 14 x 14     132,096    102,760,448
        features.denseblock3  48 x BottleneckDenseLayer   1792 x 14 x 14   8,071,680  1,560,674,304
        features.transition3  conv 1x1, avg pool 2x2 / 2     896 x 7 x 7   1,609,216    314,703,872
        features.denseblock4  32 x BottleneckDenseLayer     1920 x 7 x 7   6,982,400    337,182,720
        avgpool               avg pool to 1x1               1920 x 1 x 1           0              0
        classifier            linear                                1000   1,921,000      1,920,000
        total                                                             20,013,928  4,291,365,888

    ImageNet error (top-1 / top-5), one crop: 22.6 / 6.3 % (paper, table 3).
    """
    return DenseNet(depths, num_classes, in_channels, growth=growth, dropout=dropout, weights=weights)


@register_model
def DenseNet161(
    num_classes: int = 1000, in_channels: int = 3, *, depths: Sequence[int] = (6, 12, 36, 24), growth: int = 48, dropout: float = 0.0, weights: Weights = None
) -> DenseNet:
    """DenseNet-BC of 161 layers, with a growth rate of 48. See `DenseNet`.

        stage                 layers                              output  parameters  multiply-adds
        input                                              3 x 224 x 224
        features.conv0        conv 7x7 / 2                96 x 112 x 112      14,304    177,020,928
        features.pool0        max pool 3x3 / 2              96 x 56 x 56           0              0
        features.denseblock1  6 x BottleneckDenseLayer     384 x 56 x 56     751,392  2,341,011,456
        features.transition1  conv 1x1, avg pool 2x2 / 2   192 x 28 x 28      74,496    231,211,008
        features.denseblock2  12 x BottleneckDenseLayer    768 x 28 x 28   2,061,504  1,604,026,368
        features.transition2  conv 1x1, avg pool 2x2 / 2   384 x 14 x 14     296,448    231,211,008
        features.denseblock3  36 x BottleneckDenseLayer   2112 x 14 x 14  11,548,224  2,243,469,312
        features.transition3  conv 1x1, avg pool 2x2 / 2    1056 x 7 x 7   2,234,496    437,133,312
        features.denseblock4  24 x BottleneckDenseLayer     2208 x 7 x 7   9,491,136    460,615,680
        avgpool               avg pool to 1x1               2208 x 1 x 1           0              0
        classifier            linear                                1000   2,209,000      2,208,000
        total                                                             28,681,000  7,727,907,072

    ImageNet error (top-1 / top-5), one crop: 22.3 / 6.2 % (paper, table 3).
    """
    return DenseNet(depths, num_classes, in_channels, growth=growth, dropout=dropout, weights=weights)
