"""GoogLeNet with batch normalisation: the form in which its weights are passed around today."""

from functools import partial

from minicnn import nn
from minicnn.checks import flag
from minicnn.models.googlenet import InceptionV1
from minicnn.models.inception_module import ConvBN
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model


@register_model
class GoogLeNetBN(InceptionV1):
    """GoogLeNet with batch normalisation after every convolution, called Inception v1 in TensorFlow. See `GoogLeNet`.

    No paper describes it. It differs from the paper's network in what follows: batch normalisation instead of biases and of
    local response normalisation; windows of 3x3 where the module has 5x5, a mistake that was kept because the weights
    depend on it; 2x2 for the last max pooling; dropout 0.2 instead of 0.4; and the auxiliary classifiers see the mean of
    4x4 bins, so that they take images of any size.

        stage        layers                       output  parameters  multiply-adds
        input                              3 x 224 x 224
        conv1        conv 7x7 / 2         64 x 112 x 112       9,536    118,013,952
        maxpool1     max pool 3x3 / 2       64 x 56 x 56           0              0
        conv2        conv 1x1               64 x 56 x 56       4,224     12,845,056
        conv3        conv 3x3              192 x 56 x 56     110,976    346,816,512
        maxpool2     max pool 3x3 / 2      192 x 28 x 28           0              0
        inception3a  InceptionModule       256 x 28 x 28     155,872    121,626,624
        inception3b  InceptionModule       480 x 28 x 28     340,224    265,732,096
        maxpool3     max pool 3x3 / 2      480 x 14 x 14           0              0
        inception4a  InceptionModule       512 x 14 x 14     364,512     71,199,744
        inception4b  InceptionModule       512 x 14 x 14     425,232     83,091,456
        inception4c  InceptionModule       512 x 14 x 14     486,192     95,033,344
        inception4d  InceptionModule       528 x 14 x 14     573,312    112,093,184
        inception4e  InceptionModule       832 x 14 x 14     803,840    157,151,232
        maxpool4     max pool 2x2 / 2        832 x 7 x 7           0              0
        inception5a  InceptionModule         832 x 7 x 7     978,944     47,867,904
        inception5b  InceptionModule        1024 x 7 x 7   1,347,040     65,881,088
        avgpool      avg pool to 1x1        1024 x 1 x 1           0              0
        fc           linear                         1000   1,025,000      1,024,000
        aux1         AuxiliaryClassifier     in training   3,188,968              0
        aux2         AuxiliaryClassifier     in training   3,191,016              0
        total                                             13,004,888  1,498,376,192

    ImageNet error (top-1 / top-5), one crop: 30.2 / 10.4 % (TF-slim, Inception v1); 30.22 / 10.47 % (torchvision).

    Choices where sources differ: all as in torchvision, including the names of parameters, batch norm's eps 1e-3 and its
    momentum 0.1 (TF-slim's decay of 0.9997 would be 0.0003). Images are not rescaled inside the network.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        aux: with the two auxiliary classifiers. In training mode the network then returns `Outputs`, for
            `auxiliary_cross_entropy`; in evaluation mode it returns scores.
        true_5x5: windows of 5x5 in the modules, as in the paper: 7,005,832 parameters without auxiliary classifiers.
        width: the numbers of channels are multiplied by it.
        weights: a file of weights, "imagenet" for torchvision's, or None to start from random ones.

    Raises:
        ArgumentError: `width` is not above 0.

    Source:
        Szegedy et al. 2014, "Going deeper with convolutions" (arXiv:1409.4842); Ioffe & Szegedy 2015, "Batch normalization"
        (arXiv:1502.03167).

    Example:
        >>> import minicnn
        >>> net = GoogLeNetBN(num_classes=10, width=0.125)
        >>> outputs = net(minicnn.ones(2, 3, 64, 64))
        >>> outputs.scores.shape, [scores.shape for scores in outputs.auxiliary]
        ((2, 10), [(2, 10), (2, 10)])
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        aux: bool = True,
        true_5x5: bool = False,
        width: float = 1.0,
        weights: Weights = None,
    ) -> None:
        super().__init__(
            num_classes,
            in_channels,
            conv=ConvBN,
            kernel_size=5 if flag(true_5x5, "GoogLeNetBN: true_5x5") else 3,
            norm=nn.Identity,
            last_pool=2,
            aux_pool=partial(nn.AdaptiveAvgPool2d, 4),
            dropout=0.2,
            aux=aux,
            width=width,
        )
        load_pretrained(self, weights)
