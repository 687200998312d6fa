"""The convolution layer."""

from collections.abc import Sequence

from minicnn.autograd import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn import init
from minicnn.nn.module import Module, Parameter
from minicnn.ops import checks, conv2d


class Conv2d(Module):
    """A convolution with learned filters. See `minicnn.ops.conv2d` for the formula and the attributes.

    Parameters:
        weight (out_channels, in_channels / groups, kh, kw), drawn by He's rule for a ReLU that follows;
        bias (out_channels,), zero, if `bias` is true.

    Raises:
        ArgumentError: a size is below 1, or `groups` does not divide both numbers of channels.

    Example:
        >>> import minicnn
        >>> layer = Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        >>> layer(minicnn.zeros(1, 3, 224, 224)).shape
        (1, 64, 112, 112)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"Conv2d: groups={groups} must divide both in_channels={in_channels} and out_channels={out_channels}, all at least 1"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = checks.pair(kernel_size, "kernel_size"), checks.pair(stride, "stride")
        self.padding, self.dilation = checks.padding4(padding), checks.pair(dilation, "dilation")
        self.weight = Parameter(init.he_normal((out_channels, in_channels // groups, *self.kernel_size)))
        self.bias = Parameter(init.zeros((out_channels,))) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, P, Q)."""
        return conv2d(
            x, self.weight, self.bias,
            stride=self.stride, padding=self.padding, dilation=self.dilation, groups=self.groups,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return self.describe(
            self.in_channels, self.out_channels,
            kernel_size=(self.kernel_size, None), stride=(self.stride, (1, 1)), padding=(self.padding, (0, 0, 0, 0)),
            dilation=(self.dilation, (1, 1)), groups=(self.groups, 1), bias=(self.bias is not None, True),
        )  # fmt: skip
