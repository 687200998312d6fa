"""The local response normalisation layer. It learns nothing."""

from minicnn.autograd import Tensor
from minicnn.nn.module import Module
from minicnn.ops.local_response_norm import attributes_of_kernel, local_response_norm


class LocalResponseNorm(Module):
    """Inhibition between neighbouring channels. See `minicnn.ops.local_response_norm` for the formula and the attributes.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import minicnn
        >>> layer = LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2, convention="paper")        # AlexNet
        >>> layer(minicnn.zeros(1, 96, 27, 27)).shape
        (1, 96, 27, 27)
    """

    def __init__(
        self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, convention: str = "torch"
    ) -> None:
        super().__init__()
        attributes_of_kernel("LocalResponseNorm", size, alpha, beta, k, convention)
        self.size, self.alpha, self.beta, self.k, self.convention = size, alpha, beta, k, convention

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) to the same."""
        return local_response_norm(
            x, self.size, alpha=self.alpha, beta=self.beta, k=self.k, convention=self.convention
        )

    def extra_repr(self) -> str:
        return self.describe(
            self.size,
            alpha=(self.alpha, 1e-4), beta=(self.beta, 0.75), k=(self.k, 1.0), convention=(self.convention, "torch"),
        )  # fmt: skip
