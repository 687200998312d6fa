"""The group and instance normalisation layers."""

from minicnn.autograd import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn import init
from minicnn.nn.batch_norm import check_channels
from minicnn.nn.module import Module, Parameter
from minicnn.ops import checks
from minicnn.ops.group_norm import group_norm, instance_norm


class GroupNorm(Module):
    """Normalisation of groups of channels, image by image. See `minicnn.ops.group_norm` for the formula.

    Parameters (if `affine`):
        weight (num_channels,), the scale gamma, one; bias (num_channels,), the shift beta, zero.

    Raises:
        ArgumentError: `num_groups` does not divide `num_channels`, or `eps` is not positive.

    Example:
        >>> import minicnn
        >>> GroupNorm(4, 16)(minicnn.zeros(1, 16, 5, 7)).shape
        (1, 16, 5, 7)
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        if min(num_groups, num_channels) < 1 or num_channels % num_groups:
            raise ArgumentError(
                f"GroupNorm: num_groups={num_groups} must divide num_channels={num_channels}, both at least 1"
            )
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, checks.positive(eps, "eps")
        affine = checks.flag(affine, "affine")
        self.weight = Parameter(init.ones((num_channels,))) if affine else None
        self.bias = Parameter(init.zeros((num_channels,))) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, num_channels, ...) to the same."""
        checks.axes("group_norm", x, max(x.ndim, 2), "(N, C, ...)")
        check_channels(x, self.num_channels)
        return group_norm(x, self.num_groups, self.weight, self.bias, eps=self.eps)

    def extra_repr(self) -> str:
        return self.describe(
            self.num_groups, self.num_channels, eps=(self.eps, 1e-5), affine=(self.weight is not None, True)
        )


class InstanceNorm2d(Module):
    """Normalisation of each channel of each image. See `minicnn.ops.instance_norm` for the formula.

    There are no running statistics: PyTorch's options for them are not offered.

    Parameters (if `affine`, which is not the default):
        weight (num_features,), the scale gamma, one; bias (num_features,), the shift beta, zero.

    Raises:
        ArgumentError: `num_features` is below 1, or `eps` is not positive.

    Example:
        >>> import minicnn
        >>> InstanceNorm2d(3, affine=True)(minicnn.zeros(2, 3, 5, 7)).shape
        (2, 3, 5, 7)
    """

    def __init__(self, num_features: int, eps: float = 1e-5, *, affine: bool = False) -> None:
        super().__init__()
        if num_features < 1:
            raise ArgumentError(f"InstanceNorm2d: num_features must be the number of channels, not {num_features}")
        self.num_features, self.eps = num_features, checks.positive(eps, "eps")
        affine = checks.flag(affine, "affine")
        self.weight = Parameter(init.ones((num_features,))) if affine else None
        self.bias = Parameter(init.zeros((num_features,))) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, num_features, H, W) to the same."""
        checks.axes("instance_norm", x, 4, "(N, C, H, W)")
        check_channels(x, self.num_features)
        return instance_norm(x, self.weight, self.bias, eps=self.eps)

    def extra_repr(self) -> str:
        return self.describe(self.num_features, eps=(self.eps, 1e-5), affine=(self.weight is not None, False))
