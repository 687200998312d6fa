"""The pooling layers. They learn nothing."""

from collections.abc import Sequence

from minicnn.autograd import Tensor
from minicnn.nn.module import Module
from minicnn.ops import avg_pool2d, checks, max_pool2d
from minicnn.ops.pool import windows


class MaxPool2d(Module):
    """The largest pixel of each window. See `minicnn.ops.max_pool2d` for the formula and the attributes.

    Raises:
        ArgumentError: a size is below 1, or there is so much padding that a window could lie wholly in it.

    Example:
        >>> import minicnn
        >>> layer = MaxPool2d(kernel_size=3, stride=2, padding=1)
        >>> layer(minicnn.zeros(1, 64, 112, 112)).shape        # the stem of ResNet
        (1, 64, 56, 56)
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | str | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.dilation = windows(
            "MaxPool2d", kernel_size, stride, padding, dilation
        )
        self.ceil_mode = checks.flag(ceil_mode, "MaxPool2d: ceil_mode")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, P, Q)."""
        return max_pool2d(
            x, self.kernel_size, self.stride,
            padding=self.padding, dilation=self.dilation, ceil_mode=self.ceil_mode,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return self.describe(
            kernel_size=(self.kernel_size, None), stride=(self.stride, None), padding=(self.padding, (0, 0, 0, 0)),
            dilation=(self.dilation, (1, 1)), ceil_mode=(self.ceil_mode, False),
        )  # fmt: skip


class AvgPool2d(Module):
    """The mean of each window. See `minicnn.ops.avg_pool2d` for the formula and the attributes.

    Raises:
        ArgumentError: a size is below 1, or there is so much padding that a window could lie wholly in it.

    Example:
        >>> import minicnn
        >>> AvgPool2d(2)(minicnn.zeros(1, 6, 28, 28)).shape        # LeNet's sub-sampling
        (1, 6, 14, 14)
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | str | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, _ = windows("AvgPool2d", kernel_size, stride, padding)
        self.ceil_mode = checks.flag(ceil_mode, "AvgPool2d: ceil_mode")
        self.count_include_pad = checks.flag(count_include_pad, "AvgPool2d: count_include_pad")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, P, Q)."""
        return avg_pool2d(
            x, self.kernel_size, self.stride,
            padding=self.padding, ceil_mode=self.ceil_mode, count_include_pad=self.count_include_pad,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return self.describe(
            kernel_size=(self.kernel_size, None), stride=(self.stride, None), padding=(self.padding, (0, 0, 0, 0)),
            ceil_mode=(self.ceil_mode, False), count_include_pad=(self.count_include_pad, True),
        )  # fmt: skip
