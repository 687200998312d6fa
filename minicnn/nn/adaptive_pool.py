"""The adaptive and global pooling layers. They learn nothing."""

from collections.abc import Sequence

from minicnn.autograd import Tensor
from minicnn.nn.module import Module
from minicnn.ops import adaptive_avg_pool2d, adaptive_max_pool2d, checks, global_avg_pool2d, global_max_pool2d


class AdaptiveAvgPool2d(Module):
    """The mean of each of P x Q bins, whatever the size of the image. See `minicnn.ops.adaptive_avg_pool2d`.

    Raises:
        ArgumentError: `output_size` is below 1 or no integer.

    Example:
        >>> import minicnn
        >>> AdaptiveAvgPool2d((6, 6))(minicnn.zeros(1, 256, 13, 13)).shape
        (1, 256, 6, 6)
    """

    def __init__(self, output_size: int | Sequence[int]) -> None:
        super().__init__()
        self.output_size = checks.pair(output_size, "AdaptiveAvgPool2d: output_size")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, P, Q)."""
        return adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        return self.describe(output_size=(self.output_size, None))


class AdaptiveMaxPool2d(Module):
    """The largest pixel of each of P x Q bins, whatever the size of the image. See `minicnn.ops.adaptive_max_pool2d`.

    Raises:
        ArgumentError: `output_size` is below 1 or no integer.

    Example:
        >>> import minicnn
        >>> AdaptiveMaxPool2d(7)(minicnn.zeros(1, 512, 20, 30)).shape
        (1, 512, 7, 7)
    """

    def __init__(self, output_size: int | Sequence[int]) -> None:
        super().__init__()
        self.output_size = checks.pair(output_size, "AdaptiveMaxPool2d: output_size")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, P, Q)."""
        return adaptive_max_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        return self.describe(output_size=(self.output_size, None))


class GlobalAvgPool2d(Module):
    """The mean of each channel, (N, C, H, W) to (N, C, 1, 1). See `minicnn.ops.global_avg_pool2d`.

    Example:
        >>> import minicnn
        >>> GlobalAvgPool2d()(minicnn.zeros(2, 512, 7, 7)).shape
        (2, 512, 1, 1)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, 1, 1)."""
        return global_avg_pool2d(x)


class GlobalMaxPool2d(Module):
    """The largest pixel of each channel, (N, C, H, W) to (N, C, 1, 1). See `minicnn.ops.global_max_pool2d`.

    Source:
        Oquab et al. 2015, "Is object localization for free?": the largest score over all places.

    Example:
        >>> import minicnn
        >>> GlobalMaxPool2d()(minicnn.zeros(2, 512, 7, 7)).shape
        (2, 512, 1, 1)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, 1, 1)."""
        return global_max_pool2d(x)
