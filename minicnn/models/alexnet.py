"""AlexNet, which won ILSVRC 2012: as one tower, as the two groups of the paper, and as its successor of 2014."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import integer, integers
from minicnn.errors import ArgumentError
from minicnn.models.fixed_size_net import FixedSizeNet
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model


def response_norm(groups: int = 1) -> nn.LocalResponseNorm:
    """The normalisation between neighbouring channels, with the paper's constants; alpha multiplies the *sum* of squares (sec. 3.3)."""
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2, convention="paper", groups=groups)


def fully_connected(in_features: int, hidden: int, num_classes: int) -> nn.Sequential:
    """Three linear layers; dropout on the outputs of the first two (sec. 4.2).

        fc6, ReLU, dropout 0.5
        fc7, ReLU, dropout 0.5
        fc8
    """
    return nn.Sequential({
        "fc6": nn.Linear(in_features, hidden), "relu6": nn.ReLU(), "drop6": nn.Dropout(0.5),
        "fc7": nn.Linear(hidden, hidden), "relu7": nn.ReLU(), "drop7": nn.Dropout(0.5),
        "fc8": nn.Linear(hidden, num_classes),
    })  # fmt: skip


def five_convolutions(in_channels: int, channels: Sequence[int], *, groups: int = 1, norm_first: bool = False, norm_groups: int = 1) -> nn.Sequential:
    """AlexNet's features, for images of 227x227 pixels.

    Args:
        in_channels: of the image.
        channels: of the five convolutions.
        groups: of the second, fourth and fifth convolution.
        norm_first: normalise before the first two poolings instead of after them.
        norm_groups: parts of the channels that are normalised each for itself.
    """

    def pool_and_norm(i: int) -> dict[str, nn.Module]:
        pool: dict[str, nn.Module] = {f"pool{i}": nn.MaxPool2d(3, stride=2)}
        norm: dict[str, nn.Module] = {f"norm{i}": response_norm(norm_groups)}
        return norm | pool if norm_first else pool | norm

    c1, c2, c3, c4, c5 = channels
    return nn.Sequential({
        "conv1": nn.Conv2d(in_channels, c1, 11, stride=4), "relu1": nn.ReLU(), **pool_and_norm(1),
        "conv2": nn.Conv2d(c1, c2, 5, padding=2, groups=groups), "relu2": nn.ReLU(), **pool_and_norm(2),
        "conv3": nn.Conv2d(c2, c3, 3, padding=1), "relu3": nn.ReLU(),
        "conv4": nn.Conv2d(c3, c4, 3, padding=1, groups=groups), "relu4": nn.ReLU(),
        "conv5": nn.Conv2d(c4, c5, 3, padding=1, groups=groups), "relu5": nn.ReLU(),
        "pool5": nn.MaxPool2d(3, stride=2),
    })  # fmt: skip


@register_model
class AlexNet(FixedSizeNet):
    """AlexNet in one tower, as lectures draw it: five convolutions, three linear layers.

    What was new: ReLU instead of tanh, which learns several times faster; dropout and heavy augmentation against
    overfitting; overlapping poolings (3x3 at stride 2); normalisation between channels; and training on GPUs.

        stage           layers                   output  parameters  multiply-adds
        input                             3 x 227 x 227
        features.conv1  conv 11x11 / 4     96 x 55 x 55      34,944    105,415,200
        features.pool1  max pool 3x3 / 2   96 x 27 x 27           0              0
        features.conv2  conv 5x5          256 x 27 x 27     614,656    447,897,600
        features.pool2  max pool 3x3 / 2  256 x 13 x 13           0              0
        features.conv3  conv 3x3          384 x 13 x 13     885,120    149,520,384
        features.conv4  conv 3x3          384 x 13 x 13   1,327,488    224,280,576
        features.conv5  conv 3x3          256 x 13 x 13     884,992    149,520,384
        features.pool5  max pool 3x3 / 2    256 x 6 x 6           0              0
        classifier.fc6  linear                     4096  37,752,832     37,748,736
        classifier.fc7  linear                     4096  16,781,312     16,777,216
        classifier.fc8  linear                     1000   4,097,000      4,096,000
        total                                            62,378,344  1,135,256,096

    The paper's network had two towers, on two GPUs: that is `AlexNetGrouped`. This one has as many channels, but every
    convolution sees all of them: 1.4 million parameters more, and 1.6 times the multiply-adds. No paper gives its error; the
    two-tower form has 40.7 / 18.2 % (top-1 / top-5, ILSVRC 2012 validation).

    Choices where sources differ: images have 227x227 pixels, because the 224 that the paper prints does not give its
    55x55 maps: (224 - 11)/4 + 1 = 54.25. Here pooling comes before the normalisation, as in the lecture and in Caffe's
    "CaffeNet"; in the paper it comes after it. Dropout is on the outputs of fc6 and fc7.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        channels: of the five convolutions.
        hidden: outputs of fc6 and of fc7.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `channels` are not five integers above 0.
        ShapeError: in the forward pass: the input is not (N, in_channels, 227, 227).

    Source:
        Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", sec. 3 and fig. 2.

    Example:
        >>> import minicnn
        >>> net = AlexNet(num_classes=10, channels=(6, 16, 24, 24, 16), hidden=32)
        >>> net(minicnn.ones(2, 3, 227, 227)).shape
        (2, 10)
    """

    size_rule = "conv1 makes (227 - 11)/4 + 1 = 55 of 227, and 224, which the paper prints, does not fit"

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        channels: Sequence[int] = (96, 256, 384, 384, 256),
        hidden: int = 4096,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 227, 227)
        channels = integers(channels, "AlexNet: channels", 5)
        self.features = five_convolutions(in_channels, channels)
        self.classifier = fully_connected(6 * 6 * channels[-1], hidden, num_classes)
        load_pretrained(self, weights)


@register_model
class AlexNetGrouped(FixedSizeNet):
    """AlexNet as it was trained: half of the channels of each layer on each of two GPUs.

        GPU 1   conv1 ─ conv2 ─┬─ conv3 ─ conv4 ─ conv5 ─┬─ fc6 ─┬─ fc7 ─┬─ fc8
                               X                         X       X       X
        GPU 2   conv1 ─ conv2 ─┴─ conv3 ─ conv4 ─ conv5 ─┴─ fc6 ─┴─ fc7 ─┴─ fc8

    conv2, conv4 and conv5 see only the maps of their own GPU: they are convolutions in two groups. At the crosses the
    GPUs exchange their maps: conv3 and the linear layers see all of them.

        stage           layers                     output  parameters  multiply-adds
        input                               3 x 227 x 227
        features.conv1  conv 11x11 / 4       96 x 55 x 55      34,944    105,415,200
        features.pool1  max pool 3x3 / 2     96 x 27 x 27           0              0
        features.conv2  conv 5x5, 2 groups  256 x 27 x 27     307,456    223,948,800
        features.pool2  max pool 3x3 / 2    256 x 13 x 13           0              0
        features.conv3  conv 3x3            384 x 13 x 13     885,120    149,520,384
        features.conv4  conv 3x3, 2 groups  384 x 13 x 13     663,936    112,140,288
        features.conv5  conv 3x3, 2 groups  256 x 13 x 13     442,624     74,760,192
        features.pool5  max pool 3x3 / 2      256 x 6 x 6           0              0
        classifier.fc6  linear                       4096  37,752,832     37,748,736
        classifier.fc7  linear                       4096  16,781,312     16,777,216
        classifier.fc8  linear                       1000   4,097,000      4,096,000
        total                                              60,965,224    724,406,816

    Error (top-1 / top-5, ILSVRC 2012 validation): 40.7 / 18.2 % for one network, 38.1 / 16.4 % for the mean of five, 36.7 / 15.4 % for
    seven, two of which were pre-trained on the whole of ImageNet (paper, table 2).

    Choices where sources differ: images of 227x227 pixels and dropout as in `AlexNet`; the normalisation comes before the pooling, as in the paper and in
    Caffe's "bvlc_alexnet". The normalisation runs over all channels, also across the border between the two groups, as in Caffe. On two GPUs it cannot, unless
    they exchange the maps at the border each time, and the paper's exchange before conv3 only. With `norm_groups=2` each GPU normalises its own maps, as in
    files of layers for two GPUs in the format of the author's cuda-convnet: that is what `minicnn.distributed.AlexNetTwoWorkers` computes.

    See `AlexNet` for the other arguments.

    Args:
        norm_groups: 1 normalises over all channels, 2 over those of each GPU.

    Raises:
        ArgumentError: `channels` are not five integers above 0, or not even where a convolution has two groups; `norm_groups` is neither 1 nor 2.
        ShapeError: in the forward pass: the input is not (N, in_channels, 227, 227).

    Source:
        Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", sec. 3 and fig. 2.

    Example:
        >>> net = AlexNetGrouped(num_classes=10, channels=(6, 16, 24, 24, 16), hidden=32)
        >>> net.get_submodule("features.conv2")
        Conv2d(6, 16, kernel_size=5, padding=2, groups=2)
    """

    size_rule = AlexNet.size_rule

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        channels: Sequence[int] = (96, 256, 384, 384, 256),
        hidden: int = 4096,
        norm_groups: int = 1,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 227, 227)
        channels = integers(channels, "AlexNetGrouped: channels", 5)
        if integer(norm_groups, "AlexNetGrouped: norm_groups") > 2:
            raise ArgumentError(f"AlexNetGrouped: norm_groups must be 1 (over all channels) or 2 (over those of each GPU), not {norm_groups!r}")
        self.features = five_convolutions(in_channels, channels, groups=2, norm_first=True, norm_groups=norm_groups)
        self.classifier = fully_connected(6 * 6 * channels[-1], hidden, num_classes)
        load_pretrained(self, weights)


@register_model
class AlexNetOneWeirdTrick(nn.Module):
    """The AlexNet of the "one weird trick" paper, which is torchvision's `alexnet`: one tower, narrower, no normalisation.

        stage         layers                   output  parameters  multiply-adds
        input                           3 x 224 x 224
        features.0    conv 11x11 / 4     64 x 55 x 55      23,296     70,276,800
        features.2    max pool 3x3 / 2   64 x 27 x 27           0              0
        features.3    conv 5x5          192 x 27 x 27     307,392    223,948,800
        features.5    max pool 3x3 / 2  192 x 13 x 13           0              0
        features.6    conv 3x3          384 x 13 x 13     663,936    112,140,288
        features.8    conv 3x3          256 x 13 x 13     884,992    149,520,384
        features.10   conv 3x3          256 x 13 x 13     590,080     99,680,256
        features.12   max pool 3x3 / 2    256 x 6 x 6           0              0
        avgpool       avg pool to 6x6     256 x 6 x 6           0              0
        classifier.1  linear                     4096  37,752,832     37,748,736
        classifier.4  linear                     4096  16,781,312     16,777,216
        classifier.6  linear                     1000   4,097,000      4,096,000
        total                                          61,100,840    714,188,480

    ImageNet error (top-1 / top-5): 43.48 / 20.9 % with one crop (torchvision's weights).

    Choices where sources differ: 224x224 pixels with a padding of 2 before conv1, which makes 55x55 maps of them; dropout on the
    *inputs* of the first two linear layers; the maps are averaged to 6x6, so that images of any size from 63 pixels fit.
    All as in torchvision, whose names of parameters these are.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        channels: of the five convolutions.
        hidden: outputs of the first two linear layers.
        weights: a file of weights, "imagenet" for torchvision's, or None to start from random ones.

    Raises:
        ArgumentError: `channels` are not five integers above 0.

    Source:
        Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks" (arXiv:1404.5997).

    Example:
        >>> import minicnn
        >>> net = AlexNetOneWeirdTrick(num_classes=10, channels=(4, 12, 24, 16, 16), hidden=32)
        >>> net(minicnn.ones(2, 3, 95, 95)).shape
        (2, 10)
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        channels: Sequence[int] = (64, 192, 384, 256, 256),
        hidden: int = 4096,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        c1, c2, c3, c4, c5 = integers(channels, "AlexNetOneWeirdTrick: channels", 5)
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, c1, 11, stride=4, padding=2), nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(c1, c2, 5, padding=2), nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(c2, c3, 3, padding=1), nn.ReLU(),
            nn.Conv2d(c3, c4, 3, padding=1), nn.ReLU(),
            nn.Conv2d(c4, c5, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(6 * 6 * c5, hidden), nn.ReLU(),
            nn.Dropout(0.5), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, num_classes),
        )  # fmt: skip
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))
