"""Inception-ResNet-v2 as the figures of its paper show it (Szegedy et al. 2016). `inception_resnet_v2.py` has the one in use."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integers
from minicnn.models.inception_module import scaled
from minicnn.models.inception_resnet_v2 import Block8, Block17, Block35, ReductionB
from minicnn.models.inception_v4 import ReductionA, make_stem
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model


@register_model
class InceptionResNetV2Paper(nn.Module):
    """Inception-ResNet-v2 as in the paper's figures. See `InceptionResNetV2`.

    The stem is that of Inception-v4, there are 5 + 10 + 5 blocks, and no convolution after the last.

        stage        layers                                                               output  parameters  multiply-adds
        input                                                                      3 x 299 x 299
        stem         conv 3x3 / 2, conv 3x3, conv 3x3, Mixed3a, Mixed4a, Mixed5a   384 x 35 x 35     605,728  2,289,943,648
        blocks_35    5 x Block35                                                   384 x 35 x 35     687,840    837,312,000
        reduction_a  ReductionA                                                   1152 x 17 x 17   2,902,528  1,482,178,560
        blocks_17    10 x Block17                                                 1152 x 17 x 17  11,719,040  3,379,589,120
        reduction_b  ReductionB                                                     2144 x 8 x 8   3,930,112    599,629,824
        blocks_8     5 x Block8                                                     2144 x 8 x 8  10,443,680    667,156,480
        avgpool      avg pool to 1x1                                                2144 x 1 x 1           0              0
        fc           linear                                                                 1000   2,145,000      2,144,000
        total                                                                                     32,433,928  9,257,953,632

    ImageNet error (top-1 / top-5): 19.9 / 4.9 % (paper, table 2, for Inception-ResNet-v2). All weights that were published are
    those of `InceptionResNetV2`.

    Choices where sources differ: the blocks have the 384, 1152 and 2144 channels that come out of the layers before them;
    where the figures print 1154 and 2048, the addition would not be possible. The figures give no scale, so that it is
    0.17, 0.10 and 0.20, as in TF-slim; all blocks end with a ReLU. Batch norm and dropout are as in `InceptionResNetV2`.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        blocks: how many blocks on 35x35, 17x17 and 8x8 pixels.
        width: the numbers of channels are multiplied by it; a multiple of 1/16.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: the width is no multiple of 1/16.

    Source:
        Szegedy, Ioffe, Vanhoucke & Alemi 2016, "Inception-v4, Inception-ResNet and the impact of residual connections on
        learning", sec. 3, fig. 3, 7 and 15 to 19 (arXiv:1602.07261).

    Example:
        >>> import minicnn
        >>> net = InceptionResNetV2Paper(num_classes=10, blocks=(1, 1, 1), width=1 / 16)
        >>> net(minicnn.ones(2, 3, 107, 107)).shape
        (2, 10)
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        blocks: Sequence[int] = (5, 10, 5),
        width: float = 1.0,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 299, 299)
        a, b, c = integers(blocks, "InceptionResNetV2Paper: blocks", 3, least=0)
        self.stem = nn.Sequential(*make_stem(in_channels, width))
        self.blocks_35 = nn.Sequential(*(Block35(384, width) for _ in range(a)))
        self.reduction_a = ReductionA(384, 256, 256, 384, 384, width)
        self.blocks_17 = nn.Sequential(*(Block17(1152, width) for _ in range(b)))
        self.reduction_b = ReductionB(1152, width)
        self.blocks_8 = nn.Sequential(*(Block8(2144, width) for _ in range(c)))
        self.avgpool = nn.GlobalAvgPool2d()
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(scaled(2144, width), num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.reduction_a(self.blocks_35(self.stem(x)))
        x = self.blocks_8(self.reduction_b(self.blocks_17(x)))
        return self.fc(self.dropout(self.avgpool(x).flatten(1)))
