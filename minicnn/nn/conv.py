"""The convolution layer."""

import math
from collections.abc import Sequence

from minicnn.autograd import Tensor
from minicnn.backend import get_backend
from minicnn.errors import ArgumentError
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops import checks, conv2d, relu, relu6


class Conv2d(Module):
    """A convolution with learned filters. See `minicnn.ops.conv2d` for the formula and the attributes.

    Attributes:
        weight: (out_channels, in_channels / groups, kh, kw), drawn by He's rule for a ReLU that follows.
        bias: (out_channels,), zero at first; None unless `bias`.

    Raises:
        ArgumentError: a size is below 1 or no integer, or `groups` does not divide both numbers of channels.

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
        padding: int | str | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        C, O = checks.integer(in_channels, "Conv2d: in_channels"), checks.integer(out_channels, "Conv2d: out_channels")
        G = checks.integer(groups, "Conv2d: groups")
        if C % G or O % G:
            raise ArgumentError(f"Conv2d: groups={G} must divide both in_channels={C} and out_channels={O}")
        self.in_channels, self.out_channels, self.groups = C, O, G
        self.kernel_size = checks.pair(kernel_size, "Conv2d: kernel_size")
        self.stride, self.padding = checks.pair(stride, "Conv2d: stride"), checks.padding(padding, "Conv2d: padding")
        self.dilation = checks.pair(dilation, "Conv2d: dilation")
        self.weight = Parameter(init.he_normal((O, C // G, *self.kernel_size)))
        self.bias = Parameter(init.zeros((O,))) if checks.flag(bias, "Conv2d: bias") else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, P, Q)."""
        return self._convolve(x, None)

    def _convolve(self, x: Tensor, ceiling: float | None) -> Tensor:
        return conv2d(
            x, self.weight, self.bias,
            stride=self.stride, padding=self.padding, dilation=self.dilation, groups=self.groups, ceiling=ceiling,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return self.describe(
            self.in_channels, self.out_channels,
            kernel_size=(self.kernel_size, None), stride=(self.stride, (1, 1)), padding=(self.padding, (0, 0, 0, 0)),
            dilation=(self.dilation, (1, 1)), groups=(self.groups, 1), bias=(self.bias is not None, True),
        )  # fmt: skip


class ConvReLU2d(Conv2d):
    """A convolution and the ReLU behind it, as `minicnn.nn.fuse` makes it from both.

    One operation where the backend has a kernel for it, the two of them elsewhere.

    Args:
        conv: the convolution, whose parameters are shared.
        ceiling: the result is clipped to 0..ceiling: infinity for a ReLU, 6 for a ReLU6.

    Raises:
        ArgumentError: another ceiling.

    Example:
        >>> import minicnn
        >>> layer = ConvReLU2d(Conv2d(3, 8, 3), ceiling=6.0)
        >>> float(layer(100 * minicnn.ones(1, 3, 5, 5)).max()) <= 6
        True
    """

    def __init__(self, conv: Conv2d, ceiling: float = math.inf) -> None:
        Module.__init__(self)
        if ceiling not in (math.inf, 6):
            raise ArgumentError(f"ConvReLU2d: ceiling must be infinity (ReLU) or 6 (ReLU6), not {ceiling!r}")
        for name, value in vars(conv).items():
            if not name.startswith("_"):
                setattr(self, name, value)
        self.ceiling = ceiling

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, P, Q)."""
        if get_backend().kernel("conv2d_relu").source == "cpu":
            return self._convolve(x, self.ceiling)
        y = self._convolve(x, None)
        return relu6(y) if self.ceiling == 6 else relu(y)

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.ceiling == math.inf else f", ceiling={self.ceiling:g}")
