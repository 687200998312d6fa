"""The local response normalisation layer. It learns nothing."""

from minicnn.autograd import Tensor
from minicnn.errors import ShapeError
from minicnn.nn.module import Module
from minicnn.ops import checks
from minicnn.ops.local_response_norm import attributes_of_kernel, local_response_norm


class LocalResponseNorm(Module):
    """Inhibition between neighbouring channels. See `minicnn.ops.local_response_norm` for the formula and the attributes.

    Args:
        groups: the channels are cut into so many equal parts, and each is normalised for itself, as on a GPU that has only its own ones.

    Raises:
        ArgumentError: an argument is out of range.
        ShapeError: in the forward pass: the channels cannot be cut into `groups` equal parts.

    Example:
        >>> import minicnn
        >>> layer = LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2, convention="paper")        # AlexNet
        >>> layer(minicnn.zeros(1, 96, 27, 27)).shape
        (1, 96, 27, 27)
    """

    def __init__(
        self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, convention: str = "torch", groups: int = 1
    ) -> None:
        super().__init__()
        attributes_of_kernel("LocalResponseNorm", size, alpha, beta, k, convention)
        self.size, self.alpha, self.beta, self.k, self.convention = size, alpha, beta, k, convention
        self.groups = checks.integer(groups, "LocalResponseNorm: groups")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) to the same."""
        if self.groups == 1:
            return self._norm(x)
        checks.axes("local_response_norm", x, max(x.ndim, 2), "(N, C, ...)")
        N, C, *rest = x.shape
        if C % self.groups:
            raise ShapeError(f"local_response_norm: groups={self.groups} must divide the number of channels, which is {C}; x is {x.shape}")
        return self._norm(x.reshape(N * self.groups, C // self.groups, *rest)).reshape(x.shape)

    def _norm(self, x: Tensor) -> Tensor:
        return local_response_norm(x, self.size, alpha=self.alpha, beta=self.beta, k=self.k, convention=self.convention)

    def extra_repr(self) -> str:
        return self.describe(
            self.size,
            alpha=(self.alpha, 1e-4), beta=(self.beta, 0.75), k=(self.k, 1.0), convention=(self.convention, "torch"),
            groups=(self.groups, 1),
        )  # fmt: skip
