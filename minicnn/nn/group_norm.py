"""The group and instance normalisation layers."""

from minicnn.autograd import Tensor, as_tensor
from minicnn.errors import ArgumentError
from minicnn.nn import init
from minicnn.nn.batch_norm import check_channels
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops import checks
from minicnn.ops.group_norm import group_norm, instance_norm


class GroupNorm(Module):
    """Normalisation of groups of channels, image by image. See `minicnn.ops.group_norm` for the formula.

    Attributes:
        weight: (num_channels,), the scale gamma, one at first; None unless `affine`.
        bias: (num_channels,), the shift beta, zero at first; None unless `affine`.

    Raises:
        ArgumentError: `num_groups` does not divide `num_channels`, or `eps` is not positive.

    Example:
        >>> import minicnn
        >>> GroupNorm(4, 16)(minicnn.zeros(1, 16, 5, 7)).shape
        (1, 16, 5, 7)
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        G, C = checks.integer(num_groups, "GroupNorm: num_groups"), checks.integer(num_channels, "GroupNorm: num_channels")
        if C % G:
            raise ArgumentError(f"GroupNorm: num_groups={G} must divide num_channels={C}")
        self.num_groups, self.num_channels, self.eps = G, C, checks.positive(eps, "GroupNorm: eps")
        affine = checks.flag(affine, "GroupNorm: affine")
        self.weight = Parameter(init.ones((C,))) if affine else None
        self.bias = Parameter(init.zeros((C,))) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, num_channels, ...) to the same."""
        x = as_tensor(x)
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

    Attributes:
        weight: (num_features,), the scale gamma, one at first; None unless `affine`.
        bias: (num_features,), the shift beta, zero at first; None unless `affine`.

    Raises:
        ArgumentError: `num_features` is below 1, or `eps` is not positive.

    Example:
        >>> import minicnn
        >>> InstanceNorm2d(3, affine=True)(minicnn.zeros(2, 3, 5, 7)).shape
        (2, 3, 5, 7)
    """

    def __init__(self, num_features: int, eps: float = 1e-5, *, affine: bool = False) -> None:
        super().__init__()
        C = checks.integer(num_features, "InstanceNorm2d: num_features")
        self.num_features, self.eps = C, checks.positive(eps, "InstanceNorm2d: eps")
        affine = checks.flag(affine, "InstanceNorm2d: affine")
        self.weight = Parameter(init.ones((C,))) if affine else None
        self.bias = Parameter(init.zeros((C,))) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, num_features, H, W) to the same."""
        x = as_tensor(x)
        checks.axes("instance_norm", x, 4, "(N, C, H, W)")
        check_channels(x, self.num_features)
        return instance_norm(x, self.weight, self.bias, eps=self.eps)

    def extra_repr(self) -> str:
        return self.describe(self.num_features, eps=(self.eps, 1e-5), affine=(self.weight is not None, False))
