"""Inception-ResNet-v2: Inception modules that learn what to add to their input (Szegedy et al. 2016), as released."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integers
from minicnn.errors import ArgumentError
from minicnn.models.inception_module import Branches, ConvBN, conv_bn, scaled
from minicnn.models.inception_v4 import ReductionA, avg_pool
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import concatenate, relu


class ScaledResidual(nn.Module):
    """What the three kinds of blocks share: H(x) = ReLU(x + scale F(x)), where F is an Inception module without pooling.

              x ─────────────────────────────────┐
              │                                  │
        branches, joined along the channels      │
        1x1 conv, to the channels of x           │
              │                                  │
           · scale                               │
              │                                  │
              + ◄────────────────────────────────┘
            ReLU

    The last convolution has a bias, and no batch norm. Without the scale, networks with more than 1000 filters died early in
    training: the last layer before the pooling began to give nothing but zeros.

    Args:
        branches: the branches, which become `branch0`, `branch1`, ...
        joined: channels that come out of all branches together.
        channels: of the input and of the output.
        scale: what F(x) is multiplied by; from 0.1 to 0.3 in the paper.
        width: the numbers of channels are multiplied by it.
        activate: with the ReLU at the end.

    Source:
        Szegedy et al. 2016, sec. 3.3 and fig. 20.
    """

    def __init__(
        self, branches: Sequence[nn.Module], joined: int, channels: int, scale: float, width: float, activate: bool = True
    ) -> None:
        super().__init__()
        for i, branch in enumerate(branches):
            setattr(self, f"branch{i}", branch)
        self.conv2d = nn.Conv2d(scaled(joined, width), scaled(channels, width), 1)
        self.scale, self.activate = scale, activate

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to the same."""
        *branches, conv = self.children()
        y = x + self.scale * conv(concatenate([branch(x) for branch in branches], axis=1))
        return relu(y) if self.activate else y


class Block35(ScaledResidual):
    """The block on 35x35 pixels.

        1x1 (32)  |  1x1 (32), 3x3 (32)  |  1x1 (32), 3x3 (48), 3x3 (64)          ─► 128 channels, 1x1

    Source:
        Szegedy et al. 2016, fig. 16.

    Example:
        >>> import minicnn
        >>> Block35(320)(minicnn.ones(2, 320, 7, 7)).shape
        (2, 320, 7, 7)
    """

    def __init__(self, channels: int, width: float = 1.0) -> None:
        conv = conv_bn(width)
        branches = [
            conv(channels, 32, 1),
            nn.Sequential(conv(channels, 32, 1), conv(32, 32, 3)),
            nn.Sequential(conv(channels, 32, 1), conv(32, 48, 3), conv(48, 64, 3)),
        ]
        super().__init__(branches, 128, channels, 0.17, width)


class Block17(ScaledResidual):
    """The block on 17x17 pixels.

        1x1 (192)  |  1x1 (128), 1x7 (160), 7x1 (192)          ─► 384 channels, 1x1

    Source:
        Szegedy et al. 2016, fig. 17.

    Example:
        >>> import minicnn
        >>> Block17(1088, width=1 / 16)(minicnn.ones(2, 68, 7, 7)).shape
        (2, 68, 7, 7)
    """

    def __init__(self, channels: int, width: float = 1.0) -> None:
        conv = conv_bn(width)
        branches = [
            conv(channels, 192, 1),
            nn.Sequential(conv(channels, 128, 1), conv(128, 160, (1, 7)), conv(160, 192, (7, 1))),
        ]
        super().__init__(branches, 384, channels, 0.10, width)


class Block8(ScaledResidual):
    """The block on 8x8 pixels.

        1x1 (192)  |  1x1 (192), 1x3 (224), 3x1 (256)          ─► 448 channels, 1x1

    Source:
        Szegedy et al. 2016, fig. 19.

    Example:
        >>> import minicnn
        >>> Block8(2080, width=1 / 16)(minicnn.ones(2, 130, 8, 8)).shape
        (2, 130, 8, 8)
    """

    def __init__(self, channels: int, width: float = 1.0, *, scale: float = 0.20, activate: bool = True) -> None:
        conv = conv_bn(width)
        branches = [
            conv(channels, 192, 1),
            nn.Sequential(conv(channels, 192, 1), conv(192, 224, (1, 3)), conv(224, 256, (3, 1))),
        ]
        super().__init__(branches, 448, channels, scale, width, activate)


class Mixed5b(Branches):
    """The Inception module that ends the stem of the released network: (N, 192, H, W) to (N, 320, H, W).

        1x1  |  1x1, 5x5  |  1x1, 3x3, 3x3  |  3x3 average pool, 1x1          ─► channels

    Source:
        The released network; the paper's figures do not show it.

    Example:
        >>> import minicnn
        >>> Mixed5b(width=1 / 16)(minicnn.ones(2, 12, 7, 7)).shape
        (2, 20, 7, 7)
    """

    def __init__(self, width: float = 1.0) -> None:
        conv = conv_bn(width)
        super().__init__(
            branch0=conv(192, 96, 1),
            branch1=nn.Sequential(conv(192, 48, 1), conv(48, 64, 5)),
            branch2=nn.Sequential(conv(192, 64, 1), conv(64, 96, 3), conv(96, 96, 3)),
            branch3=nn.Sequential(avg_pool(), conv(192, 64, 1)),
        )


class ReductionB(Branches):
    """From 17x17 to 8x8 pixels: (N, in_channels, H, W) to (N, 992 + in_channels, (H - 3) / 2 + 1, (W - 3) / 2 + 1).

        1x1, 3x3 / 2  |  1x1, 3x3 / 2  |  1x1, 3x3, 3x3 / 2  |  3x3 max pool / 2          ─► channels

    Source:
        Szegedy et al. 2016, fig. 18.

    Example:
        >>> import minicnn
        >>> ReductionB(1088, width=1 / 16)(minicnn.ones(2, 68, 17, 17)).shape
        (2, 130, 8, 8)
    """

    def __init__(self, in_channels: int, width: float = 1.0) -> None:
        conv = conv_bn(width)
        super().__init__(
            branch0=nn.Sequential(conv(in_channels, 256, 1), conv(256, 384, 3, stride=2, padding=0)),
            branch1=nn.Sequential(conv(in_channels, 256, 1), conv(256, 288, 3, stride=2, padding=0)),
            branch2=nn.Sequential(conv(in_channels, 256, 1), conv(256, 288, 3), conv(288, 320, 3, stride=2, padding=0)),
            branch3=nn.MaxPool2d(3, stride=2),
        )


@register_model
class InceptionResNetV2(nn.Module):
    """Inception-ResNet-v2 as it was released: the network whose weights are in use.

    What was new: Inception modules in residual blocks. They train much faster than Inception-v4, and end about as good; the
    residuals have to be scaled down.

        stage       layers                    output  parameters   multiply-adds
        input                          3 x 299 x 299
        conv2d_1a   conv 3x3 / 2      32 x 149 x 149         928      19,181,664
        conv2d_2a   conv 3x3          32 x 147 x 147       9,280     199,148,544
        conv2d_2b   conv 3x3          64 x 147 x 147      18,560     398,297,088
        maxpool_3a  max pool 3x3 / 2    64 x 73 x 73           0               0
        conv2d_3b   conv 1x1            80 x 73 x 73       5,280      27,284,480
        conv2d_4a   conv 3x3           192 x 71 x 71     138,624     696,867,840
        maxpool_5a  max pool 3x3 / 2   192 x 35 x 35           0               0
        mixed_5b    Mixed5b            320 x 35 x 35     268,320     327,398,400
        repeat      10 x Block35       320 x 35 x 35   1,231,680   1,499,008,000
        mixed_6a    ReductionA        1088 x 17 x 17   2,664,960   1,398,185,984
        repeat_1    20 x Block17      1088 x 17 x 17  22,535,680   6,498,754,560
        mixed_7a    ReductionB          2080 x 8 x 8   3,880,960     585,424,896
        repeat_2    9 x Block8          2080 x 8 x 8  18,318,816   1,170,210,816
        block8      Block8              2080 x 8 x 8   2,035,424     130,023,424
        conv2d_7b   conv 1x1            1536 x 8 x 8   3,197,952     204,472,320
        avgpool     avg pool to 1x1     1536 x 1 x 1           0               0
        classif     linear                      1000   1,537,000       1,536,000
        total                                         55,843,464  13,155,794,016

    ImageNet error (top-1 / top-5), one crop: 19.9 / 4.9 % (paper, table 2); 19.57 / 4.69 % (the released weights, measured by
    timm).

    Choices where sources differ: the network of TF-slim, which is not that of the paper's figures (`InceptionResNetV2Paper`): a
    stem as in Inception-v3, 10 + 20 + 10 blocks of 320, 1088 and 2080 channels, and a last convolution to 1536. The
    residuals are scaled by 0.17, 0.10 and 0.20, those of the last block by 1, and there is no ReLU after it. Average
    poolings do not count the padding; batch norm has eps 1e-3 and momentum 0.1 (TF-slim's decay of 0.9997 would be 0.0003);
    dropout is 0.2. Names of parameters are timm's. There is no auxiliary classifier.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        blocks: how many blocks on 35x35, 17x17 and 8x8 pixels; the last of them is `block8`.
        width: the numbers of channels are multiplied by it; a multiple of 1/16.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: the width is no multiple of 1/16, or `blocks` are not three numbers, the last 1 or more.

    Source:
        Szegedy, Ioffe, Vanhoucke & Alemi 2016, "Inception-v4, Inception-ResNet and the impact of residual connections on
        learning", sec. 3 (arXiv:1602.07261).

    Example:
        >>> import minicnn
        >>> net = InceptionResNetV2(num_classes=10, blocks=(1, 1, 2), width=1 / 16)
        >>> net(minicnn.ones(2, 3, 107, 107)).shape
        (2, 10)
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        blocks: Sequence[int] = (10, 20, 10),
        width: float = 1.0,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 299, 299)
        a, b, c = integers(blocks, "InceptionResNetV2: blocks", 3, least=0)
        if c < 1:
            raise ArgumentError(f"InceptionResNetV2: the last of blocks must be 1 or more, for block8 is one of them, not {blocks!r}")
        conv = conv_bn(width)
        self.conv2d_1a = ConvBN(in_channels, scaled(32, width), 3, stride=2, padding=0)
        self.conv2d_2a = conv(32, 32, 3, padding=0)
        self.conv2d_2b = conv(32, 64, 3)
        self.maxpool_3a = nn.MaxPool2d(3, stride=2)
        self.conv2d_3b = conv(64, 80, 1)
        self.conv2d_4a = conv(80, 192, 3, padding=0)
        self.maxpool_5a = nn.MaxPool2d(3, stride=2)
        self.mixed_5b = Mixed5b(width)
        self.repeat = nn.Sequential(*(Block35(320, width) for _ in range(a)))
        self.mixed_6a = ReductionA(320, 256, 256, 384, 384, width)
        self.repeat_1 = nn.Sequential(*(Block17(1088, width) for _ in range(b)))
        self.mixed_7a = ReductionB(1088, width)
        self.repeat_2 = nn.Sequential(*(Block8(2080, width) for _ in range(c - 1)))
        self.block8 = Block8(2080, width, scale=1.0, activate=False)
        self.conv2d_7b = conv(2080, 1536, 1)
        self.avgpool = nn.GlobalAvgPool2d()
        self.dropout = nn.Dropout(0.2)
        self.classif = nn.Linear(scaled(1536, width), num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.maxpool_3a(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x))))
        x = self.maxpool_5a(self.conv2d_4a(self.conv2d_3b(x)))
        x = self.mixed_6a(self.repeat(self.mixed_5b(x)))
        x = self.mixed_7a(self.repeat_1(x))
        x = self.conv2d_7b(self.block8(self.repeat_2(x)))
        return self.classif(self.dropout(self.avgpool(x).flatten(1)))
