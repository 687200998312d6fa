"""EfficientNet-Lite: EfficientNet without what small devices cannot compute well (Google 2020). Its block is in `mbconv.py`."""

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import fraction, integer
from minicnn.models.compound_scaling import B0, STEM, scaled_stages
from minicnn.models.mbconv import MBConvLite, conv_same, tensorflow_norm
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import relu6

HEAD = 1280  # channels before the linear layer


class EfficientNetLite(nn.Module):
    """EfficientNet for phones: no squeeze-excitation, ReLU6, and a stem and a head that do not grow with the network.

    `compound_scaling` widens and repeats the stages between; the stem keeps 32 channels, the head 1280, and the first and the last
    stage one block each.

    It is TensorFlow's network, with its weights in mind: SAME padding, which at stride 2 puts the odd pixel below and to the right, and
    batch norm with eps 1e-3. With another padding, eps or order of colours a cat may still be called a cat, but the scores differ.
    Names of parameters are those of the package efficientnet_lite_pytorch. The weights of Lite0, Lite1 and Lite2 can be installed; they
    expect the middle of an RGB image, S / (S + 32) of its shorter side, resized to S x S (bicubic), as (x - 127) / 128 of values 0 to 255.

    Multiply-adds are those of convolutions and the linear layer. The README says about 5 % more: 407, 631, 899, 1440 and
    2640 millions.

    Args:
        depth, width: number of blocks in a stage and of channels, as multiples of EfficientNet-B0's.
        resolution: height and width of the images for which it is made. It takes others, too.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        dropout: probability, before the linear layer.
        stochastic_depth: in training a sample skips blocks by chance; from block to block of all N, the probability grows from 0 in
            steps of stochastic_depth / N. It acts only where there is a sum.
        weights: a file of weights, "imagenet" for those of the extra `weights`, or None to start from random ones.

    Raises:
        ArgumentError: `resolution` is no integer above 0, or `stochastic_depth` is not from 0 to 1.

    Source:
        efficientnet/lite in the repository tensorflow/tpu, README.md and efficientnet_lite_builder.py; there is no paper.

    Example:
        >>> import minicnn
        >>> net = EfficientNetLite(depth=0.5, width=0.25, num_classes=10)
        >>> net(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(
        self, depth: float = 1.0, width: float = 1.0, resolution: int = 224, num_classes: int = 1000, in_channels: int = 3, *,
        dropout: float = 0.2, stochastic_depth: float = 0.2, weights: Weights = None,
    ) -> None:  # fmt: skip
        super().__init__()
        resolution = integer(resolution, "EfficientNetLite: resolution")
        stochastic_depth = fraction(stochastic_depth, "EfficientNetLite: stochastic_depth", include_one=True)
        self.input_shape = (in_channels, resolution, resolution)
        plan = scaled_stages(depth, width)
        for end in (0, -1):
            plan[end] = plan[end]._replace(blocks=B0[end].blocks)
        N = sum(stage.blocks for stage in plan)
        self._conv_stem = conv_same(in_channels, STEM, 3, stride=2)
        self._bn0 = tensorflow_norm(STEM)
        channels, blocks = STEM, nn.ModuleList()
        for stage in plan:
            for i in range(stage.blocks):
                stride, drop_path = stage.stride if i == 0 else 1, stochastic_depth * len(blocks) / N
                blocks.append(MBConvLite(
                    channels, stage.channels, expansion=stage.expansion, kernel_size=stage.kernel_size, stride=stride, drop_path=drop_path
                ))  # fmt: skip
                channels = stage.channels
        self._blocks = nn.Sequential(*blocks)
        self._conv_head = conv_same(channels, HEAD, 1)
        self._bn1 = tensorflow_norm(HEAD)
        self._avg_pooling = nn.GlobalAvgPool2d()
        self._dropout = nn.Dropout(dropout)
        self._fc = nn.Linear(HEAD, num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = relu6(self._bn0(self._conv_stem(x)))
        x = relu6(self._bn1(self._conv_head(self._blocks(x))))
        return self._fc(self._dropout(self._avg_pooling(x).flatten(1)))


@register_model
def EfficientNetLite0(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 1.0, width: float = 1.0, weights: Weights = None
) -> EfficientNetLite:
    """EfficientNet-Lite0: B0 made lighter, for images of 224x224; dropout 0.2. See `EfficientNetLite`.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 224 x 224
        _conv_stem    conv 3x3 / 2     32 x 112 x 112         928     10,838,016
        _blocks.0     MBConvLite       16 x 112 x 112         896     10,035,200
        _blocks.1     MBConvLite         24 x 56 x 56       5,136     29,202,432
        _blocks.2     MBConvLite         24 x 56 x 56       8,832     25,740,288
        _blocks.3     MBConvLite         40 x 28 x 28      13,472     18,176,256
        _blocks.4     MBConvLite         40 x 28 x 28      26,240     19,756,800
        _blocks.5     MBConvLite         80 x 14 x 14      32,080     11,712,960
        _blocks.6     MBConvLite         80 x 14 x 14      83,200     15,899,520
        _blocks.7     MBConvLite         80 x 14 x 14      83,200     15,899,520
        _blocks.8     MBConvLite        112 x 14 x 14     106,304     20,415,360
        _blocks.9     MBConvLite        112 x 14 x 14     170,240     32,796,288
        _blocks.10    MBConvLite        112 x 14 x 14     170,240     32,796,288
        _blocks.11    MBConvLite          192 x 7 x 7     224,160     21,897,120
        _blocks.12    MBConvLite          192 x 7 x 7     476,160     23,087,232
        _blocks.13    MBConvLite          192 x 7 x 7     476,160     23,087,232
        _blocks.14    MBConvLite          192 x 7 x 7     476,160     23,087,232
        _blocks.15    MBConvLite          320 x 7 x 7     605,440     29,409,408
        _conv_head    conv 1x1           1280 x 7 x 7     412,160     20,070,400
        _avg_pooling  avg pool to 1x1    1280 x 1 x 1           0              0
        _fc           linear                     1000   1,281,000      1,280,000
        total                                           4,652,008    385,187,552

    ImageNet top-1 error: 24.9 % (README).
    """
    return EfficientNetLite(depth, width, 224, num_classes, in_channels, dropout=0.2, weights=weights)


@register_model
def EfficientNetLite1(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 1.1, width: float = 1.0, weights: Weights = None
) -> EfficientNetLite:
    """EfficientNet-Lite1: depth 1.1, width 1.0, images of 240x240, dropout 0.2. See `EfficientNetLite`.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 240 x 240
        _conv_stem    conv 3x3 / 2     32 x 120 x 120         928     12,441,600
        _blocks.0     MBConvLite       16 x 120 x 120         896     11,520,000
        _blocks.1     MBConvLite         24 x 60 x 60       5,136     33,523,200
        _blocks.2     MBConvLite         24 x 60 x 60       8,832     29,548,800
        _blocks.3     MBConvLite         24 x 60 x 60       8,832     29,548,800
        _blocks.4     MBConvLite         40 x 30 x 30      13,472     20,865,600
        _blocks.5     MBConvLite         40 x 30 x 30      26,240     22,680,000
        _blocks.6     MBConvLite         40 x 30 x 30      26,240     22,680,000
        _blocks.7     MBConvLite         80 x 15 x 15      32,080     13,446,000
        _blocks.8     MBConvLite         80 x 15 x 15      83,200     18,252,000
        _blocks.9     MBConvLite         80 x 15 x 15      83,200     18,252,000
        _blocks.10    MBConvLite         80 x 15 x 15      83,200     18,252,000
        _blocks.11    MBConvLite        112 x 15 x 15     106,304     23,436,000
        _blocks.12    MBConvLite        112 x 15 x 15     170,240     37,648,800
        _blocks.13    MBConvLite        112 x 15 x 15     170,240     37,648,800
        _blocks.14    MBConvLite        112 x 15 x 15     170,240     37,648,800
        _blocks.15    MBConvLite          192 x 8 x 8     224,160     26,267,136
        _blocks.16    MBConvLite          192 x 8 x 8     476,160     30,154,752
        _blocks.17    MBConvLite          192 x 8 x 8     476,160     30,154,752
        _blocks.18    MBConvLite          192 x 8 x 8     476,160     30,154,752
        _blocks.19    MBConvLite          192 x 8 x 8     476,160     30,154,752
        _blocks.20    MBConvLite          320 x 8 x 8     605,440     38,412,288
        _conv_head    conv 1x1           1280 x 8 x 8     412,160     26,214,400
        _avg_pooling  avg pool to 1x1    1280 x 1 x 1           0              0
        _fc           linear                     1000   1,281,000      1,280,000
        total                                           5,416,680    600,185,232

    ImageNet top-1 error: 23.3 % (README).
    """
    return EfficientNetLite(depth, width, 240, num_classes, in_channels, dropout=0.2, weights=weights)


@register_model
def EfficientNetLite2(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 1.2, width: float = 1.1, weights: Weights = None
) -> EfficientNetLite:
    """EfficientNet-Lite2: depth 1.2, width 1.1, images of 260x260, dropout 0.3. See `EfficientNetLite`.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 260 x 260
        _conv_stem    conv 3x3 / 2     32 x 130 x 130         928     14,601,600
        _blocks.0     MBConvLite       16 x 130 x 130         896     13,520,000
        _blocks.1     MBConvLite         24 x 65 x 65       5,136     39,343,200
        _blocks.2     MBConvLite         24 x 65 x 65       8,832     34,678,800
        _blocks.3     MBConvLite         24 x 65 x 65       8,832     34,678,800
        _blocks.4     MBConvLite         48 x 33 x 33      14,640     26,049,168
        _blocks.5     MBConvLite         48 x 33 x 33      36,096     37,949,472
        _blocks.6     MBConvLite         48 x 33 x 33      36,096     37,949,472
        _blocks.7     MBConvLite         88 x 17 x 17      43,088     23,127,840
        _blocks.8     MBConvLite         88 x 17 x 17      99,968     28,229,520
        _blocks.9     MBConvLite         88 x 17 x 17      99,968     28,229,520
        _blocks.10    MBConvLite         88 x 17 x 17      99,968     28,229,520
        _blocks.11    MBConvLite        120 x 17 x 17     125,376     35,553,936
        _blocks.12    MBConvLite        120 x 17 x 17     193,920     55,141,200
        _blocks.13    MBConvLite        120 x 17 x 17     193,920     55,141,200
        _blocks.14    MBConvLite        120 x 17 x 17     193,920     55,141,200
        _blocks.15    MBConvLite          208 x 9 x 9     257,456     38,558,160
        _blocks.16    MBConvLite          208 x 9 x 9     555,776     44,579,808
        _blocks.17    MBConvLite          208 x 9 x 9     555,776     44,579,808
        _blocks.18    MBConvLite          208 x 9 x 9     555,776     44,579,808
        _blocks.19    MBConvLite          208 x 9 x 9     555,776     44,579,808
        _blocks.20    MBConvLite          352 x 9 x 9     715,808     57,519,072
        _conv_head    conv 1x1           1280 x 9 x 9     453,120     36,495,360
        _avg_pooling  avg pool to 1x1    1280 x 1 x 1           0              0
        _fc           linear                     1000   1,281,000      1,280,000
        total                                           6,092,072    859,736,272

    ImageNet top-1 error: 22.4 % (README).
    """
    return EfficientNetLite(depth, width, 260, num_classes, in_channels, dropout=0.3, weights=weights)


@register_model
def EfficientNetLite3(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 1.4, width: float = 1.2, weights: Weights = None
) -> EfficientNetLite:
    """EfficientNet-Lite3: depth 1.4, width 1.2, images of 280x280, dropout 0.3. See `EfficientNetLite`.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 280 x 280
        _conv_stem    conv 3x3 / 2     32 x 140 x 140         928     16,934,400
        _blocks.0     MBConvLite       24 x 140 x 140       1,168     20,697,600
        _blocks.1     MBConvLite         32 x 70 x 70      10,000     96,667,200
        _blocks.2     MBConvLite         32 x 70 x 70      14,848     68,678,400
        _blocks.3     MBConvLite         32 x 70 x 70      14,848     68,678,400
        _blocks.4     MBConvLite         48 x 35 x 35      21,024     47,275,200
        _blocks.5     MBConvLite         48 x 35 x 35      36,096     42,688,800
        _blocks.6     MBConvLite         48 x 35 x 35      36,096     42,688,800
        _blocks.7     MBConvLite         96 x 18 x 18      45,408     26,732,160
        _blocks.8     MBConvLite         96 x 18 x 18     118,272     37,511,424
        _blocks.9     MBConvLite         96 x 18 x 18     118,272     37,511,424
        _blocks.10    MBConvLite         96 x 18 x 18     118,272     37,511,424
        _blocks.11    MBConvLite         96 x 18 x 18     118,272     37,511,424
        _blocks.12    MBConvLite        136 x 18 x 18     150,608     47,962,368
        _blocks.13    MBConvLite        136 x 18 x 18     245,888     78,522,048
        _blocks.14    MBConvLite        136 x 18 x 18     245,888     78,522,048
        _blocks.15    MBConvLite        136 x 18 x 18     245,888     78,522,048
        _blocks.16    MBConvLite        136 x 18 x 18     245,888     78,522,048
        _blocks.17    MBConvLite          232 x 9 x 9     324,416     52,942,896
        _blocks.18    MBConvLite          232 x 9 x 9     686,720     55,135,728
        _blocks.19    MBConvLite          232 x 9 x 9     686,720     55,135,728
        _blocks.20    MBConvLite          232 x 9 x 9     686,720     55,135,728
        _blocks.21    MBConvLite          232 x 9 x 9     686,720     55,135,728
        _blocks.22    MBConvLite          232 x 9 x 9     686,720     55,135,728
        _blocks.23    MBConvLite          384 x 9 x 9     876,336     70,470,000
        _conv_head    conv 1x1           1280 x 9 x 9     494,080     39,813,120
        _avg_pooling  avg pool to 1x1    1280 x 1 x 1           0              0
        _fc           linear                     1000   1,281,000      1,280,000
        total                                           8,197,096  1,383,321,872

    ImageNet top-1 error: 20.2 % (README).
    """
    return EfficientNetLite(depth, width, 280, num_classes, in_channels, dropout=0.3, weights=weights)


@register_model
def EfficientNetLite4(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 1.8, width: float = 1.4, weights: Weights = None
) -> EfficientNetLite:
    """EfficientNet-Lite4: depth 1.8, width 1.4, images of 300x300, dropout 0.3. See `EfficientNetLite`.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 300 x 300
        _conv_stem    conv 3x3 / 2     32 x 150 x 150         928     19,440,000
        _blocks.0     MBConvLite       24 x 150 x 150       1,168     23,760,000
        _blocks.1     MBConvLite         32 x 75 x 75      10,000    110,970,000
        _blocks.2     MBConvLite         32 x 75 x 75      14,848     78,840,000
        _blocks.3     MBConvLite         32 x 75 x 75      14,848     78,840,000
        _blocks.4     MBConvLite         32 x 75 x 75      14,848     78,840,000
        _blocks.5     MBConvLite         56 x 38 x 38      22,576     57,017,088
        _blocks.6     MBConvLite         56 x 38 x 38      47,488     66,470,208
        _blocks.7     MBConvLite         56 x 38 x 38      47,488     66,470,208
        _blocks.8     MBConvLite         56 x 38 x 38      47,488     66,470,208
        _blocks.9     MBConvLite        112 x 19 x 19      61,040     41,847,120
        _blocks.10    MBConvLite        112 x 19 x 19     159,488     56,523,936
        _blocks.11    MBConvLite        112 x 19 x 19     159,488     56,523,936
        _blocks.12    MBConvLite        112 x 19 x 19     159,488     56,523,936
        _blocks.13    MBConvLite        112 x 19 x 19     159,488     56,523,936
        _blocks.14    MBConvLite        112 x 19 x 19     159,488     56,523,936
        _blocks.15    MBConvLite        160 x 19 x 19     202,592     72,049,824
        _blocks.16    MBConvLite        160 x 19 x 19     335,360    119,563,200
        _blocks.17    MBConvLite        160 x 19 x 19     335,360    119,563,200
        _blocks.18    MBConvLite        160 x 19 x 19     335,360    119,563,200
        _blocks.19    MBConvLite        160 x 19 x 19     335,360    119,563,200
        _blocks.20    MBConvLite        160 x 19 x 19     335,360    119,563,200
        _blocks.21    MBConvLite        272 x 10 x 10     443,104     83,961,600
        _blocks.22    MBConvLite        272 x 10 x 10     935,680     92,860,800
        _blocks.23    MBConvLite        272 x 10 x 10     935,680     92,860,800
        _blocks.24    MBConvLite        272 x 10 x 10     935,680     92,860,800
        _blocks.25    MBConvLite        272 x 10 x 10     935,680     92,860,800
        _blocks.26    MBConvLite        272 x 10 x 10     935,680     92,860,800
        _blocks.27    MBConvLite        272 x 10 x 10     935,680     92,860,800
        _blocks.28    MBConvLite        272 x 10 x 10     935,680     92,860,800
        _blocks.29    MBConvLite        448 x 10 x 10   1,197,152    118,972,800
        _conv_head    conv 1x1         1280 x 10 x 10     576,000     57,344,000
        _avg_pooling  avg pool to 1x1    1280 x 1 x 1           0              0
        _fc           linear                     1000   1,281,000      1,280,000
        total                                          13,006,568  2,553,034,336

    ImageNet top-1 error: 18.5 % (README).
    """
    return EfficientNetLite(depth, width, 300, num_classes, in_channels, dropout=0.3, weights=weights)
