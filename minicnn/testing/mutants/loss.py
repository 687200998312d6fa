"""Mistakes in losses."""


import numpy as np

from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients, replaced, right_backward, right_forward, scaled


def mean_without_1_over_N(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient of a mean lacks its 1/N."""
    (_, labels), attributes = saved
    N = labels.size if attributes["reduction"] == "mean" else 1
    return scaled(right_backward("cross_entropy", dy, saved, needs), 0, N)


def label_not_subtracted(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient is p instead of p - 1 at the label."""
    (logits, labels), attributes = saved
    away = right_backward("cross_entropy", dy, ((logits, labels), attributes), needs, label_smoothing=0.0)[0]
    one_hot = np.moveaxis(np.eye(logits.shape[1], dtype=logits.dtype)[labels], -1, 1)
    each = dy / labels.size if attributes["reduction"] == "mean" else dy
    return (None if away is None else away + one_hot * (each[:, None] if each.ndim else each)), None


def smoothing_ignored(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Label smoothing is ignored in backward."""
    return right_backward("cross_entropy", dy, saved, needs, label_smoothing=0.0)


def upstream_taken_for_one(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The upstream gradient is taken to be 1."""
    return right_backward("cross_entropy", np.ones_like(dy), saved, needs)


def factor_2_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The factor 2 is missing."""
    gradients = right_backward("mse_loss", dy, saved, needs)
    return scaled(scaled(gradients, 0, 0.5), 1, 0.5)


def target_sign(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The target's gradient has the sign of the prediction's."""
    return scaled(right_backward("mse_loss", dy, saved, needs), 1, -1)


def _factor(x: Array, reduction: str) -> float:
    return x.size / len(x) if reduction == "mean" and x.ndim else 1.0


def divided_by_batch(x: Array, target: Array, *, reduction: str) -> tuple[Array, Saved]:
    """The mean divides by the batch alone, forward and backward."""
    y, _ = right_forward("mse_loss", x, target, reduction=reduction)
    return np.asarray(y * x.dtype.type(_factor(x, reduction))), ((x, target), {"reduction": reduction})


def divided_by_batch_backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient of `divided_by_batch`."""
    (x, _), attributes = saved
    return right_backward("mse_loss", dy * x.dtype.type(_factor(x, attributes["reduction"])), saved, needs)


def sign_flipped(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The sign is flipped."""
    return right_backward("l1_loss", -dy, saved, needs)


def beta_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The quadratic part has slope d instead of d / beta."""
    (x, target), attributes = saved
    inside = np.abs(x - target) < attributes["beta"]
    factor = np.where(inside, attributes["beta"], 1).astype(x.dtype)
    gradients = right_backward("smooth_l1_loss", dy, saved, needs)
    return replaced(replaced(gradients, 0, lambda dx: dx * factor), 1, lambda dx: dx * factor)


MUTANTS = [
    Mutant("cross_entropy", backward=mean_without_1_over_N),
    Mutant("cross_entropy", backward=label_not_subtracted),
    Mutant("cross_entropy", backward=smoothing_ignored),
    Mutant("cross_entropy", backward=upstream_taken_for_one),
    Mutant("mse_loss", backward=factor_2_missing),
    Mutant("mse_loss", backward=target_sign),
    Mutant("mse_loss", forward=divided_by_batch, backward=divided_by_batch_backward),
    Mutant("l1_loss", backward=sign_flipped),
    Mutant("smooth_l1_loss", backward=beta_forgotten),
]
