"""SqueezeNet: as good as AlexNet with 50 times fewer parameters (Iandola et al. 2016)."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integer, integers
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import concatenate, relu


class Fire(nn.Module):
    """A 1x1 convolution squeezes the channels, so that the 3x3 convolution after it has little to read.

                       x
                       │
                 1x1 conv, ReLU                (squeeze)
                 ┌─────┴─────┐
          1x1 conv, ReLU  3x3 conv, ReLU       (expand)
                 └─────┬─────┘
                  concatenate

    Args:
        in_channels: of the input.
        squeeze: channels of the first convolution.
        out_channels: of the result; each of the two expanding convolutions yields half of them.

    Source:
        Iandola et al. 2016, sec. 3.2 and fig. 1.

    Example:
        >>> import minicnn
        >>> Fire(96, 16, 128)(minicnn.ones(2, 96, 54, 54)).shape
        (2, 128, 54, 54)
    """

    def __init__(self, in_channels: int, squeeze: int, out_channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, out_channels // 2, 1)
        self.expand3x3 = nn.Conv2d(squeeze, out_channels // 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H, W)."""
        x = relu(self.squeeze(x))
        return concatenate([relu(self.expand1x1(x)), relu(self.expand3x3(x))], axis=1)


class SqueezeNet(nn.Module):
    """A SqueezeNet: one convolution, eight fire modules, and a 1x1 convolution that yields one map per class.

    What was new: a network designed for few parameters. Most 3x3 filters become 1x1; those that stay see few channels (`Fire`); and
    there is no linear layer: the scores are the means of the last maps.

    Choices where sources differ: images have 224x224 pixels and the last convolution no padding, as in torchvision, whose names of
    parameters these are; the authors' Caffe files take 227x227 pixels and pad it by 1 (861 million multiply-adds instead of 819
    in version 1.0). Of 224 pixels the first convolution never sees the last row and column; a `WindowWarning` says so.
    Poolings round their size up. A ReLU follows the last convolution, dropout 0.5 precedes it.

    Args:
        stem: channels and kernel size of the first convolution, whose stride is 2.
        depths: number of fire modules after each of the three poolings.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        width: channels of the first two fire modules' results, 8 or more; each later pair has that many more.
        weights: a file of weights, "imagenet" for torchvision's, or None to start from random ones.

    Raises:
        ArgumentError: `stem` or `depths` are not so many integers above 0, or `width` is below 8.

    Source:
        Iandola, Han, Moskewicz, Ashraf, Dally & Keutzer 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
        <0.5MB model size", sec. 3 and table 1 (arXiv:1602.07360).

    Example:
        >>> import minicnn
        >>> net = SqueezeNet((8, 3), (2, 2, 4), num_classes=10, width=16)
        >>> net(minicnn.ones(2, 3, 63, 63)).shape
        (2, 10)
    """

    def __init__(
        self,
        stem: tuple[int, int],
        depths: Sequence[int],
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        width: int = 128,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        channels, kernel_size = integers(stem, "SqueezeNet: stem", 2)
        depths, width = integers(depths, "SqueezeNet: depths", 3), integer(width, "SqueezeNet: width", least=8)
        layers: list[nn.Module] = [nn.Conv2d(in_channels, channels, kernel_size, stride=2), nn.ReLU()]
        fires = 0
        for depth in depths:
            layers.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
            for _ in range(depth):
                expanded = width + width * (fires // 2)  # sec. 5.1: base_e + incr_e floor(i / freq), squeezed to an eighth
                layers.append(Fire(channels, expanded // 8, expanded))
                channels, fires = expanded, fires + 1
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(channels, num_classes, 1), nn.ReLU(), nn.GlobalAvgPool2d())
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        return self.classifier(self.features(x)).flatten(1)


@register_model
def SqueezeNet1_0(num_classes: int = 1000, in_channels: int = 3, *, width: int = 128, weights: Weights = None) -> SqueezeNet:
    """SqueezeNet as in the paper. See `SqueezeNet`.

        stage         layers                    output  parameters  multiply-adds
        input                            3 x 224 x 224
        features.0    conv 7x7 / 2      96 x 109 x 109      14,208    167,664,672
        features.2    max pool 3x3 / 2    96 x 54 x 54           0              0
        features.3    Fire               128 x 54 x 54      11,920     34,338,816
        features.4    Fire               128 x 54 x 54      12,432     35,831,808
        features.5    Fire               256 x 54 x 54      45,344    131,383,296
        features.6    max pool 3x3 / 2   256 x 27 x 27           0              0
        features.7    Fire               256 x 27 x 27      49,440     35,831,808
        features.8    Fire               384 x 27 x 27     104,880     76,142,592
        features.9    Fire               384 x 27 x 27     111,024     80,621,568
        features.10   Fire               512 x 27 x 27     188,992    137,355,264
        features.11   max pool 3x3 / 2   512 x 13 x 13           0              0
        features.12   Fire               512 x 13 x 13     197,184     33,226,752
        classifier.1  conv 1x1          1000 x 13 x 13     513,000     86,528,000
        classifier.3  avg pool to 1x1     1000 x 1 x 1           0              0
        total                                            1,248,424    818,924,576

    ImageNet error (top-1 / top-5): 42.5 / 19.7 % (paper, table 2).
    """
    width = integer(width, "SqueezeNet: width", least=8)
    return SqueezeNet((width * 3 // 4, 7), (3, 4, 1), num_classes, in_channels, width=width, weights=weights)


@register_model
def SqueezeNet1_1(num_classes: int = 1000, in_channels: int = 3, *, width: int = 128, weights: Weights = None) -> SqueezeNet:
    """SqueezeNet with a smaller first convolution and earlier poolings, for less than half of the work. See `SqueezeNet`.

        stage         layers                    output  parameters  multiply-adds
        input                            3 x 224 x 224
        features.0    conv 3x3 / 2      64 x 111 x 111       1,792     21,290,688
        features.2    max pool 3x3 / 2    64 x 55 x 55           0              0
        features.3    Fire               128 x 55 x 55      11,408     34,073,600
        features.4    Fire               128 x 55 x 55      12,432     37,171,200
        features.5    max pool 3x3 / 2   128 x 27 x 27           0              0
        features.6    Fire               256 x 27 x 27      45,344     32,845,824
        features.7    Fire               256 x 27 x 27      49,440     35,831,808
        features.8    max pool 3x3 / 2   256 x 13 x 13           0              0
        features.9    Fire               384 x 13 x 13     104,880     17,651,712
        features.10   Fire               384 x 13 x 13     111,024     18,690,048
        features.11   Fire               512 x 13 x 13     188,992     31,842,304
        features.12   Fire               512 x 13 x 13     197,184     33,226,752
        classifier.1  conv 1x1          1000 x 13 x 13     513,000     86,528,000
        classifier.3  avg pool to 1x1     1000 x 1 x 1           0              0
        total                                            1,235,496    349,151,936

    ImageNet error: at most 19.7 % (top-5) according to the authors, who published it after the paper.
    """
    width = integer(width, "SqueezeNet: width", least=8)
    return SqueezeNet((width // 2, 3), (2, 2, 4), num_classes, in_channels, width=width, weights=weights)
