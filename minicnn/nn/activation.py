"""Activations as layers. The formulas, their slopes and sources are with the functions of `minicnn.ops`."""

from minicnn import ops
from minicnn.autograd import Tensor
from minicnn.nn.module import Module
from minicnn.ops import checks


class ReLU(Module):
    """max(x, 0). See `minicnn.ops.relu`.

    Example:
        >>> ReLU()(Tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return ops.relu(x)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope x. See `minicnn.ops.leaky_relu`.

    Raises:
        ArgumentError: the slope is no finite number.

    Example:
        >>> LeakyReLU(0.5)(Tensor([-2.0, 2.0])).tolist()
        [-1.0, 2.0]
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = checks.number(negative_slope, "LeakyReLU: negative_slope")

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return ops.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return self.describe(negative_slope=(self.negative_slope, None))


class ReLU6(Module):
    """min(max(x, 0), 6). See `minicnn.ops.relu6`.

    Example:
        >>> ReLU6()(Tensor([-1.0, 2.0, 8.0])).tolist()
        [0.0, 2.0, 6.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return ops.relu6(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)). See `minicnn.ops.sigmoid`.

    Example:
        >>> Sigmoid()(Tensor([-1000.0, 0.0, 1000.0])).tolist()
        [0.0, 0.5, 1.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return ops.sigmoid(x)


class Tanh(Module):
    """Hyperbolic tangent. See `minicnn.ops.tanh`.

    Example:
        >>> Tanh()(Tensor([-50.0, 0.0, 50.0])).tolist()
        [-1.0, 0.0, 1.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return ops.tanh(x)


class SiLU(Module):
    """x sigmoid(x). See `minicnn.ops.silu`.

    Example:
        >>> SiLU()(Tensor([0.0, 1000.0])).tolist()
        [0.0, 1000.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return ops.silu(x)


class Hardswish(Module):
    """x relu6(x + 3) / 6. See `minicnn.ops.hardswish`.

    Example:
        >>> Hardswish()(Tensor([0.0, 3.0])).tolist()
        [0.0, 3.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return ops.hardswish(x)
