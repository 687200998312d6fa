"""LeNet-5, the network that reads digits (1998)."""

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.errors import ShapeError
from minicnn.models.registry import register_model
from minicnn.ops import checks, tanh

SIZE = 32  # height and width of the image that C5 turns into a single column


@register_model
class LeNet5(nn.Module):
    """LeNet-5: two convolutions, two poolings, three fully connected layers.

    Three networks bear the name. LeNet-1 (1990) and LeNet-4 (1995) are smaller; this is LeNet-5, in the dense form in
    which it is taught today. Four things differ from the paper: C3 sees all six maps of S2 (the paper's table I connects
    each filter to some of them: 1,516 parameters instead of 2,416); the poolings S2 and S4 are plain averages without a
    trained scale and bias, and tanh comes before them; tanh is plain instead of 1.7159 tanh(2a/3); and the output is a
    linear layer, for softmax and cross-entropy, instead of distances to drawn prototypes (RBF).

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
    drawn for tanh, by LeCun's rule: variance 1 / fan_in.

    Args:
        num_classes: size of the output.
        in_channels: 1 for grey images, 3 for colour.

    Raises:
        ShapeError: the input is not (N, in_channels, 32, 32).

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

    def __init__(self, num_classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.input_shape = (in_channels, SIZE, SIZE)
        self.c1 = nn.Conv2d(in_channels, 6, kernel_size=5)
        self.s2 = nn.AvgPool2d(2)
        self.c3 = nn.Conv2d(6, 16, kernel_size=5)
        self.s4 = nn.AvgPool2d(2)
        self.c5 = nn.Linear(16 * 5 * 5, 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, num_classes)
        for layer in (self.c1, self.c3, self.c5, self.f6, self.output):
            layer.weight = nn.Parameter(nn.init.lecun_normal(layer.weight.shape))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, 32, 32) to scores (N, num_classes), to be given to `cross_entropy`."""
        checks.axes("LeNet5", x, 4, "(N, C, H, W)")
        if x.shape[2:] != (SIZE, SIZE):
            raise ShapeError(
                f"images must be {SIZE}x{SIZE} pixels; x is {x.shape}: resize them, or pad 28x28 digits by 2 on each side"
            )
        x = self.s2(tanh(self.c1(x)))
        x = self.s4(tanh(self.c3(x)))
        x = tanh(self.c5(x.reshape(x.shape[0], -1)))
        x = tanh(self.f6(x))
        return self.output(x)
