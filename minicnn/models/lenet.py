"""LeNet-5, the network that reads digits (LeCun et al. 1998): as it is taught today, and as it was published."""

import numpy as np

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import checks, concatenate, tanh

SIZE = 32  # height and width of the image that C5 turns into a single column


def check_image(name: str, x: Tensor) -> None:
    """Refuse what is not a batch of images of 32x32 pixels."""
    checks.axes(name, x, 4, "(N, C, H, W)")
    if x.shape[2:] != (SIZE, SIZE):
        raise ShapeError(
            f"images must be {SIZE}x{SIZE} pixels; x is {x.shape}: resize them, or pad 28x28 digits by 2 on each side"
        )


def draw_for_tanh(*layers: nn.Conv2d | nn.Linear) -> None:
    """Draw the weights by LeCun's rule, variance 1 / fan_in: signals keep their size through a tanh, which is steepest at 0."""
    for layer in layers:
        layer.weight = nn.Parameter(nn.init.lecun_normal(layer.weight.shape))


@register_model
class LeNet5(nn.Module):
    """LeNet-5: two convolutions, two poolings, three fully connected layers.

    Three networks bear the name. LeNet-1 (1990) and LeNet-4 (1995) are smaller; this is LeNet-5, in the dense form in
    which it is taught today. Four things differ from the paper, which is `LeNet5Original`: C3 sees all six maps of S2 (the
    paper's table I connects each filter to some of them: 1,516 parameters instead of 2,416); the poolings S2 and S4 are
    plain averages without a trained scale and bias, and tanh comes before them; tanh is plain instead of
    1.7159 tanh(2a/3); and the output is a linear layer, for softmax and cross-entropy, instead of distances to drawn
    prototypes (RBF). (Caffe's "lenet", with 20 and 50 maps, max pooling and ReLU, is yet another network.)

        stage   layers                  output  parameters  multiply-adds
        input                      1 x 32 x 32
        c1      conv 5x5           6 x 28 x 28         156        117,600
        s2      avg pool 2x2 / 2   6 x 14 x 14           0              0
        c3      conv 5x5          16 x 10 x 10       2,416        240,000
        s4      avg pool 2x2 / 2    16 x 5 x 5           0              0
        c5      linear                     120      48,120         48,000
        f6      linear                      84      10,164         10,080
        output  linear                      10         850            840
        total                                       61,706        416,520

    C5 is a convolution with 5x5 windows in the paper; on maps of 5x5 that is the same as a linear layer. The weights are
    drawn for tanh, by LeCun's rule: variance 1 / fan_in. The paper's error on MNIST, of the original form, is 0.95 %.

    Args:
        num_classes: size of the output.
        in_channels: 1 for grey images, 3 for colour.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ShapeError: in the forward pass: the input is not (N, in_channels, 32, 32).

    Source:
        LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", sec. II-B, fig. 2.

    Example:
        >>> import minicnn
        >>> net = LeNet5()
        >>> net(minicnn.zeros(2, 1, 32, 32)).shape
        (2, 10)
        >>> sum(p.size for p in net.parameters())
        61706
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1, *, weights: Weights = None) -> None:
        super().__init__()
        self.input_shape = (in_channels, SIZE, SIZE)
        self.c1 = nn.Conv2d(in_channels, 6, kernel_size=5)
        self.s2 = nn.AvgPool2d(2)
        self.c3 = nn.Conv2d(6, 16, kernel_size=5)
        self.s4 = nn.AvgPool2d(2)
        self.c5 = nn.Linear(16 * 5 * 5, 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, num_classes)
        draw_for_tanh(self.c1, self.c3, self.c5, self.f6, self.output)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, 32, 32) to scores (N, num_classes), to be given to `cross_entropy`."""
        check_image("LeNet5", x)
        x = self.s2(tanh(self.c1(x)))
        x = self.s4(tanh(self.c3(x)))
        x = tanh(self.c5(x.reshape(x.shape[0], -1)))
        x = tanh(self.f6(x))
        return self.output(x)


MAPS_OF_S2 = (  # table I: which maps of S2 each of the 16 maps of C3 sees
    [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [0, 4, 5], [0, 1, 5],
    [0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [0, 3, 4, 5], [0, 1, 4, 5], [0, 1, 2, 5],
    [0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5],
    [0, 1, 2, 3, 4, 5],
)  # fmt: skip

DIGITS = """
..###.. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.##.##. ..###.. ##...## ##...## ...###. ##..... .##..## ##...## ##...## ##...##
##...## .####.. ##...## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## ..#.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. .....## .....## .##.##. ##..... ##..... ....##. .##.##. ##...##
##...## ...##.. ....##. ..####. .#..##. ######. ######. ...##.. ..###.. .######
##...## ...##.. ...##.. ..####. ##..##. ##...## ##...## ...##.. .##.##. .....##
##...## ...##.. ..##... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... .....## ....##. .....## ##...## .##.... ##...## .....##
.##.##. ...##.. ##..... ##...## ....##. ##...## ##...## .##.... ##...## ##..##.
..###.. .###### ####### .#####. ....##. .#####. .#####. .##.... .#####. .####..
"""  # the prototypes, 7 x 12 pixels


def prototypes() -> Array:
    """The drawn digits as the rows of a matrix (10, 84): +1 where there is ink, -1 elsewhere; pixels row by row.

    >>> prototypes().shape
    (10, 84)
    """
    rows = [line.split() for line in DIGITS.split("\n") if line]
    pixels = [[+1.0 if pixel == "#" else -1.0 for row in rows for pixel in row[digit]] for digit in range(10)]
    return np.array(pixels, np.float32)


def squash(a: Tensor) -> Tensor:
    """f(a) = 1.7159 tanh(2a/3), so that f(1) = 1 and f(-1) = -1: the targets lie where the curve bends most (appendix A)."""
    return tanh(a * (2 / 3)) * 1.7159


class SubSampling(nn.Module):
    """A pooling that learns: the mean of each 2x2 window, times the map's coefficient, plus the map's bias, squashed.

    The paper adds the four pixels; here the coefficient, which starts at 1, has that factor 4 in it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.weight = nn.Parameter(nn.init.ones((channels, 1, 1)))
        self.bias = nn.Parameter(nn.init.zeros((channels, 1, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, channels, H/2, W/2)."""
        return squash(self.weight * self.pool(x) + self.bias)


class PartialConv2d(nn.Module):
    """A 5x5 convolution in which each map of the output sees maps of the input of its own.

    It saves work, and breaks the symmetry: maps that see different things learn different things.

    Args:
        connections: for each map of the output, the numbers of the maps of the input that it sees.
    """

    def __init__(self, connections: tuple[list[int], ...]) -> None:
        super().__init__()
        self.connections = connections
        self.filters = nn.ModuleList(nn.Conv2d(len(maps), 1, kernel_size=5) for maps in connections)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, number of connections, H - 4, W - 4)."""
        return concatenate([conv(x[:, maps]) for conv, maps in zip(self.filters, self.connections, strict=True)], axis=1)


class RadialBasis(nn.Module):
    """*Minus* the squared distance to each of some fixed points: y_i = - sum over j of (x_j - w_ij)².

    The paper's units give the distance itself, and the smallest wins. Here the largest score wins, as everywhere else.
    """

    def __init__(self, points: Array) -> None:
        super().__init__()
        self.weight = nn.Buffer(points)

    def forward(self, x: Tensor) -> Tensor:
        """(N, features) to scores (N, points), none above 0."""
        difference = x.unsqueeze(1) - self.weight
        return -(difference * difference).sum(axis=2)


@register_model
class LeNet5Original(nn.Module):
    """LeNet-5 as published: partial connections, poolings that learn, and digits recognised by their distance to drawings.

    What was new: all of it, from pixels to classes, learns by one gradient; features are found by the same filters everywhere in
    the image, and their exact place is given up step by step.

        stage  layers               output  parameters  multiply-adds
        input                  1 x 32 x 32
        c1     conv 5x5        6 x 28 x 28         156        117,600
        s2     SubSampling     6 x 14 x 14          12              0
        c3     PartialConv2d  16 x 10 x 10       1,516        150,000
        s4     SubSampling      16 x 5 x 5          32              0
        c5     conv 5x5        120 x 1 x 1      48,120         48,000
        f6     linear                   84      10,164         10,080
        total                                   60,000        325,680

    It has 340,908 connections. MNIST test error: 0.95 %; 0.8 % when trained on distorted digits as well (sec. III).

    F6 is to draw the digit: its 84 outputs are compared with bitmaps of 7 x 12 pixels. Scores are *minus* the squared
    distances. `cross_entropy` of them is the paper's second criterion (sec. II-C) without its constant j for "none of these".
    The squashing function follows every layer but the output. The paper's images
    have -0.1 as background and 1.175 as ink.

    Choices where sources differ: the bitmaps are drawn anew, as the paper prints its own as pictures only; the
    sub-sampling takes the mean instead of the sum (`SubSampling`); weights start as in `LeNet5`.

    Args:
        num_classes: the first so many digits, at most 10.
        in_channels: 1 for grey images, 3 for colour.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: there are no drawings for so many classes.
        ShapeError: in the forward pass: the input is not (N, in_channels, 32, 32).

    Source:
        LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", sec. II-B, fig. 2,
        table I, eq. 5 to 7.

    Example:
        >>> import minicnn
        >>> net = LeNet5Original()
        >>> net(minicnn.zeros(2, 1, 32, 32)).shape
        (2, 10)
        >>> sum(p.size for p in net.parameters()), sum(b.size for b in net.buffers())
        (60000, 840)
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1, *, weights: Weights = None) -> None:
        super().__init__()
        self.input_shape = (in_channels, SIZE, SIZE)
        points = prototypes()
        if checks.integer(num_classes, "LeNet5Original: num_classes") > len(points):
            raise ArgumentError(
                f"LeNet5Original: there are drawings of {len(points)} digits, not of {num_classes} classes: LeNet5 takes any number"
            )
        self.c1 = nn.Conv2d(in_channels, 6, kernel_size=5)
        self.s2 = SubSampling(6)
        self.c3 = PartialConv2d(MAPS_OF_S2)
        self.s4 = SubSampling(16)
        self.c5 = nn.Conv2d(16, 120, kernel_size=5)
        self.f6 = nn.Linear(120, 84)
        self.output = RadialBasis(points[:num_classes])
        draw_for_tanh(*(layer for layer in self.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))))
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, 32, 32) to scores (N, num_classes): minus the squared distances to the drawings."""
        check_image("LeNet5Original", x)
        x = self.s2(squash(self.c1(x)))
        x = self.s4(squash(self.c3(x)))
        x = squash(self.c5(x)).flatten(1)
        return self.output(squash(self.f6(x)))
