"""The linear (fully connected) layer, and the one that changes nothing."""

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.linear import linear


class Linear(Module):
    """y = x Wᵀ + b with learned W and b. See `minicnn.ops.linear`.

    (PyTorch draws weight and bias uniformly within ± 1 / sqrt(in_features): a sixth of this variance.)

    Attributes:
        weight: (out_features, in_features), drawn by He's rule for a ReLU that follows, as for `Conv2d`.
        bias: (out_features,), zero at first; None unless `bias`.

    Raises:
        ArgumentError: a size is below 1 or no integer.

    Example:
        >>> import minicnn
        >>> Linear(400, 120)(minicnn.zeros(8, 400)).shape
        (8, 120)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = checks.integer(in_features, "Linear: in_features")
        self.out_features = checks.integer(out_features, "Linear: out_features")
        self.weight = Parameter(init.he_normal((self.out_features, self.in_features)))
        self.bias = Parameter(init.zeros((self.out_features,))) if checks.flag(bias, "Linear: bias") else None

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_features) to (..., out_features)."""
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return self.describe(self.in_features, self.out_features, bias=(self.bias is not None, True))


class Identity(Module):
    """Its input, unchanged: a place to be filled, or a layer taken out.

    Example:
        >>> Identity()(Tensor([1.0, 2.0])).tolist()
        [1.0, 2.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return x
