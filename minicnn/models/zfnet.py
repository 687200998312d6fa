"""ZFNet: AlexNet, changed after looking at what its layers respond to (Zeiler & Fergus 2013)."""

from collections.abc import Sequence

from minicnn import nn
from minicnn.checks import integers
from minicnn.models.alexnet import fully_connected, response_norm
from minicnn.models.fixed_size_net import FixedSizeNet
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model


@register_model
class ZFNet(FixedSizeNet):
    """ZFNet as lectures quote it: with 512, 1024 and 512 channels in its last three convolutions.

    What was new: a way to see which pattern in the image excites a unit. AlexNet's 11x11 filters turned out to be
    for very high and very low frequencies with little in between, and stride 4 to cause aliasing: hence 7x7 filters at stride 2.

        stage           layers                    output   parameters  multiply-adds
        input                              3 x 224 x 224
        features.conv1  conv 7x7 / 2      96 x 110 x 110       14,208    170,755,200
        features.pool1  max pool 3x3 / 2    96 x 55 x 55            0              0
        features.conv2  conv 5x5 / 2       256 x 26 x 26      614,656    415,334,400
        features.pool2  max pool 3x3 / 2   256 x 13 x 13            0              0
        features.conv3  conv 3x3           512 x 13 x 13    1,180,160    199,360,512
        features.conv4  conv 3x3          1024 x 13 x 13    4,719,616    797,442,048
        features.conv5  conv 3x3           512 x 13 x 13    4,719,104    797,442,048
        features.pool5  max pool 3x3 / 2     512 x 6 x 6            0              0
        classifier.fc6  linear                      4096   75,501,568     75,497,472
        classifier.fc7  linear                      4096   16,781,312     16,777,216
        classifier.fc8  linear                      1000    4,097,000      4,096,000
        total                                             107,627,624  2,476,704,896

    Error (top-1 / top-5, ILSVRC 2012 validation): 37.5 / 16.0 % for one network, 36.0 / 14.7 % for the mean of six, of which some are
    `ZFNetPaper` (paper, table 2). (The 11.7 % that lectures quote is the winning entry of ILSVRC 2013, of Zeiler's firm Clarifai.)

    Choices where sources differ: the wide convolutions are a variant in the paper's table 2; figure 3 draws 384, 384 and 256
    channels, which is `ZFNetPaper`. To get the sizes that the figure prints, conv1 is padded by 1 (224 to 110), conv2 not at
    all (55 to 26), and poolings round their size up (110 to 55, 26 to 13). The normalisation comes after the pooling, with
    AlexNet's constants, since the paper gives none.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        channels: of the five convolutions.
        hidden: outputs of fc6 and of fc7.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `channels` are not five integers above 0.
        ShapeError: in the forward pass: the input is not (N, in_channels, 224, 224).

    Source:
        Zeiler & Fergus 2013, "Visualizing and understanding convolutional networks", sec. 4.1, fig. 3 and table 2 (arXiv:1311.2901).

    Example:
        >>> import minicnn
        >>> net = ZFNet(num_classes=10, channels=(6, 16, 32, 64, 32), hidden=32)
        >>> net(minicnn.ones(2, 3, 224, 224)).shape
        (2, 10)
    """

    size_rule = "conv1 and the poolings make 6x6 maps of 224, as many as fc6 expects"

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        channels: Sequence[int] = (96, 256, 512, 1024, 512),
        hidden: int = 4096,
        weights: Weights = None,
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        c1, c2, c3, c4, c5 = integers(channels, "ZFNet: channels", 5)
        self.features = nn.Sequential({
            "conv1": nn.Conv2d(in_channels, c1, 7, stride=2, padding=1), "relu1": nn.ReLU(),
            "pool1": nn.MaxPool2d(3, stride=2, ceil_mode=True), "norm1": response_norm(),
            "conv2": nn.Conv2d(c1, c2, 5, stride=2), "relu2": nn.ReLU(),
            "pool2": nn.MaxPool2d(3, stride=2, ceil_mode=True), "norm2": response_norm(),
            "conv3": nn.Conv2d(c2, c3, 3, padding=1), "relu3": nn.ReLU(),
            "conv4": nn.Conv2d(c3, c4, 3, padding=1), "relu4": nn.ReLU(),
            "conv5": nn.Conv2d(c4, c5, 3, padding=1), "relu5": nn.ReLU(),
            "pool5": nn.MaxPool2d(3, stride=2),
        })  # fmt: skip
        self.classifier = fully_connected(6 * 6 * c5, hidden, num_classes)
        load_pretrained(self, weights)


@register_model
def ZFNetPaper(
    num_classes: int = 1000,
    in_channels: int = 3,
    *,
    channels: Sequence[int] = (96, 256, 384, 384, 256),
    hidden: int = 4096,
    weights: Weights = None,
) -> ZFNet:
    """ZFNet with as many channels as AlexNet, as figure 3 of the paper draws it. See `ZFNet`.

        stage           layers                    output  parameters  multiply-adds
        input                              3 x 224 x 224
        features.conv1  conv 7x7 / 2      96 x 110 x 110      14,208    170,755,200
        features.pool1  max pool 3x3 / 2    96 x 55 x 55           0              0
        features.conv2  conv 5x5 / 2       256 x 26 x 26     614,656    415,334,400
        features.pool2  max pool 3x3 / 2   256 x 13 x 13           0              0
        features.conv3  conv 3x3           384 x 13 x 13     885,120    149,520,384
        features.conv4  conv 3x3           384 x 13 x 13   1,327,488    224,280,576
        features.conv5  conv 3x3           256 x 13 x 13     884,992    149,520,384
        features.pool5  max pool 3x3 / 2     256 x 6 x 6           0              0
        classifier.fc6  linear                      4096  37,752,832     37,748,736
        classifier.fc7  linear                      4096  16,781,312     16,777,216
        classifier.fc8  linear                      1000   4,097,000      4,096,000
        total                                             62,357,608  1,168,032,896

    Error (top-1 / top-5, ILSVRC 2012 validation): 38.4 / 16.5 % for one network, 36.7 / 15.3 % for the mean of five (paper, table 2).
    """
    return ZFNet(num_classes, in_channels, channels=channels, hidden=hidden, weights=weights)
