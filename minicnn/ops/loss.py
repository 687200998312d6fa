"""Losses: how far a prediction is from the truth, as one number (or one per item)."""

import math

import numpy as np

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.capture import is_capturing
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.kernels.array.module import array_module
from minicnn.ops import checks
from minicnn.ops.autocast import cast

REDUCTIONS = ("mean", "sum", "none")


class CrossEntropy(KernelFunction):
    """loss = - Σ q log_softmax(logits): dlogits = dy (softmax(logits) - q), / N for the mean."""

    op = "cross_entropy"


class MSELoss(KernelFunction):
    """loss = d², d = x - target: dx = 2 dy d, dtarget = -dx; / n for the mean of n."""

    op = "mse_loss"


class L1Loss(KernelFunction):
    """loss = |d|, d = x - target: dx = dy sign(d), dtarget = -dx; / n for the mean of n."""

    op = "l1_loss"


class SmoothL1Loss(KernelFunction):
    """loss = d² / (2 beta) where |d| < beta, else |d| - beta / 2, with d = x - target.

    dx = dy min(max(d / beta, -1), 1), dtarget = -dx; / n for the mean of n.
    """

    op = "smooth_l1_loss"


def cross_entropy(
    logits: Tensor, labels: Tensor, *, label_smoothing: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """The surprise at the right class: -log of its probability under softmax.

        loss[n] = - sum over k of  q[k] log_softmax(logits[n])[k]

    where q is 1 at k = labels[n] and 0 elsewhere; with label smoothing e, q is 1 - e + e/K there and e/K elsewhere.
    The gradient is softmax(logits) - q: what the network says minus what it should say. At the start, when it knows
    nothing, expect a loss near log K.

    Args:
        logits: scores before softmax (N, K), or (N, K, ...) for a label at every place of an image.
        labels: integers from 0 to K - 1, (N,) or (N, ...).
        label_smoothing: e, from 0 to 1.
        reduction: "mean", "sum", or "none" for one loss per label.

    Raises:
        ShapeError: the shapes do not fit, the batch is empty, or the labels are one-hot.
        DtypeError: the labels are no integers, or the logits are no floating-point numbers.
        ArgumentError: a label is outside 0..K-1, or an attribute is out of range.

    Source:
        Bridle 1990; label smoothing: Szegedy et al. 2016, "Rethinking the Inception architecture", sec. 7.

    Example:
        >>> cross_entropy(Tensor([[0.0, 0.0]]), Tensor([1])).item() == Tensor([2.0]).log().item()
        True
    """
    (logits,), labels = cast("cross_entropy", as_tensor(logits)), as_tensor(labels)
    e = checks.fraction(label_smoothing, "cross_entropy: label_smoothing", include_one=True)
    checks.choice(reduction, "cross_entropy: reduction", REDUCTIONS)
    if logits.ndim < 2:
        raise ShapeError(f"cross_entropy: logits must have axes (N, K) or (N, K, ...) for K classes; logits are {logits.shape}")
    checks.not_empty("cross_entropy", logits)
    checks.floating("cross_entropy", logits=logits)
    _check_labels(logits, labels)
    return CrossEntropy.apply(logits, labels, label_smoothing=e, reduction=reduction)


def mse_loss(x: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared error: loss = (x - target)².

    Args:
        x: the prediction, any shape.
        target: the truth, of the same shape: nothing is broadcast.
        reduction: "mean", "sum", or "none" for one loss per element.

    Raises:
        ShapeError: the shapes differ, or there are no elements.
        DtypeError: element types differ, or are integers.
        ArgumentError: unknown reduction.

    Source:
        Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors", eq. 3, without its factor 1/2.

    Example:
        >>> mse_loss(Tensor([1.0, 5.0]), Tensor([1.0, 2.0])).item()
        4.5
    """
    return _difference_loss(MSELoss, x, target, reduction)


def l1_loss(x: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Absolute error: loss = |x - target|. Less moved by outliers than the square; slope 0 at the kink.

    Args:
        x: the prediction, any shape.
        target: the truth, of the same shape: nothing is broadcast.
        reduction: "mean", "sum", or "none" for one loss per element.

    Raises:
        ShapeError: the shapes differ, or there are no elements.
        DtypeError: element types differ, or are integers.
        ArgumentError: unknown reduction.

    Source:
        Hastie, Tibshirani & Friedman 2009, "The elements of statistical learning", sec. 10.6: why it is robust.

    Example:
        >>> l1_loss(Tensor([1.0, 5.0]), Tensor([1.0, 2.0])).item()
        1.5
    """
    return _difference_loss(L1Loss, x, target, reduction)


def smooth_l1_loss(x: Tensor, target: Tensor, *, beta: float = 1.0, reduction: str = "mean") -> Tensor:
    """Square near 0, absolute value farther out: loss = d² / (2 beta) where |d| < beta, else |d| - beta / 2.

    With d = x - target. Both pieces have the same value and slope where they meet. Used for the corners of boxes.

    Args:
        x: the prediction, any shape.
        target: the truth, of the same shape: nothing is broadcast.
        beta: where the square ends, >= 0; 0 is the absolute error.
        reduction: "mean", "sum", or "none" for one loss per element.

    Raises:
        ShapeError: the shapes differ, or there are no elements.
        DtypeError: element types differ, or are integers.
        ArgumentError: unknown reduction, or a negative beta.

    Source:
        Girshick 2015, "Fast R-CNN", eq. 3 (beta = 1).

    Example:
        >>> smooth_l1_loss(Tensor([1.0, 5.0]), Tensor([0.5, 2.0]), reduction="none").tolist()
        [0.125, 2.5]
    """
    beta = checks.number(beta, "smooth_l1_loss: beta", least=0)
    if beta == 0:
        return l1_loss(x, target, reduction=reduction)
    return _difference_loss(SmoothL1Loss, x, target, reduction, beta=beta)


def _difference_loss(
    function: type[KernelFunction], x: Tensor, target: Tensor, reduction: str, **attributes: float
) -> Tensor:
    x, target = cast(function.op, as_tensor(x), as_tensor(target))
    checks.choice(reduction, f"{function.op}: reduction", REDUCTIONS)
    checks.not_empty(function.op, x)
    checks.floating(function.op, x=x, target=target)
    _check_same_shape(function.op, x, target)
    return function.apply(x, target, **attributes, reduction=reduction)


def _check_same_shape(op: str, x: Tensor, target: Tensor) -> None:
    if x.shape == target.shape:
        return
    try:
        together = np.broadcast_shapes(x.shape, target.shape)
        reason = f": each would meet the other's every element, as {together}, and the loss would be a wrong one"
    except ValueError:
        reason = ""
    mend = f"; if they are the same items, use target.reshape{x.shape}" if x.size == target.size else ""
    raise ShapeError(f"{op}: the prediction is {x.shape}, but the target is {target.shape}; both must be equal, for nothing is broadcast{reason}{mend}")


def _check_labels(logits: Tensor, labels: Tensor) -> None:
    K = logits.shape[1]
    needed = (logits.shape[0], *logits.shape[2:])
    if labels.shape == logits.shape and K > 1:
        raise ShapeError(
            f"cross_entropy: labels must be class numbers of shape {needed}, but they are {labels.shape}, as the logits: "
            "if they are one-hot, pass labels.argmax(axis=1)"
        )
    if labels.dtype.kind not in "iu":
        raise DtypeError(f"cross_entropy: labels must be integers (class numbers), but they are {labels.dtype}: convert with labels.astype('int64')")
    if labels.shape != needed:
        hint = f"; use labels.reshape{needed}" if labels.size == math.prod(needed) else ""
        raise ShapeError(f"cross_entropy: logits {logits.shape} need labels {needed}, one per item, but labels are {labels.shape}{hint}")
    if is_capturing():
        return  # no values yet
    xp = array_module(labels.data)
    wrong = (labels.data < 0) | (labels.data >= K)
    if bool(wrong.any()):
        place = tuple(int(i[0]) for i in xp.nonzero(wrong))
        hint = "; are they counted from 1? then subtract 1" if int(labels.data.max()) == K and int(labels.data.min()) > 0 else ""
        raise ArgumentError(
            f"cross_entropy: label {int(labels.data[place])} at position {list(place)} is outside 0..{K - 1}: "
            f"the logits {logits.shape} are for {K} classes{hint}"
        )
