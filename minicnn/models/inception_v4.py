"""Inception-v4: a deeper and more uniform Inception network (Szegedy et al. 2016). `inception_resnet_v2.py` has its residual sisters."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integers
from minicnn.models.inception_module import Branches, ConvBN, conv_bn, scaled
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import concatenate


class Mixed3a(Branches):
    """Part of the stem: from 147x147 to 73x73 pixels, by a pooling and a convolution side by side; 64 to 160 channels."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__(maxpool=nn.MaxPool2d(3, stride=2), conv=conv_bn(width)(64, 96, 3, stride=2, padding=0))


class Mixed4a(Branches):
    """Part of the stem: from 73x73 to 71x71 pixels, by a short branch and one with flat windows; 160 to 192 channels."""

    def __init__(self, width: float = 1.0) -> None:
        conv = conv_bn(width)
        super().__init__(
            branch0=nn.Sequential(conv(160, 64, 1), conv(64, 96, 3, padding=0)),
            branch1=nn.Sequential(conv(160, 64, 1), conv(64, 64, (1, 7)), conv(64, 64, (7, 1)), conv(64, 96, 3, padding=0)),
        )


class Mixed5a(Branches):
    """Part of the stem: from 71x71 to 35x35 pixels, by a convolution and a pooling side by side; 192 to 384 channels."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__(conv=conv_bn(width)(192, 192, 3, stride=2, padding=0), maxpool=nn.MaxPool2d(3, stride=2))


def make_stem(in_channels: int, width: float = 1.0) -> list[nn.Module]:
    """The layers from the image, (N, in_channels, 299, 299), to (N, 384, 35, 35).

    Source:
        Szegedy et al. 2016, fig. 3.

    Example:
        >>> import minicnn
        >>> nn.Sequential(*make_stem(3, width=1 / 16))(minicnn.ones(2, 3, 75, 75)).shape
        (2, 24, 7, 7)
    """
    conv = conv_bn(width)
    first = ConvBN(in_channels, scaled(32, width), 3, stride=2, padding=0)
    return [first, conv(32, 32, 3, padding=0), conv(32, 64, 3), Mixed3a(width), Mixed4a(width), Mixed5a(width)]


def avg_pool() -> nn.AvgPool2d:
    """The pooling of a module. Padding is not counted, as in TensorFlow."""
    return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


class InceptionA(Branches):
    """The module on 35x35 pixels, (N, 384, H, W) to the same.

        1x1  |  1x1, 3x3  |  1x1, 3x3, 3x3  |  3x3 average pool, 1x1          ─► channels

    Source:
        Szegedy et al. 2016, fig. 4.

    Example:
        >>> import minicnn
        >>> InceptionA(width=1 / 16)(minicnn.ones(2, 24, 7, 7)).shape
        (2, 24, 7, 7)
    """

    def __init__(self, width: float = 1.0) -> None:
        conv = conv_bn(width)
        super().__init__(
            branch0=conv(384, 96, 1),
            branch1=nn.Sequential(conv(384, 64, 1), conv(64, 96, 3)),
            branch2=nn.Sequential(conv(384, 64, 1), conv(64, 96, 3), conv(96, 96, 3)),
            branch3=nn.Sequential(avg_pool(), conv(384, 96, 1)),
        )


class ReductionA(Branches):
    """From 35x35 to 17x17 pixels, in all networks of the paper: (N, in_channels, H, W) to (N, n + m + in_channels, ., .).

        3x3 / 2 (n)  |  1x1 (k), 3x3 (l), 3x3 / 2 (m)  |  3x3 max pool / 2          ─► channels

    Args:
        in_channels: of the input.
        k, l, m, n: filters, by the letters of the paper's table 1.
        width: the numbers of channels are multiplied by it.

    Source:
        Szegedy et al. 2016, fig. 7 and table 1.

    Example:
        >>> import minicnn
        >>> ReductionA(384, k=192, l=224, m=256, n=384)(minicnn.ones(2, 384, 35, 35)).shape
        (2, 1024, 17, 17)
    """

    def __init__(self, in_channels: int, k: int, l: int, m: int, n: int, width: float = 1.0) -> None:
        conv = conv_bn(width)
        super().__init__(
            branch0=conv(in_channels, n, 3, stride=2, padding=0),
            branch1=nn.Sequential(conv(in_channels, k, 1), conv(k, l, 3), conv(l, m, 3, stride=2, padding=0)),
            branch2=nn.MaxPool2d(3, stride=2),
        )


class InceptionB(Branches):
    """The module on 17x17 pixels, (N, 1024, H, W) to the same.

        1x1  |  1x1, 1x7, 7x1  |  1x1, 7x1, 1x7, 7x1, 1x7  |  3x3 average pool, 1x1          ─► channels

    Source:
        Szegedy et al. 2016, fig. 5.

    Example:
        >>> import minicnn
        >>> InceptionB(width=1 / 16)(minicnn.ones(2, 64, 7, 7)).shape
        (2, 64, 7, 7)
    """

    def __init__(self, width: float = 1.0) -> None:
        conv = conv_bn(width)
        super().__init__(
            branch0=conv(1024, 384, 1),
            branch1=nn.Sequential(conv(1024, 192, 1), conv(192, 224, (1, 7)), conv(224, 256, (7, 1))),
            branch2=nn.Sequential(
                conv(1024, 192, 1), conv(192, 192, (7, 1)), conv(192, 224, (1, 7)), conv(224, 224, (7, 1)), conv(224, 256, (1, 7))
            ),
            branch3=nn.Sequential(avg_pool(), conv(1024, 128, 1)),
        )


class ReductionB(Branches):
    """From 17x17 to 8x8 pixels, (N, 1024, H, W) to (N, 1536, (H - 3) / 2 + 1, (W - 3) / 2 + 1).

        1x1, 3x3 / 2  |  1x1, 1x7, 7x1, 3x3 / 2  |  3x3 max pool / 2          ─► channels

    Source:
        Szegedy et al. 2016, fig. 8.

    Example:
        >>> import minicnn
        >>> ReductionB(width=1 / 16)(minicnn.ones(2, 64, 17, 17)).shape
        (2, 96, 8, 8)
    """

    def __init__(self, width: float = 1.0) -> None:
        conv = conv_bn(width)
        super().__init__(
            branch0=nn.Sequential(conv(1024, 192, 1), conv(192, 192, 3, stride=2, padding=0)),
            branch1=nn.Sequential(
                conv(1024, 256, 1), conv(256, 256, (1, 7)), conv(256, 320, (7, 1)), conv(320, 320, 3, stride=2, padding=0)
            ),
            branch2=nn.MaxPool2d(3, stride=2),
        )


class InceptionC(nn.Module):
    """The module on 8x8 pixels, (N, 1536, H, W) to the same: two branches end in two flat windows side by side.

        1x1  |  1x1, then 1x3 | 3x1  |  1x1, 3x1, 1x3, then 1x3 | 3x1  |  3x3 average pool, 1x1          ─► channels

    Args:
        width: the numbers of channels are multiplied by it.

    Source:
        Szegedy et al. 2016, fig. 6.

    Example:
        >>> import minicnn
        >>> InceptionC(width=1 / 16)(minicnn.ones(2, 96, 8, 8)).shape
        (2, 96, 8, 8)
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        conv = conv_bn(width)
        self.branch0 = conv(1536, 256, 1)
        self.branch1_0 = conv(1536, 384, 1)
        self.branch1_1a = conv(384, 256, (1, 3))
        self.branch1_1b = conv(384, 256, (3, 1))
        self.branch2_0 = conv(1536, 384, 1)
        self.branch2_1 = conv(384, 448, (3, 1))
        self.branch2_2 = conv(448, 512, (1, 3))
        self.branch2_3a = conv(512, 256, (1, 3))
        self.branch2_3b = conv(512, 256, (3, 1))
        self.branch3 = nn.Sequential(avg_pool(), conv(1536, 256, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1536, H, W) to the same."""
        y, z = self.branch1_0(x), self.branch2_2(self.branch2_1(self.branch2_0(x)))
        flat = [self.branch1_1a(y), self.branch1_1b(y), self.branch2_3a(z), self.branch2_3b(z)]
        return concatenate([self.branch0(x), *flat, self.branch3(x)], axis=1)


@register_model
class InceptionV4(nn.Module):
    """Inception-v4: the modules of Inception-v3, more of them, and of each kind all alike.

    What was new: a uniform network. Earlier ones were cut to be trained in pieces on several machines, and every module had
    its own numbers of channels.

        stage        layers                   output  parameters   multiply-adds
        input                          3 x 299 x 299
        features.0   conv 3x3 / 2     32 x 149 x 149         928      19,181,664
        features.1   conv 3x3         32 x 147 x 147       9,280     199,148,544
        features.2   conv 3x3         64 x 147 x 147      18,560     398,297,088
        features.3   Mixed3a           160 x 73 x 73      55,488     294,672,384
        features.4   Mixed4a           192 x 71 x 71     189,312     972,218,368
        features.5   Mixed5a           384 x 35 x 35     332,160     406,425,600
        features.6   InceptionA        384 x 35 x 35     317,632     387,609,600
        features.7   InceptionA        384 x 35 x 35     317,632     387,609,600
        features.8   InceptionA        384 x 35 x 35     317,632     387,609,600
        features.9   InceptionA        384 x 35 x 35     317,632     387,609,600
        features.10  ReductionA       1024 x 17 x 17   2,306,112   1,097,164,800
        features.11  InceptionB       1024 x 17 x 17   2,936,256     847,264,768
        features.12  InceptionB       1024 x 17 x 17   2,936,256     847,264,768
        features.13  InceptionB       1024 x 17 x 17   2,936,256     847,264,768
        features.14  InceptionB       1024 x 17 x 17   2,936,256     847,264,768
        features.15  InceptionB       1024 x 17 x 17   2,936,256     847,264,768
        features.16  InceptionB       1024 x 17 x 17   2,936,256     847,264,768
        features.17  InceptionB       1024 x 17 x 17   2,936,256     847,264,768
        features.18  ReductionB         1536 x 8 x 8   2,747,392     511,098,880
        features.19  InceptionC         1536 x 8 x 8   4,553,088     290,979,840
        features.20  InceptionC         1536 x 8 x 8   4,553,088     290,979,840
        features.21  InceptionC         1536 x 8 x 8   4,553,088     290,979,840
        avgpool      avg pool to 1x1    1536 x 1 x 1           0               0
        last_linear  linear                     1000   1,537,000       1,536,000
        total                                         42,679,816  12,253,974,624

    ImageNet error (top-1 / top-5), one crop: 20.0 / 5.0 % (paper, table 2); 19.86 / 5.02 % (the released weights, measured by
    timm).

    Choices where sources differ: all as in timm, including the names of parameters. Convolutions of the stem and of the
    reductions have no padding where the paper's figures say "V", so that images of 299 pixels become 149, 147, 73, 71, 35, 17
    and 8; average poolings do not count the padding; batch norm has eps 1e-3 and momentum 0.1 (TF-slim's decay of 0.9997
    would be 0.0003); dropout is 0.2, as in the paper. There is no auxiliary classifier.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        blocks: how many modules of the kinds A, B and C.
        width: the numbers of channels are multiplied by it; a multiple of 1/16.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: the width is no multiple of 1/16.

    Source:
        Szegedy, Ioffe, Vanhoucke & Alemi 2016, "Inception-v4, Inception-ResNet and the impact of residual connections on
        learning", sec. 3 (arXiv:1602.07261).

    Example:
        >>> import minicnn
        >>> net = InceptionV4(num_classes=10, blocks=(1, 1, 1), width=1 / 16)
        >>> net(minicnn.ones(2, 3, 107, 107)).shape
        (2, 10)
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        blocks: Sequence[int] = (4, 7, 3),
        width: float = 1.0,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 299, 299)
        a, b, c = integers(blocks, "InceptionV4: blocks", 3, least=0)
        self.features = nn.Sequential(
            *make_stem(in_channels, width),
            *(InceptionA(width) for _ in range(a)),
            ReductionA(384, 192, 224, 256, 384, width),
            *(InceptionB(width) for _ in range(b)),
            ReductionB(width),
            *(InceptionC(width) for _ in range(c)),
        )
        self.avgpool = nn.GlobalAvgPool2d()
        self.dropout = nn.Dropout(0.2)
        self.last_linear = nn.Linear(scaled(1536, width), num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        return self.last_linear(self.dropout(self.avgpool(self.features(x)).flatten(1)))
