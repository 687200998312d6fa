"""EfficientNet: a small network found by search, and seven larger ones by one rule (Tan & Le 2019). Its block is in `mbconv.py`."""

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import fraction, integer
from minicnn.models.compound_scaling import RESOLUTION, STEM, scaled_stages
from minicnn.models.mbconv import MakeNorm, MBConv, conv_norm, tensorflow_norm
from minicnn.models.mobilenet_v2 import make_divisible
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model


class EfficientNet(nn.Module):
    """A stem that halves the image, seven stages of `MBConv` blocks, a 1x1 convolution to four times the channels, a linear layer.

    What was new: compound scaling. A network that has too little capacity is made deeper, wider, and given larger images, all three by
    fixed ratios, instead of only one of them: see `compound_scaling`. The network that is scaled, B0, was found by a search for
    accuracy and few multiply-adds.

    Choices where sources differ: padding is symmetric, and batch norm has eps 1e-5 and momentum 0.1 in B0 to B4, 1e-3 and 0.01
    in B5 to B7: those of torchvision, whose weights were trained so. TensorFlow's networks, and weights that come from them, have 1e-3
    and 0.01 in all, and SAME padding, which at stride 2 puts the odd pixel below and to the right. Parameters and multiply-adds
    are the same, results are not. Block i of N is skipped with probability 0.2 i/N in training, by each sample for itself.

    Args:
        depth, width: number of blocks and of channels, as multiples of B0's.
        resolution: height and width of the images for which it is made. It takes others, too.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        dropout: probability, before the linear layer.
        stochastic_depth: in training a sample skips blocks by chance; from block to block of all N, the probability grows from 0 in
            steps of stochastic_depth / N. It acts only where there is a sum.
        norm: makes the batch norm of so many channels.
        weights: a file of weights, "imagenet" for torchvision's, or None to start from random ones.

    Raises:
        ArgumentError: `resolution` is no integer above 0, or `stochastic_depth` is not from 0 to 1.

    Source:
        Tan & Le 2019, "EfficientNet: rethinking model scaling for convolutional neural networks" (arXiv:1905.11946).

    Example:
        >>> import minicnn
        >>> net = EfficientNet(depth=0.5, width=0.25, num_classes=10)
        >>> net(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(
        self, depth: float = 1.0, width: float = 1.0, resolution: int = RESOLUTION, num_classes: int = 1000, in_channels: int = 3, *,
        dropout: float = 0.2, stochastic_depth: float = 0.2, norm: MakeNorm = nn.BatchNorm2d, weights: Weights = None,
    ) -> None:  # fmt: skip
        super().__init__()
        resolution = integer(resolution, "EfficientNet: resolution")
        stochastic_depth = fraction(stochastic_depth, "EfficientNet: stochastic_depth", include_one=True)
        self.input_shape = (in_channels, resolution, resolution)
        plan = scaled_stages(depth, width)
        N = sum(stage.blocks for stage in plan)
        drop_path = (stochastic_depth * i / N for i in range(N))
        channels = make_divisible(width * STEM)
        layers = [conv_norm(in_channels, channels, 3, norm, stride=2)]
        for stage in plan:
            blocks = []
            for i in range(stage.blocks):
                stride = stage.stride if i == 0 else 1
                blocks.append(MBConv(
                    channels, stage.channels, expansion=stage.expansion, kernel_size=stage.kernel_size, stride=stride,
                    drop_path=next(drop_path), norm=norm,
                ))  # fmt: skip
                channels = stage.channels
            layers.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*layers, conv_norm(channels, 4 * channels, 1, norm))
        self.avgpool = nn.GlobalAvgPool2d()
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * channels, num_classes))
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@register_model
def EfficientNetB0(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 1.0, width: float = 1.0, weights: Weights = None
) -> EfficientNet:
    """The network that the search found, on images of 224x224; dropout 0.2. See `EfficientNet`.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 224 x 224
        features.0    conv 3x3 / 2     32 x 112 x 112         928     10,838,016
        features.1    MBConv           16 x 112 x 112       1,448     10,035,712
        features.2    2 x MBConv         24 x 56 x 56      16,714     54,945,216
        features.3    2 x MBConv         40 x 28 x 28      46,640     37,939,584
        features.4    3 x MBConv         80 x 14 x 14     242,930     43,555,200
        features.5    3 x MBConv        112 x 14 x 14     543,148     86,102,400
        features.6    4 x MBConv          192 x 7 x 7   2,026,348     91,528,224
        features.7    MBConv              320 x 7 x 7     717,232     29,520,000
        features.8    conv 1x1           1280 x 7 x 7     412,160     20,070,400
        avgpool       avg pool to 1x1    1280 x 1 x 1           0              0
        classifier.1  linear                     1000   1,281,000      1,280,000
        total                                           5,288,548    385,814,752

    ImageNet error (top-1 / top-5): 22.9 / 6.7 % (paper, table 2); 22.31 / 6.47 % (torchvision's weights).
    """
    return EfficientNet(depth, width, 224, num_classes, in_channels, dropout=0.2, weights=weights)


@register_model
def EfficientNetB1(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 1.1, width: float = 1.0, weights: Weights = None
) -> EfficientNet:
    """1.1 times the blocks of B0, the same channels, images of 240x240; dropout 0.2. See `EfficientNet`.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 240 x 240
        features.0    conv 3x3 / 2     32 x 120 x 120         928     12,441,600
        features.1    2 x MBConv       16 x 120 x 120       2,060     17,280,640
        features.2    3 x MBConv         24 x 60 x 60      27,424     92,625,024
        features.3    3 x MBConv         40 x 30 x 30      77,930     66,236,928
        features.4    4 x MBConv         80 x 15 x 15     345,830     68,264,400
        features.5    4 x MBConv        112 x 15 x 15     751,720    136,514,496
        features.6    5 x MBConv          192 x 8 x 8   2,614,300    147,366,144
        features.7    2 x MBConv          320 x 8 x 8   2,280,832    118,579,200
        features.8    conv 1x1           1280 x 8 x 8     412,160     26,214,400
        avgpool       avg pool to 1x1    1280 x 1 x 1           0              0
        classifier.1  linear                     1000   1,281,000      1,280,000
        total                                           7,794,184    686,802,832

    ImageNet error (top-1 / top-5): 20.9 / 5.6 % (paper, table 2); 21.36 / 5.81 % (torchvision's weights).
    """
    return EfficientNet(depth, width, 240, num_classes, in_channels, dropout=0.2, weights=weights)


@register_model
def EfficientNetB2(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 1.2, width: float = 1.1, weights: Weights = None
) -> EfficientNet:
    """1.2 times the blocks of B0, 1.1 times the channels, images of 260x260; dropout 0.3. See `EfficientNet`.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 260 x 260
        features.0    conv 3x3 / 2     32 x 130 x 130         928     14,601,600
        features.1    2 x MBConv       16 x 130 x 130       2,060     20,280,640
        features.2    3 x MBConv         24 x 65 x 65      27,424    108,705,024
        features.3    3 x MBConv         48 x 33 x 33     103,134    101,963,664
        features.4    4 x MBConv         88 x 17 x 17     421,550    107,893,008
        features.5    4 x MBConv        120 x 17 x 17     862,768    201,130,368
        features.6    5 x MBConv          208 x 9 x 9   3,048,878    217,439,760
        features.7    2 x MBConv          352 x 9 x 9   2,735,820    179,994,912
        features.8    conv 1x1           1408 x 9 x 9     498,432     40,144,896
        avgpool       avg pool to 1x1    1408 x 1 x 1           0              0
        classifier.1  linear                     1000   1,409,000      1,408,000
        total                                           9,109,994    993,561,872

    ImageNet error (top-1 / top-5): 19.9 / 5.1 % (paper, table 2); 19.39 / 4.69 % (torchvision's weights of 288x288).
    """
    return EfficientNet(depth, width, 260, num_classes, in_channels, dropout=0.3, weights=weights)


@register_model
def EfficientNetB3(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 1.4, width: float = 1.2, weights: Weights = None
) -> EfficientNet:
    """1.4 times the blocks of B0, 1.2 times the channels, images of 300x300; dropout 0.3. See `EfficientNet`.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 300 x 300
        features.0    conv 3x3 / 2     40 x 150 x 150       1,160     24,300,000
        features.1    2 x MBConv       24 x 150 x 150       3,504     47,521,088
        features.2    3 x MBConv         32 x 75 x 75      48,118    268,657,872
        features.3    3 x MBConv         48 x 38 x 38     110,912    155,457,024
        features.4    5 x MBConv         96 x 19 x 19     638,700    198,176,544
        features.5    5 x MBConv        136 x 19 x 19   1,387,760    403,645,440
        features.6    6 x MBConv        232 x 10 x 10   4,628,964    402,240,384
        features.7    2 x MBConv        384 x 10 x 10   3,284,218    266,624,640
        features.8    conv 1x1         1536 x 10 x 10     592,896     58,982,400
        avgpool       avg pool to 1x1    1536 x 1 x 1           0              0
        classifier.1  linear                     1000   1,537,000      1,536,000
        total                                          12,233,232  1,827,141,392

    ImageNet error (top-1 / top-5): 18.4 / 4.3 % (paper, table 2); 17.99 / 3.95 % (torchvision's weights).
    """
    return EfficientNet(depth, width, 300, num_classes, in_channels, dropout=0.3, weights=weights)


@register_model
def EfficientNetB4(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 1.8, width: float = 1.4, weights: Weights = None
) -> EfficientNet:
    """1.8 times the blocks of B0, 1.4 times the channels, images of 380x380; dropout 0.4. See `EfficientNet`.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 380 x 380
        features.0    conv 3x3 / 2     48 x 190 x 190       1,392     46,785,600
        features.1    2 x MBConv       24 x 190 x 190       4,146     85,775,040
        features.2    4 x MBConv         32 x 95 x 95      66,238    557,539,344
        features.3    4 x MBConv         56 x 48 x 48     197,586    409,485,888
        features.4    6 x MBConv        112 x 24 x 24   1,059,898    517,906,368
        features.5    6 x MBConv        160 x 24 x 24   2,306,724  1,069,238,016
        features.6    8 x MBConv        272 x 12 x 12   8,636,228  1,067,198,208
        features.7    2 x MBConv        448 x 12 x 12   4,470,004    522,445,056
        features.8    conv 1x1         1792 x 12 x 12     806,400    115,605,504
        avgpool       avg pool to 1x1    1792 x 1 x 1           0              0
        classifier.1  linear                     1000   1,793,000      1,792,000
        total                                          19,341,616  4,393,771,024

    ImageNet error (top-1 / top-5): 17.1 / 3.6 % (paper, table 2); 16.62 / 3.41 % (torchvision's weights).
    """
    return EfficientNet(depth, width, 380, num_classes, in_channels, dropout=0.4, weights=weights)


@register_model
def EfficientNetB5(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 2.2, width: float = 1.6, weights: Weights = None
) -> EfficientNet:
    """2.2 times the blocks of B0, 1.6 times the channels, images of 456x456; dropout 0.4. See `EfficientNet`.

        stage         layers                   output  parameters   multiply-adds
        input                           3 x 456 x 456
        features.0    conv 3x3 / 2     48 x 228 x 228       1,392      67,371,264
        features.1    3 x MBConv       24 x 228 x 228       5,352     164,687,040
        features.2    5 x MBConv       40 x 114 x 114     122,846   1,381,755,648
        features.3    5 x MBConv         64 x 57 x 57     329,514     957,755,184
        features.4    7 x MBConv        128 x 29 x 29   1,632,464   1,151,359,872
        features.5    7 x MBConv        176 x 29 x 29   3,286,344   2,221,977,024
        features.6    9 x MBConv        304 x 15 x 15  12,165,292   2,315,051,808
        features.7    3 x MBConv        512 x 15 x 15   9,744,908   1,768,449,312
        features.8    conv 1x1         2048 x 15 x 15   1,052,672     235,929,600
        avgpool       avg pool to 1x1    2048 x 1 x 1           0               0
        classifier.1  linear                     1000   2,049,000       2,048,000
        total                                          30,389,784  10,266,384,752

    ImageNet error (top-1 / top-5): 16.4 / 3.3 % (paper, table 2); 16.56 / 3.37 % (torchvision's weights).
    """
    return EfficientNet(depth, width, 456, num_classes, in_channels, dropout=0.4, norm=tensorflow_norm, weights=weights)


@register_model
def EfficientNetB6(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 2.6, width: float = 1.8, weights: Weights = None
) -> EfficientNet:
    """2.6 times the blocks of B0, 1.8 times the channels, images of 528x528; dropout 0.5. See `EfficientNet`.

        stage         layers                   output  parameters   multiply-adds
        input                           3 x 528 x 528
        features.0    conv 3x3 / 2     56 x 264 x 264       1,624     105,380,352
        features.1    3 x MBConv       32 x 264 x 264       8,094     342,906,912
        features.2    6 x MBConv       40 x 132 x 132     156,922   2,453,047,488
        features.3    6 x MBConv         72 x 66 x 66     493,444   1,858,874,880
        features.4    8 x MBConv        144 x 33 x 33   2,379,438   2,164,041,360
        features.5    8 x MBConv        200 x 33 x 33   4,840,930   4,235,822,832
        features.6    11 x MBConv       344 x 17 x 17  19,186,878   4,646,015,760
        features.7    3 x MBConv        576 x 17 x 17  12,336,662   2,875,666,896
        features.8    conv 1x1         2304 x 17 x 17   1,331,712     383,533,056
        avgpool       avg pool to 1x1    2304 x 1 x 1           0               0
        classifier.1  linear                     1000   2,305,000       2,304,000
        total                                          43,040,704  19,067,593,536

    ImageNet error (top-1 / top-5): 16.0 / 3.2 % (paper, table 2); 15.99 / 3.08 % (torchvision's weights).
    """
    return EfficientNet(depth, width, 528, num_classes, in_channels, dropout=0.5, norm=tensorflow_norm, weights=weights)


@register_model
def EfficientNetB7(
    num_classes: int = 1000, in_channels: int = 3, *, depth: float = 3.1, width: float = 2.0, weights: Weights = None
) -> EfficientNet:
    """3.1 times the blocks of B0, 2 times the channels, images of 600x600; dropout 0.5. See `EfficientNet`.

        stage         layers                   output  parameters   multiply-adds
        input                           3 x 600 x 600
        features.0    conv 3x3 / 2     64 x 300 x 300       1,856     155,520,000
        features.1    4 x MBConv       32 x 300 x 300      10,920     590,403,584
        features.2    7 x MBConv       48 x 150 x 150     253,424   4,881,644,544
        features.3    7 x MBConv         80 x 75 x 75     716,068   3,478,262,112
        features.4    10 x MBConv       160 x 38 x 38   3,721,660   4,438,504,320
        features.5    10 x MBConv       224 x 38 x 38   7,615,904   8,830,116,864
        features.6    13 x MBConv       384 x 19 x 19  28,390,712   8,553,499,968
        features.7    4 x MBConv        640 x 19 x 19  21,432,896   6,223,910,400
        features.8    conv 1x1         2560 x 19 x 19   1,643,520     591,462,400
        avgpool       avg pool to 1x1    2560 x 1 x 1           0               0
        classifier.1  linear                     1000   2,561,000       2,560,000
        total                                          66,347,960  37,745,884,192

    ImageNet error (top-1 / top-5): 15.7 / 3.0 % (paper, table 2); 15.88 / 3.09 % (torchvision's weights).
    """
    return EfficientNet(depth, width, 600, num_classes, in_channels, dropout=0.5, norm=tensorflow_norm, weights=weights)
