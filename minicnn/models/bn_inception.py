"""BN-Inception, also called Inception v2: the network with which batch normalisation was introduced (Ioffe & Szegedy 2015)."""

from functools import partial

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import positive
from minicnn.models.inception_module import Branches, ConvBN
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model

conv_bn = partial(ConvBN, bias=True, eps=1e-5)


class DoubleInceptionModule(Branches):
    """An Inception module whose 5x5 windows are two 3x3 windows one after the other.

                    x ──────────┬────────────┬────────────┐
                    │           │            │            │
                    │        1x1 conv     1x1 conv     3x3 pool
                    │           │            │            │
                    │           │         3x3 conv        │
                    │           │            │            │
                1x1 conv     3x3 conv     3x3 conv     1x1 conv
                    │           │            │            │
                    └───────────┴─ channels ─┴────────────┘

    Args:
        in_channels: of the input.
        c1x1, reduce3x3, c3x3, reduce_double, double, pool_proj: filters of each convolution, in the order of the paper's
            table; `double` is the number of both 3x3 convolutions of the third branch.
        max_pool: instead of the average.

    Attributes:
        out_channels: of the result: c1x1 + c3x3 + double + pool_proj.

    Source:
        Ioffe & Szegedy 2015, appendix, fig. 5.

    Example:
        >>> import minicnn
        >>> DoubleInceptionModule(192, 64, 64, 64, 64, 96, 32)(minicnn.ones(2, 192, 28, 28)).shape
        (2, 256, 28, 28)
    """

    def __init__(
        self,
        in_channels: int,
        c1x1: int,
        reduce3x3: int,
        c3x3: int,
        reduce_double: int,
        double: int,
        pool_proj: int,
        *,
        max_pool: bool = False,
    ) -> None:
        pool = nn.MaxPool2d if max_pool else nn.AvgPool2d
        super().__init__(
            branch1=conv_bn(in_channels, c1x1, 1),
            branch2=nn.Sequential(conv_bn(in_channels, reduce3x3, 1), conv_bn(reduce3x3, c3x3, 3)),
            branch3=nn.Sequential(conv_bn(in_channels, reduce_double, 1), conv_bn(reduce_double, double, 3), conv_bn(double, double, 3)),
            branch4=nn.Sequential(pool(3, stride=1, padding=1), conv_bn(in_channels, pool_proj, 1)),
        )
        self.out_channels = c1x1 + c3x3 + double + pool_proj


class ReductionModule(Branches):
    """The module that halves the image: without the 1x1 branch, with stride 2, and the pooling passes its channels on.

                        x ──────────┬────────────┐
                        │           │            │
                     1x1 conv    1x1 conv   3x3 max pool / 2
                        │           │            │
                        │        3x3 conv        │
                        │           │            │
                   3x3 conv / 2  3x3 conv / 2    │
                        │           │            │
                        └─── channels ───────────┘

    Args:
        in_channels: of the input.
        reduce3x3, c3x3, reduce_double, double: as for `DoubleInceptionModule`.

    Attributes:
        out_channels: of the result: c3x3 + double + in_channels.

    Source:
        Ioffe & Szegedy 2015, appendix, fig. 5, rows 3c and 4e.

    Example:
        >>> import minicnn
        >>> ReductionModule(320, 128, 160, 64, 96)(minicnn.ones(2, 320, 28, 28)).shape
        (2, 576, 14, 14)
    """

    def __init__(self, in_channels: int, reduce3x3: int, c3x3: int, reduce_double: int, double: int) -> None:
        super().__init__(
            branch1=nn.Sequential(conv_bn(in_channels, reduce3x3, 1), conv_bn(reduce3x3, c3x3, 3, stride=2, padding=1)),
            branch2=nn.Sequential(
                conv_bn(in_channels, reduce_double, 1),
                conv_bn(reduce_double, double, 3),
                conv_bn(double, double, 3, stride=2, padding=1),
            ),
            branch3=nn.MaxPool2d(3, stride=2, ceil_mode=True),
        )
        self.out_channels = c3x3 + double + in_channels


@register_model
class BNInception(nn.Module):
    """GoogLeNet with batch normalisation, and two 3x3 windows for each 5x5.

    What was new: batch normalisation, in front of every ReLU. With it the network could be trained at thirty times the
    learning rate, and needed neither local response normalisation nor dropout. The image is halved by modules with stride 2
    instead of poolings between modules.

        stage        layers                         output  parameters  multiply-adds
        input                                3 x 224 x 224
        conv1        conv 7x7 / 2           64 x 112 x 112       9,600    118,013,952
        maxpool1     max pool 3x3 / 2         64 x 56 x 56           0              0
        conv2        conv 1x1                 64 x 56 x 56       4,288     12,845,056
        conv3        conv 3x3                192 x 56 x 56     111,168    346,816,512
        maxpool2     max pool 3x3 / 2        192 x 28 x 28           0              0
        inception3a  DoubleInceptionModule   256 x 28 x 28     219,552    170,999,808
        inception3b  DoubleInceptionModule   320 x 28 x 28     260,704    203,112,448
        inception3c  ReductionModule         576 x 14 x 14     385,632    143,904,768
        inception4a  DoubleInceptionModule   576 x 14 x 14     610,848    119,218,176
        inception4b  DoubleInceptionModule   576 x 14 x 14     666,240    130,056,192
        inception4c  DoubleInceptionModule   608 x 14 x 14     915,456    178,827,264
        inception4d  DoubleInceptionModule   608 x 14 x 14   1,144,000    223,584,256
        inception4e  ReductionModule          1056 x 7 x 7   1,451,008    164,577,280
        inception5a  DoubleInceptionModule    1024 x 7 x 7   2,210,496    108,079,104
        inception5b  DoubleInceptionModule    1024 x 7 x 7   2,281,248    111,541,248
        avgpool      avg pool to 1x1          1024 x 1 x 1           0              0
        fc           linear                           1000   1,025,000      1,024,000
        total                                               11,295,240  2,032,600,064

    ImageNet error (top-1 / top-5): 25.2 / 7.8 % with one crop (Szegedy et al. 2016, "Inception-v4", table 2).

    Choices where sources differ: the numbers of channels are those of the network that was released for Caffe and is in use
    since. TF-slim has pool projections of 96 in 4c and 4d, which gives 576 channels; here they are 128, and there
    are 608. Convolutions have biases, although the normalisation after them takes them away again; the first one is an
    ordinary convolution (TF-slim's is separable); average poolings count the padding; the pooling in 5b is a max pooling.
    Batch norm has eps 1e-5 and momentum 0.1. Names of parameters are our own, after GoogLeNet's.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        width: the numbers of channels are multiplied by it.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `width` is not above 0.

    Source:
        Ioffe & Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal covariate shift",
        sec. 4.2 and appendix (arXiv:1502.03167).

    Example:
        >>> import minicnn
        >>> BNInception(num_classes=10, width=0.125)(minicnn.ones(2, 3, 64, 64)).shape
        (2, 10)
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, *, width: float = 1.0, weights: Weights = None) -> None:
        def c(*channels: int) -> list[int]:
            return [round(n * width) for n in channels]

        super().__init__()
        self.input_shape = (in_channels, 224, 224)
        width = positive(width, "BNInception: width")
        conv1, conv2, conv3 = c(64, 64, 192)
        self.conv1 = conv_bn(in_channels, conv1, 7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = conv_bn(conv1, conv2, 1)
        self.conv3 = conv_bn(conv2, conv3, 3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = DoubleInceptionModule(conv3, *c(64, 64, 64, 64, 96, 32))
        self.inception3b = DoubleInceptionModule(self.inception3a.out_channels, *c(64, 64, 96, 64, 96, 64))
        self.inception3c = ReductionModule(self.inception3b.out_channels, *c(128, 160, 64, 96))
        self.inception4a = DoubleInceptionModule(self.inception3c.out_channels, *c(224, 64, 96, 96, 128, 128))
        self.inception4b = DoubleInceptionModule(self.inception4a.out_channels, *c(192, 96, 128, 96, 128, 128))
        self.inception4c = DoubleInceptionModule(self.inception4b.out_channels, *c(160, 128, 160, 128, 160, 128))
        self.inception4d = DoubleInceptionModule(self.inception4c.out_channels, *c(96, 128, 192, 160, 192, 128))
        self.inception4e = ReductionModule(self.inception4d.out_channels, *c(128, 192, 192, 256))
        self.inception5a = DoubleInceptionModule(self.inception4e.out_channels, *c(352, 192, 320, 160, 224, 128))
        self.inception5b = DoubleInceptionModule(self.inception5a.out_channels, *c(352, 192, 320, 192, 224, 128), max_pool=True)
        self.avgpool = nn.GlobalAvgPool2d()
        self.fc = nn.Linear(self.inception5b.out_channels, num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        x = self.inception3c(self.inception3b(self.inception3a(x)))
        x = self.inception4d(self.inception4c(self.inception4b(self.inception4a(x))))
        x = self.inception5b(self.inception5a(self.inception4e(x)))
        return self.fc(self.avgpool(x).flatten(1))
