"""Layers that only rearrange."""

from minicnn import ops
from minicnn.autograd import Tensor
from minicnn.nn.module import Module


class Flatten(Module):
    """All axes but the first as one: (N, C, H, W) to (N, C H W), as a linear layer wants it.

    Example:
        >>> import minicnn
        >>> Flatten()(minicnn.zeros(8, 16, 5, 5)).shape
        (8, 400)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, product of the other sizes)."""
        return ops.flatten(x, 1)
