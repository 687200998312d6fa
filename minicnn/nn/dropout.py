"""Dropout as layers: active in training mode only. The formulas are with the functions of `minicnn.ops`."""

from minicnn import ops
from minicnn.autograd import Tensor
from minicnn.nn.module import Module
from minicnn.ops import checks


class Dropout(Module):
    """Drops each element with probability p. See `minicnn.ops.dropout`.

    Raises:
        ArgumentError: p is not from 0 to 1.

    Example:
        >>> import minicnn
        >>> layer = Dropout(p=0.5).eval()
        >>> layer(minicnn.ones(3)).tolist()
        [1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = checks.fraction(p, f"{type(self).__name__}: p", include_one=True)

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return ops.dropout(x, self.p, training=self.training)

    def extra_repr(self) -> str:
        return self.describe(p=(self.p, None))


class Dropout2d(Dropout):
    """Drops whole channels of an image with probability p. See `minicnn.ops.dropout2d`.

    Raises:
        ArgumentError: p is not from 0 to 1.

    Example:
        >>> import minicnn
        >>> minicnn.manual_seed(0)
        >>> Dropout2d(p=0.5)(minicnn.ones(1, 4, 1, 2)).tolist()      # four channels of two pixels
        [[[[2.0, 2.0]], [[0.0, 0.0]], [[2.0, 2.0]], [[0.0, 0.0]]]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        return ops.dropout2d(x, self.p, training=self.training)


class DropPath(Dropout):
    """Drops whole samples of a residual branch with probability p. See `minicnn.ops.drop_path`.

    Raises:
        ArgumentError: p is not from 0 to 1.

    Example:
        >>> import minicnn
        >>> minicnn.manual_seed(0)
        >>> DropPath(p=0.5)(minicnn.ones(4, 2)).tolist()             # four samples of two numbers
        [[2.0, 2.0], [0.0, 0.0], [2.0, 2.0], [0.0, 0.0]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) to the same."""
        return ops.drop_path(x, self.p, training=self.training)
