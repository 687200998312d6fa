"""GoogLeNet: a deep network of Inception modules (Szegedy et al. 2014). `googlenet_bn.py` has it with batch normalisation."""

from collections.abc import Callable
from functools import partial

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import flag, positive
from minicnn.errors import ShapeError
from minicnn.models.auxiliary import Outputs
from minicnn.models.inception_module import ConvReLU, InceptionModule, MakeConv
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import relu

MODULES = {  # table 1: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class AuxiliaryClassifier(nn.Module):
    """A small network on top of an inner layer, which brings a gradient to the layers below. It is used in training only.

        x  ─►  pool to 4x4  ─►  1x1 conv  ─►  linear, ReLU, dropout 0.7  ─►  linear  ─►  scores

    Args:
        in_channels: of the inner layer's output.
        channels: of the 1x1 convolution; 128 in the paper.
        hidden: of the linear layer; 1024 in the paper.
        num_classes: size of the output.
        conv: makes the 1x1 convolution with what follows it.
        pool: turns the inner layer's output into 4x4 pixels.

    Source:
        Szegedy et al. 2014, sec. 5.

    Example:
        >>> import minicnn
        >>> head = AuxiliaryClassifier(512, 128, 1024, num_classes=10, conv=ConvReLU, pool=nn.AvgPool2d(5, stride=3))
        >>> head(minicnn.ones(2, 512, 14, 14)).shape
        (2, 10)
    """

    def __init__(self, in_channels: int, channels: int, hidden: int, num_classes: int, conv: MakeConv, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool
        self.conv = conv(in_channels, channels, 1)
        self.fc1 = nn.Linear(channels * 4 * 4, hidden)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.conv(self.pool(x)).flatten(1)
        return self.fc2(self.dropout(relu(self.fc1(x))))


class InceptionV1(nn.Module):
    """What both GoogLeNets share: a stem that halves the image three times, nine Inception modules, one linear layer.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        conv: makes a convolution with what follows it.
        kernel_size: of the modules' large windows.
        norm: makes the normalisation of the stem.
        last_pool: window of the last max pooling.
        aux_pool: makes the pooling of an auxiliary classifier.
        dropout: before the linear layer.
        aux: with the two auxiliary classifiers.
        width: the numbers of channels are multiplied by it.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        *,
        conv: MakeConv,
        kernel_size: int,
        norm: Callable[[], nn.Module],
        last_pool: int,
        aux_pool: Callable[[], nn.Module],
        dropout: float,
        aux: bool,
        width: float,
    ) -> None:
        def c(channels: int) -> int:
            return round(channels * width)

        def module(name: str, in_channels: int) -> InceptionModule:
            return InceptionModule(in_channels, *map(c, MODULES[name]), conv=conv, kernel_size=kernel_size)

        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        width = positive(width, f"{type(self).__name__}: width")
        self.aux = flag(aux, f"{type(self).__name__}: aux")
        self.conv1 = conv(in_channels, c(64), 7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.norm1 = norm()
        self.conv2 = conv(c(64), c(64), 1)
        self.conv3 = conv(c(64), c(192), 3)
        self.norm2 = norm()
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = module("3a", c(192))
        self.inception3b = module("3b", self.inception3a.out_channels)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = module("4a", self.inception3b.out_channels)
        self.inception4b = module("4b", self.inception4a.out_channels)
        self.inception4c = module("4c", self.inception4b.out_channels)
        self.inception4d = module("4d", self.inception4c.out_channels)
        self.inception4e = module("4e", self.inception4d.out_channels)
        self.maxpool4 = nn.MaxPool2d(last_pool, stride=2, ceil_mode=True)
        self.inception5a = module("5a", self.inception4e.out_channels)
        self.inception5b = module("5b", self.inception5a.out_channels)
        if self.aux:
            self.aux1, self.aux2 = (
                AuxiliaryClassifier(inner.out_channels, c(128), c(1024), num_classes, conv, aux_pool())
                for inner in (self.inception4a, self.inception4d)
            )
        self.avgpool = nn.GlobalAvgPool2d()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.inception5b.out_channels, num_classes)

    def forward(self, x: Tensor) -> Tensor | Outputs:
        """(N, in_channels, H, W) to scores (N, num_classes); in training mode with `aux` to `Outputs`."""
        x = self.norm1(self.maxpool1(self.conv1(x)))
        x = self.maxpool2(self.norm2(self.conv3(self.conv2(x))))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        x4a = self.inception4a(x)
        x4d = self.inception4d(self.inception4c(self.inception4b(x4a)))
        x = self.maxpool4(self.inception4e(x4d))
        x = self.inception5b(self.inception5a(x))
        scores: Tensor = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        if self.training and self.aux:
            return Outputs(scores, (self.aux1(x4a), self.aux2(x4d)))
        return scores


@register_model
class GoogLeNet(InceptionV1):
    """GoogLeNet as in the paper: 22 layers with weights, and no hidden linear layer. It won ILSVRC 2014.

    What was new: the Inception module, whose 1x1 convolutions make depth and several sizes of windows affordable; global
    average pooling instead of hidden linear layers; and auxiliary classifiers, because at 22 layers without batch
    normalisation the gradient needed help. The paper speaks of 12 times fewer parameters than AlexNet; counted, 6,998,552
    against 60,965,224 are 9 times fewer.

        stage        layers                       output  parameters  multiply-adds
        input                              3 x 224 x 224
        conv1        conv 7x7 / 2         64 x 112 x 112       9,472    118,013,952
        maxpool1     max pool 3x3 / 2       64 x 56 x 56           0              0
        conv2        conv 1x1               64 x 56 x 56       4,160     12,845,056
        conv3        conv 3x3              192 x 56 x 56     110,784    346,816,512
        maxpool2     max pool 3x3 / 2      192 x 28 x 28           0              0
        inception3a  InceptionModule       256 x 28 x 28     163,696    128,049,152
        inception3b  InceptionModule       480 x 28 x 28     388,736    304,267,264
        maxpool3     max pool 3x3 / 2      480 x 14 x 14           0              0
        inception4a  InceptionModule       512 x 14 x 14     376,176     73,608,192
        inception4b  InceptionModule       512 x 14 x 14     449,160     87,908,352
        inception4c  InceptionModule       512 x 14 x 14     510,104     99,850,240
        inception4d  InceptionModule       528 x 14 x 14     605,376    118,515,712
        inception4e  InceptionModule       832 x 14 x 14     868,352    169,996,288
        maxpool4     max pool 3x3 / 2        832 x 7 x 7           0              0
        inception5a  InceptionModule         832 x 7 x 7   1,043,456     51,079,168
        inception5b  InceptionModule        1024 x 7 x 7   1,444,080     70,697,984
        avgpool      avg pool to 1x1        1024 x 1 x 1           0              0
        fc           linear                         1000   1,025,000      1,024,000
        aux1         AuxiliaryClassifier     in training   3,188,840              0
        aux2         AuxiliaryClassifier     in training   3,190,888              0
        total                                             13,378,280  1,582,671,872

    ImageNet error (top-1 / top-5): - / 10.07 % with one crop, - / 6.67 % with seven networks and 144 crops (paper, tables 2 and
    3); 31.3 / 11.1 % with one crop (the replica in Caffe's model zoo).

    Choices where sources differ: the windows of 5x5 are 5x5, convolutions have biases, and poolings round up, as in Caffe's
    replica (112 to 56 to 28 to 14 to 7 pixels); local response normalisation stands after the first pooling and before
    the second, with Caffe's constants: size 5, alpha 1e-4 divided by 5, beta 0.75, k 1. The paper's table 1 gives the
    first convolution 2.7K parameters and 34M operations: those of a 7x7 convolution in two steps, 8 filters for each
    channel by itself and then 1x1. Here it is an ordinary one.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        aux: with the two auxiliary classifiers. In training mode the network then returns `Outputs`, for
            `auxiliary_cross_entropy`, and needs images of 223 to 270 pixels; in evaluation mode it returns scores, for images
            of any size from about 32 pixels.
        width: the numbers of channels are multiplied by it.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `width` is not above 0.
        ShapeError: in training mode with `aux`, the images are too small or too large.

    Source:
        Szegedy et al. 2014, "Going deeper with convolutions", sec. 5, table 1 and fig. 3 (arXiv:1409.4842).

    Example:
        >>> import minicnn
        >>> net = GoogLeNet(num_classes=10, width=0.125)
        >>> outputs = net(minicnn.ones(2, 3, 224, 224))
        >>> outputs.scores.shape, [scores.shape for scores in outputs.auxiliary]
        ((2, 10), [(2, 10), (2, 10)])
        >>> net.eval()(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(
        self, num_classes: int = 1000, in_channels: int = 3, *, aux: bool = True, width: float = 1.0, weights: Weights = None
    ) -> None:
        super().__init__(
            num_classes,
            in_channels,
            conv=ConvReLU,
            kernel_size=5,
            norm=partial(nn.LocalResponseNorm, 5),
            last_pool=3,
            aux_pool=partial(nn.AvgPool2d, 5, stride=3),
            dropout=0.4,
            aux=aux,
            width=width,
        )
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor | Outputs:
        """(N, in_channels, H, W) to scores (N, num_classes); in training mode with `aux` to `Outputs`."""
        if self.training and self.aux and not all(223 <= side <= 270 for side in x.shape[2:]):  # the poolings leave 4x4 of these
            raise ShapeError(
                "in training mode the auxiliary classifiers, which have linear layers, need images of 223 to 270 pixels; "
                f"x is {x.shape}: resize the images, or make the network with aux=False"
            )
        return super().forward(x)
