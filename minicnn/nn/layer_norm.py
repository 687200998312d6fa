"""The layer normalisation layer."""

from collections.abc import Sequence

from minicnn.autograd import Tensor
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops import checks
from minicnn.ops.layer_norm import last_axes, layer_norm


class LayerNorm(Module):
    """Normalisation over the last axes of every sample. See `minicnn.ops.layer_norm` for the formula.

    Attributes:
        weight: of shape `normalized_shape`, the scale gamma, one at first; None unless `elementwise_affine`.
        bias: of the same shape, the shift beta, zero at first; None unless `elementwise_affine` and `bias`.

    Raises:
        ArgumentError: `normalized_shape` is no shape, or `eps` is not positive.

    Example:
        >>> import minicnn
        >>> LayerNorm(384)(minicnn.zeros(2, 196, 384)).shape
        (2, 196, 384)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.normalized_shape = last_axes("LayerNorm", normalized_shape)
        self.eps, bias = checks.positive(eps, "LayerNorm: eps"), checks.flag(bias, "LayerNorm: bias")
        affine = checks.flag(elementwise_affine, "LayerNorm: elementwise_affine")
        self.weight = Parameter(init.ones(self.normalized_shape)) if affine else None
        self.bias = Parameter(init.zeros(self.normalized_shape)) if affine and bias else None

    def forward(self, x: Tensor) -> Tensor:
        """(..., *normalized_shape) to the same."""
        return layer_norm(x, self.normalized_shape, self.weight, self.bias, eps=self.eps)

    def extra_repr(self) -> str:
        shape = self.normalized_shape[0] if len(self.normalized_shape) == 1 else self.normalized_shape
        affine = self.weight is not None
        return self.describe(
            shape, eps=(self.eps, 1e-5), elementwise_affine=(affine, True), bias=(self.bias is not None, affine)
        )
