"""Losses in whole-array arithmetic."""

from minicnn.kernels.array.module import array_module
from minicnn.kernels.array.softmax import log_softmax_forward
from minicnn.kernels.types import Array, Needs, Saved


def cross_entropy_forward(
    logits: Array, labels: Array, *, label_smoothing: float, reduction: str
) -> tuple[Array, Saved]:
    """loss = -(1 - e) log p[label] - e mean over k of log p[k], with label smoothing e and log p = log_softmax(logits).

    Shapes:
        logits (N, K, ...); labels (N, ...), integers from 0 to K - 1; loss () or, with reduction "none", (N, ...).
    """
    log_p, _ = log_softmax_forward(logits, axis=1)
    losses = -array_module(logits).take_along_axis(log_p, labels[:, None], axis=1)[:, 0]
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(axis=1)
    return reduce(losses, reduction), (log_p, labels, label_smoothing, reduction)


def cross_entropy_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dlogits = (p - q) dy, where q is 1 - e at the label, plus e / K everywhere."""
    log_p, labels, label_smoothing, reduction = saved
    xp = array_module(log_p)
    K = log_p.shape[1]
    dlogits = xp.exp(log_p) - label_smoothing / K
    classes = xp.arange(K).reshape(K, *(1,) * (labels.ndim - 1))
    dlogits = xp.where(labels[:, None] == classes, dlogits - (1 - label_smoothing), dlogits)
    each = share(dy, labels.size, reduction)
    dlogits *= each[:, None] if each.ndim else each
    return dlogits if needs[0] else None, None


def mse_loss_forward(x: Array, target: Array, *, reduction: str) -> tuple[Array, Saved]:
    """loss = d² with d = x - target."""
    d = x - target
    return reduce(d * d, reduction), (d, reduction)


def mse_loss_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Slope 2 d."""
    d, reduction = saved
    return both(2 * d * share(dy, d.size, reduction), needs)


def l1_loss_forward(x: Array, target: Array, *, reduction: str) -> tuple[Array, Saved]:
    """loss = |d| with d = x - target."""
    d = x - target
    return reduce(abs(d), reduction), (d, reduction)


def l1_loss_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Slope: the sign of d, and 0 at the kink."""
    d, reduction = saved
    return both(array_module(d).sign(d) * share(dy, d.size, reduction), needs)


def smooth_l1_loss_forward(x: Array, target: Array, *, beta: float, reduction: str) -> tuple[Array, Saved]:
    """loss = d² / (2 beta) where |d| < beta, else |d| - beta / 2.

    Both are c (|d| - c / 2) / beta with c = min(|d|, beta).
    """
    d = x - target
    c = array_module(d).minimum(abs(d), beta)
    return reduce(c * (abs(d) - c / 2) / beta, reduction), (d, beta, reduction)


def smooth_l1_loss_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Slope d / beta where |d| < beta, else the sign of d."""
    d, beta, reduction = saved
    return both(array_module(d).clip(d / beta, -1, 1) * share(dy, d.size, reduction), needs)


def reduce(losses: Array, reduction: str) -> Array:
    """The mean or the sum of all losses, as an array without axes, or the losses themselves."""
    if reduction == "none":
        return losses
    return array_module(losses).asarray(losses.mean() if reduction == "mean" else losses.sum())


def share(dy: Array, count: int, reduction: str) -> Array:
    """The gradient of every item's own loss: of a sum it is dy, of a mean of `count` items dy / count."""
    return dy / count if reduction == "mean" else dy


def both(dx: Array, needs: Needs) -> tuple[Array | None, ...]:
    """The gradients of a function of x - target: that of the target is the opposite of that of x."""
    return dx if needs[0] else None, -dx if needs[1] else None
