"""The Inception module in its two forms (Szegedy et al. 2014, fig. 2), and the parts that all networks of the family are made of."""

from typing import Protocol

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import is_number
from minicnn.errors import ArgumentError
from minicnn.ops import concatenate


class ConvReLU(nn.Sequential):
    """A convolution and a ReLU, as in the networks before batch normalisation. Padding keeps the size of the image.

    Example:
        >>> [name for name, _ in ConvReLU(3, 64, kernel_size=7).named_parameters()]
        ['conv.weight', 'conv.bias']
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int = 1,
        padding: int | str = "same",
    ) -> None:
        super().__init__({"conv": nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding), "relu": nn.ReLU()})


class ConvBN(nn.Sequential):
    """A convolution, batch normalisation and a ReLU. Padding keeps the size of the image; 0 is the "V" in the papers' figures.

    Args:
        bias: of the convolution. The normalisation after it takes it away again; some networks have it nevertheless.
        eps: of the normalisation; 1e-3 in TensorFlow, where most of these networks come from.

    Example:
        >>> [name for name, _ in ConvBN(3, 64, kernel_size=7).named_parameters()]
        ['conv.weight', 'bn.weight', 'bn.bias']
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int = 1,
        padding: int | str = "same",
        *,
        bias: bool = False,
        eps: float = 1e-3,
    ) -> None:
        conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        super().__init__({"conv": conv, "bn": nn.BatchNorm2d(out_channels, eps=eps), "relu": nn.ReLU()})


class MakeConv(Protocol):
    """`conv(in_channels, out_channels, kernel_size, stride, padding)`: `ConvReLU`, `ConvBN`, or one of `conv_bn`."""

    def __call__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int = 1,
        padding: int | str = "same",
    ) -> nn.Module:
        """The convolution with what follows it."""


def scaled(channels: int, width: float) -> int:
    """The number of channels, at this width, of a layer that has `channels` at width 1; that is a multiple of 16.

    In the networks since Inception-v3 all numbers of channels are multiples of 16. A width in sixteenths keeps them whole, so
    that channels which are joined still add up to what the next layer expects.

    Raises:
        ArgumentError: the width is no multiple of 1/16.

    Example:
        >>> scaled(384, width=0.25)
        96
    """
    if not is_number(width) or width <= 0 or not float(16 * width).is_integer():
        raise ArgumentError(f"Inception: width must be a multiple of 1/16 above 0, not {width!r}: numbers of channels are multiples of 16")
    return int(channels * width)


def conv_bn(width: float) -> MakeConv:
    """`ConvBN` for a network of that width: both numbers of channels are multiplied by it."""

    def conv(
        in_channels: int, out_channels: int, kernel_size: int | tuple[int, int], stride: int = 1, padding: int | str = "same"
    ) -> ConvBN:
        return ConvBN(scaled(in_channels, width), scaled(out_channels, width), kernel_size, stride, padding)

    return conv


class Branches(nn.Module):
    """Several ways for one input; what comes out of them is joined along the channels.

    Args:
        branches: the modules by name, all with the same height and width of their outputs.

    Example:
        >>> import minicnn
        >>> both = Branches(pool=nn.MaxPool2d(3, stride=2), conv=nn.Conv2d(64, 96, 3, stride=2))
        >>> both(minicnn.ones(1, 64, 15, 15)).shape
        (1, 160, 7, 7)
    """

    def __init__(self, **branches: nn.Module) -> None:
        super().__init__()
        for name, branch in branches.items():
            setattr(self, name, branch)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, sum of the branches' channels, P, Q)."""
        return concatenate([branch(x) for branch in self.children()], axis=1)


class NaiveInceptionModule(Branches):
    """The Inception module, naive version: windows of several sizes side by side.

                    x ──────────┬────────────┬────────────┐
                    │           │            │            │
                1x1 conv     3x3 conv     5x5 conv    3x3 max pool
                    │           │            │            │
                    └───────────┴─ channels ─┴────────────┘

    The trouble: the pooling passes all its channels on, so that each module has more of them than the one before, and
    large windows on many channels cost much. The lecture's example:

        >>> from minicnn.analysis import summarize
        >>> summary = summarize(NaiveInceptionModule(256, 128, 192, 96), (256, 28, 28))
        >>> summary.outputs[""], f"{summary.macs:,}"
        ((1, 672, 28, 28), '854,196,224')

    Args:
        in_channels: of the input.
        c1x1, c3x3, c5x5: filters of each size.

    Attributes:
        out_channels: of the result: c1x1 + c3x3 + c5x5 + in_channels.

    Source:
        Szegedy et al. 2014, "Going deeper with convolutions", fig. 2 (a); lecture "CNN Architectures".

    Example:
        >>> import minicnn
        >>> NaiveInceptionModule(16, 8, 12, 6)(minicnn.ones(1, 16, 7, 7)).shape        # 8 + 12 + 6 + 16 channels
        (1, 42, 7, 7)
    """

    def __init__(self, in_channels: int, c1x1: int, c3x3: int, c5x5: int) -> None:
        super().__init__(
            branch1=ConvReLU(in_channels, c1x1, 1),
            branch2=ConvReLU(in_channels, c3x3, 3),
            branch3=ConvReLU(in_channels, c5x5, 5),
            branch4=nn.MaxPool2d(3, stride=1, padding=1),
        )
        self.out_channels = c1x1 + c3x3 + c5x5 + in_channels


class InceptionModule(Branches):
    """The Inception module with dimension reductions: 1x1 convolutions as bottlenecks before the large windows.

                    x ──────────┬────────────┬────────────┐
                    │           │            │            │
                    │        1x1 conv     1x1 conv    3x3 max pool
                    │           │            │            │
                1x1 conv     3x3 conv     5x5 conv     1x1 conv
                    │           │            │            │
                    └───────────┴─ channels ─┴────────────┘

    The lecture's example, with bottlenecks of 64 channels in front of the same windows. Its rows of multiply-adds sum to
    271M, a third of the naive module; the 358M that it prints is this sum with the row of the 3x3 convolution counted twice.

        >>> from minicnn.analysis import summarize
        >>> summary = summarize(InceptionModule(256, 128, 64, 192, 64, 96, 64), (256, 28, 28))
        >>> summary.outputs[""], f"{summary.macs:,}"
        ((1, 480, 28, 28), '271,351,808')

    Args:
        in_channels: of the input.
        c1x1, reduce3x3, c3x3, reduce5x5, c5x5, pool_proj: filters of each convolution, in the order of the paper's table 1.
        conv: makes a convolution with what follows it.
        kernel_size: of the large windows, 5; some networks have 3 there.

    Attributes:
        out_channels: of the result: c1x1 + c3x3 + c5x5 + pool_proj.

    Source:
        Szegedy et al. 2014, "Going deeper with convolutions", fig. 2 (b); lecture "CNN Architectures".

    Example:
        >>> import minicnn
        >>> InceptionModule(192, 64, 96, 128, 16, 32, 32)(minicnn.ones(1, 192, 7, 7)).shape        # GoogLeNet's first
        (1, 256, 7, 7)
    """

    def __init__(
        self,
        in_channels: int,
        c1x1: int,
        reduce3x3: int,
        c3x3: int,
        reduce5x5: int,
        c5x5: int,
        pool_proj: int,
        *,
        conv: MakeConv = ConvReLU,
        kernel_size: int = 5,
    ) -> None:
        super().__init__(
            branch1=conv(in_channels, c1x1, 1),
            branch2=nn.Sequential(conv(in_channels, reduce3x3, 1), conv(reduce3x3, c3x3, 3)),
            branch3=nn.Sequential(conv(in_channels, reduce5x5, 1), conv(reduce5x5, c5x5, kernel_size)),
            branch4=nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(in_channels, pool_proj, 1)),
        )
        self.out_channels = c1x1 + c3x3 + c5x5 + pool_proj
