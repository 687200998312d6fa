"""VGG: deep stacks of 3x3 convolutions (Simonyan & Zisserman 2014)."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import flag, integer, integers
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model


class VGG(nn.Module):
    """A VGG network: five stages of 3x3 convolutions, each ended by a 2x2 max pooling, and three linear layers.

    What was new: only small filters, and many of them on top of each other. Three 3x3 convolutions see as far as one of 7x7, with
    27 C² instead of 49 C² weights and two more ReLUs in between. Whenever the image is halved, the channels are doubled.
    About three quarters of the weights of VGG-16 are in its first linear layer. Second in ILSVRC 2014: 7.3 % top-5 error.

    Choices where sources differ: with `batch_norm` (which the paper does not have; torchvision added it) convolutions keep their
    bias, as in torchvision, whose names of parameters these are. Dropout 0.5 follows each of the first two linear layers. The maps
    are averaged to 7x7 before them, which changes nothing for images of 224x224 and lets others in, from 32 pixels.

    Args:
        depths: number of convolutions in each of the five stages.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        batch_norm: normalise after each convolution.
        width: channels of the first stage; the others have 2, 4, 8 and 8 times as many.
        hidden: outputs of the first two linear layers.
        weights: a file of weights, "imagenet" for torchvision's, or None to start from random ones.

    Raises:
        ArgumentError: `depths` are not five integers above 0, or `width` is no integer above 0.

    Source:
        Simonyan & Zisserman 2014, "Very deep convolutional networks for large-scale image recognition", sec. 2 and
        table 1 (arXiv:1409.1556).

    Example:
        >>> import minicnn
        >>> net = VGG((1, 1, 1, 1, 1), num_classes=10, width=4, hidden=32)
        >>> net(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(
        self,
        depths: Sequence[int],
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        batch_norm: bool = False,
        width: int = 64,
        hidden: int = 4096,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        depths, width = integers(depths, "VGG: depths", 5), integer(width, "VGG: width")
        batch_norm = flag(batch_norm, "VGG: batch_norm")
        layers: list[nn.Module] = []
        channels = in_channels
        for depth, factor in zip(depths, (1, 2, 4, 8, 8), strict=True):
            for _ in range(depth):
                layers.append(nn.Conv2d(channels, factor * width, 3, padding=1))
                layers += [nn.BatchNorm2d(factor * width), nn.ReLU()] if batch_norm else [nn.ReLU()]
                channels = factor * width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(7 * 7 * channels, hidden), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(hidden, num_classes),
        )  # fmt: skip
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@register_model
def VGG11(
    num_classes: int = 1000,
    in_channels: int = 3,
    *,
    depths: Sequence[int] = (1, 1, 2, 2, 2),
    batch_norm: bool = False,
    width: int = 64,
    hidden: int = 4096,
    weights: Weights = None,
) -> VGG:
    """VGG with 11 layers that have weights: configuration A of the paper. See `VGG`.

        stage         layers                     output   parameters  multiply-adds
        input                             3 x 224 x 224
        features.0    conv 3x3           64 x 224 x 224        1,792     86,704,128
        features.2    max pool 2x2 / 2   64 x 112 x 112            0              0
        features.3    conv 3x3          128 x 112 x 112       73,856    924,844,032
        features.5    max pool 2x2 / 2    128 x 56 x 56            0              0
        features.6    conv 3x3            256 x 56 x 56      295,168    924,844,032
        features.8    conv 3x3            256 x 56 x 56      590,080  1,849,688,064
        features.10   max pool 2x2 / 2    256 x 28 x 28            0              0
        features.11   conv 3x3            512 x 28 x 28    1,180,160    924,844,032
        features.13   conv 3x3            512 x 28 x 28    2,359,808  1,849,688,064
        features.15   max pool 2x2 / 2    512 x 14 x 14            0              0
        features.16   conv 3x3            512 x 14 x 14    2,359,808    462,422,016
        features.18   conv 3x3            512 x 14 x 14    2,359,808    462,422,016
        features.20   max pool 2x2 / 2      512 x 7 x 7            0              0
        avgpool       avg pool to 7x7       512 x 7 x 7            0              0
        classifier.0  linear                       4096  102,764,544    102,760,448
        classifier.3  linear                       4096   16,781,312     16,777,216
        classifier.6  linear                       1000    4,097,000      4,096,000
        total                                            132,863,336  7,609,090,048

    ImageNet error (top-1 / top-5): 29.6 / 10.4 %, trained and tested on images of 256 pixels (paper, table 3).
    """
    return VGG(depths, num_classes, in_channels, batch_norm=batch_norm, width=width, hidden=hidden, weights=weights)


@register_model
def VGG13(
    num_classes: int = 1000,
    in_channels: int = 3,
    *,
    depths: Sequence[int] = (2, 2, 2, 2, 2),
    batch_norm: bool = False,
    width: int = 64,
    hidden: int = 4096,
    weights: Weights = None,
) -> VGG:
    """VGG with 13 layers that have weights: configuration B of the paper. See `VGG`.

        stage         layers                     output   parameters   multiply-adds
        input                             3 x 224 x 224
        features.0    conv 3x3           64 x 224 x 224        1,792      86,704,128
        features.2    conv 3x3           64 x 224 x 224       36,928   1,849,688,064
        features.4    max pool 2x2 / 2   64 x 112 x 112            0               0
        features.5    conv 3x3          128 x 112 x 112       73,856     924,844,032
        features.7    conv 3x3          128 x 112 x 112      147,584   1,849,688,064
        features.9    max pool 2x2 / 2    128 x 56 x 56            0               0
        features.10   conv 3x3            256 x 56 x 56      295,168     924,844,032
        features.12   conv 3x3            256 x 56 x 56      590,080   1,849,688,064
        features.14   max pool 2x2 / 2    256 x 28 x 28            0               0
        features.15   conv 3x3            512 x 28 x 28    1,180,160     924,844,032
        features.17   conv 3x3            512 x 28 x 28    2,359,808   1,849,688,064
        features.19   max pool 2x2 / 2    512 x 14 x 14            0               0
        features.20   conv 3x3            512 x 14 x 14    2,359,808     462,422,016
        features.22   conv 3x3            512 x 14 x 14    2,359,808     462,422,016
        features.24   max pool 2x2 / 2      512 x 7 x 7            0               0
        avgpool       avg pool to 7x7       512 x 7 x 7            0               0
        classifier.0  linear                       4096  102,764,544     102,760,448
        classifier.3  linear                       4096   16,781,312      16,777,216
        classifier.6  linear                       1000    4,097,000       4,096,000
        total                                            133,047,848  11,308,466,176

    ImageNet error (top-1 / top-5): 28.7 / 9.9 %, trained and tested on images of 256 pixels (paper, table 3).
    """
    return VGG(depths, num_classes, in_channels, batch_norm=batch_norm, width=width, hidden=hidden, weights=weights)


@register_model
def VGG16(
    num_classes: int = 1000,
    in_channels: int = 3,
    *,
    depths: Sequence[int] = (2, 2, 3, 3, 3),
    batch_norm: bool = False,
    width: int = 64,
    hidden: int = 4096,
    weights: Weights = None,
) -> VGG:
    """VGG with 16 layers that have weights: configuration D of the paper. See `VGG`.

        stage         layers                     output   parameters   multiply-adds
        input                             3 x 224 x 224
        features.0    conv 3x3           64 x 224 x 224        1,792      86,704,128
        features.2    conv 3x3           64 x 224 x 224       36,928   1,849,688,064
        features.4    max pool 2x2 / 2   64 x 112 x 112            0               0
        features.5    conv 3x3          128 x 112 x 112       73,856     924,844,032
        features.7    conv 3x3          128 x 112 x 112      147,584   1,849,688,064
        features.9    max pool 2x2 / 2    128 x 56 x 56            0               0
        features.10   conv 3x3            256 x 56 x 56      295,168     924,844,032
        features.12   conv 3x3            256 x 56 x 56      590,080   1,849,688,064
        features.14   conv 3x3            256 x 56 x 56      590,080   1,849,688,064
        features.16   max pool 2x2 / 2    256 x 28 x 28            0               0
        features.17   conv 3x3            512 x 28 x 28    1,180,160     924,844,032
        features.19   conv 3x3            512 x 28 x 28    2,359,808   1,849,688,064
        features.21   conv 3x3            512 x 28 x 28    2,359,808   1,849,688,064
        features.23   max pool 2x2 / 2    512 x 14 x 14            0               0
        features.24   conv 3x3            512 x 14 x 14    2,359,808     462,422,016
        features.26   conv 3x3            512 x 14 x 14    2,359,808     462,422,016
        features.28   conv 3x3            512 x 14 x 14    2,359,808     462,422,016
        features.30   max pool 2x2 / 2      512 x 7 x 7            0               0
        avgpool       avg pool to 7x7       512 x 7 x 7            0               0
        classifier.0  linear                       4096  102,764,544     102,760,448
        classifier.3  linear                       4096   16,781,312      16,777,216
        classifier.6  linear                       1000    4,097,000       4,096,000
        total                                            138,357,544  15,470,264,320

    ImageNet error (top-1 / top-5): 27.0 / 8.8 %, trained and tested on images of 256 pixels; 25.6 / 8.1 %, trained on images of many
    sizes and tested on 384 pixels (paper, table 3); 28.5 / 9.9 % with one crop (the authors' Caffe model).
    """
    return VGG(depths, num_classes, in_channels, batch_norm=batch_norm, width=width, hidden=hidden, weights=weights)


@register_model
def VGG19(
    num_classes: int = 1000,
    in_channels: int = 3,
    *,
    depths: Sequence[int] = (2, 2, 4, 4, 4),
    batch_norm: bool = False,
    width: int = 64,
    hidden: int = 4096,
    weights: Weights = None,
) -> VGG:
    """VGG with 19 layers that have weights: configuration E of the paper. See `VGG`.

        stage         layers                     output   parameters   multiply-adds
        input                             3 x 224 x 224
        features.0    conv 3x3           64 x 224 x 224        1,792      86,704,128
        features.2    conv 3x3           64 x 224 x 224       36,928   1,849,688,064
        features.4    max pool 2x2 / 2   64 x 112 x 112            0               0
        features.5    conv 3x3          128 x 112 x 112       73,856     924,844,032
        features.7    conv 3x3          128 x 112 x 112      147,584   1,849,688,064
        features.9    max pool 2x2 / 2    128 x 56 x 56            0               0
        features.10   conv 3x3            256 x 56 x 56      295,168     924,844,032
        features.12   conv 3x3            256 x 56 x 56      590,080   1,849,688,064
        features.14   conv 3x3            256 x 56 x 56      590,080   1,849,688,064
        features.16   conv 3x3            256 x 56 x 56      590,080   1,849,688,064
        features.18   max pool 2x2 / 2    256 x 28 x 28            0               0
        features.19   conv 3x3            512 x 28 x 28    1,180,160     924,844,032
        features.21   conv 3x3            512 x 28 x 28    2,359,808   1,849,688,064
        features.23   conv 3x3            512 x 28 x 28    2,359,808   1,849,688,064
        features.25   conv 3x3            512 x 28 x 28    2,359,808   1,849,688,064
        features.27   max pool 2x2 / 2    512 x 14 x 14            0               0
        features.28   conv 3x3            512 x 14 x 14    2,359,808     462,422,016
        features.30   conv 3x3            512 x 14 x 14    2,359,808     462,422,016
        features.32   conv 3x3            512 x 14 x 14    2,359,808     462,422,016
        features.34   conv 3x3            512 x 14 x 14    2,359,808     462,422,016
        features.36   max pool 2x2 / 2      512 x 7 x 7            0               0
        avgpool       avg pool to 7x7       512 x 7 x 7            0               0
        classifier.0  linear                       4096  102,764,544     102,760,448
        classifier.3  linear                       4096   16,781,312      16,777,216
        classifier.6  linear                       1000    4,097,000       4,096,000
        total                                            143,667,240  19,632,062,464

    ImageNet error (top-1 / top-5): 27.3 / 9.0 %, trained and tested on images of 256 pixels; 25.5 / 8.0 %, trained on images of many
    sizes and tested on 384 pixels (paper, table 3).
    """
    return VGG(depths, num_classes, in_channels, batch_norm=batch_norm, width=width, hidden=hidden, weights=weights)
