"""Softmax and its logarithm: numbers that compete along an axis."""

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.ops import axis as axes
from minicnn.ops import checks
from minicnn.ops.autocast import cast


class Softmax(KernelFunction):
    """y = e^x / Σ e^x: dx = y (dy - Σ dy y)."""

    op = "softmax"


class LogSoftmax(KernelFunction):
    """y = x - log Σ e^x: dx = dy - e^y Σ dy."""

    op = "log_softmax"


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Turn scores into probabilities: positive, and of sum 1 along `axis`.

        y[k] = exp(x[k]) / sum over j of exp(x[j])

    For a loss, do not take the logarithm of this: `cross_entropy` goes through `log_softmax`, which loses no digits
    where a probability is tiny.

    Shapes:
        x: any with the axis `axis`; the result has the same.

    Raises:
        ShapeError: x is empty or has no such axis.
        DtypeError: x holds integers.
        ArgumentError: `axis` is no integer.

    Source:
        Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".

    Example:
        >>> softmax(Tensor([1000.0, 1000.0])).tolist()
        [0.5, 0.5]
    """
    return _apply(Softmax, x, axis)


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """The logarithm of softmax: y[k] = x[k] - log(sum over j of exp(x[j])).

    Shapes:
        x: any with the axis `axis`; the result has the same.

    Raises:
        ShapeError: x is empty or has no such axis.
        DtypeError: x holds integers.
        ArgumentError: `axis` is no integer.

    Source:
        Blanchard, Higham & Higham 2021, "Accurately computing the log-sum-exp and softmax functions": the largest x is subtracted first.

    Example:
        >>> log_softmax(Tensor([0.0, -1000.0])).tolist()
        [0.0, -1000.0]
    """
    return _apply(LogSoftmax, x, axis)


def _apply(function: type[KernelFunction], x: Tensor, axis: int) -> Tensor:
    (x,) = cast(function.op, as_tensor(x))
    checks.not_empty(function.op, x)
    checks.floating(function.op, x=x)
    return function.apply(x, axis=axes.one(function.op, axis, x.ndim))
