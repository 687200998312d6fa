"""Losses as layers. The formulas and sources are with the functions of `minicnn.ops`."""

from minicnn import ops
from minicnn.autograd import Tensor
from minicnn.nn.module import Module
from minicnn.ops import checks
from minicnn.ops.loss import REDUCTIONS


class _Loss(Module):
    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = checks.choice(reduction, f"{type(self).__name__}: reduction", REDUCTIONS)

    def extra_repr(self) -> str:
        return self.describe(reduction=(self.reduction, "mean"))


class CrossEntropyLoss(_Loss):
    """-log of the probability of the right class under softmax. See `minicnn.ops.cross_entropy`.

    Raises:
        ArgumentError: unknown reduction, or label_smoothing is not from 0 to 1.

    Example:
        >>> loss = CrossEntropyLoss(label_smoothing=0.1)
        >>> round(loss(Tensor([[0.0, 0.0, 0.0]]), Tensor([2])).item(), 4)     # log 3
        1.0986
    """

    def __init__(self, *, reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        super().__init__(reduction=reduction)
        self.label_smoothing = checks.fraction(label_smoothing, "CrossEntropyLoss: label_smoothing", include_one=True)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scores (N, K, ...) and class numbers (N, ...) to one number, or to (N, ...) with reduction "none"."""
        return ops.cross_entropy(logits, labels, label_smoothing=self.label_smoothing, reduction=self.reduction)

    def extra_repr(self) -> str:
        return self.describe(reduction=(self.reduction, "mean"), label_smoothing=(self.label_smoothing, 0.0))


class MSELoss(_Loss):
    """Mean of squares. See `minicnn.ops.mse_loss`.

    Raises:
        ArgumentError: unknown reduction.

    Example:
        >>> MSELoss()(Tensor([1.0, 5.0]), Tensor([1.0, 2.0])).item()
        4.5
    """

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """Prediction and truth of one shape to one number, or to that shape with reduction "none"."""
        return ops.mse_loss(x, target, reduction=self.reduction)


class L1Loss(_Loss):
    """Mean of absolute values. See `minicnn.ops.l1_loss`.

    Raises:
        ArgumentError: unknown reduction.

    Example:
        >>> L1Loss()(Tensor([1.0, 5.0]), Tensor([1.0, 2.0])).item()
        1.5
    """

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """Prediction and truth of one shape to one number, or to that shape with reduction "none"."""
        return ops.l1_loss(x, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """Square near 0, absolute value farther out. See `minicnn.ops.smooth_l1_loss`.

    Raises:
        ArgumentError: unknown reduction, or a negative beta.

    Example:
        >>> SmoothL1Loss(reduction="sum")(Tensor([1.0, 5.0]), Tensor([0.5, 2.0])).item()
        2.625
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = checks.number(beta, "SmoothL1Loss: beta", least=0)

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """Prediction and truth of one shape to one number, or to that shape with reduction "none"."""
        return ops.smooth_l1_loss(x, target, beta=self.beta, reduction=self.reduction)

    def extra_repr(self) -> str:
        return self.describe(reduction=(self.reduction, "mean"), beta=(self.beta, 1.0))
