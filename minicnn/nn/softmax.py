"""Softmax and its logarithm as layers. The formulas and slopes are with the functions of `minicnn.ops`."""

from minicnn import ops
from minicnn.autograd import Tensor
from minicnn.nn.module import Module


class Softmax(Module):
    """Probabilities along the axis `dim`. See `minicnn.ops.softmax`.

    For the end of a network that is trained with `CrossEntropyLoss` there is no need of it: that loss takes the scores.

    Example:
        >>> Softmax(dim=1)(Tensor([[3.0, 3.0]])).tolist()
        [[0.5, 0.5]]
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return ops.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return self.describe(dim=(self.dim, None))


class LogSoftmax(Module):
    """Logarithms of probabilities along the axis `dim`. See `minicnn.ops.log_softmax`.

    Example:
        >>> LogSoftmax(dim=1)(Tensor([[0.0, -1000.0]])).tolist()
        [[0.0, -1000.0]]
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return ops.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        return self.describe(dim=(self.dim, None))
