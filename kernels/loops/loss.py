"""Losses by their definition: one number per item, then their mean, their sum, or all of them (`reduction`)."""

import math
from collections.abc import Callable

import numpy as np

from minicnn.kernels.loops.softmax import log_softmax_forward
from minicnn.kernels.types import Array, Needs, Saved


def cross_entropy_forward(
    logits: Array, labels: Array, *, label_smoothing: float, reduction: str
) -> tuple[Array, Saved]:
    """The surprise, -log probability, of the right class under softmax.

        loss[n] = - sum over k of  q[k] * log_softmax(logits[n])[k]

    where q is 1 for the class labels[n] and 0 for the others; with label smoothing e, 1 - e of it stays there and e is
    shared out among all K classes (Szegedy et al. 2016, sec. 7).

    Shapes:
        logits (N, K, ...); labels (N, ...), integers from 0 to K - 1; loss () or, with reduction "none", (N, ...).
    """
    log_p, _ = log_softmax_forward(logits, axis=1)
    losses = np.empty(labels.shape, logits.dtype)
    for i in np.ndindex(labels.shape):
        losses[i] = 0
        for k in range(logits.shape[1]):
            q = _target(k, int(labels[i]), logits.shape[1], label_smoothing)
            if q:
                losses[i] -= q * log_p[i[0], k, *i[1:]]
    return _reduce(losses, reduction), (log_p, labels, label_smoothing, reduction)


def cross_entropy_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """d loss[n] / d logits[n, k] = p[k] - q[k]: what the network says minus what it should say.

    From the gradient of log-softmax, dx = d - p Σ d with d = -q and Σ q = 1. Labels have no gradient.
    """
    log_p, labels, label_smoothing, reduction = saved
    each = _share(dy, labels.shape, reduction)
    dlogits = np.empty(log_p.shape, log_p.dtype)
    for i in np.ndindex(labels.shape):
        for k in range(log_p.shape[1]):
            q = _target(k, int(labels[i]), log_p.shape[1], label_smoothing)
            dlogits[i[0], k, *i[1:]] = (math.exp(log_p[i[0], k, *i[1:]]) - q) * each[i]
    return dlogits if needs[0] else None, None


def mse_loss_forward(x: Array, target: Array, *, reduction: str) -> tuple[Array, Saved]:
    """loss = d² with d = x - target."""
    return _of_difference(lambda d: d * d, x, target, reduction), (x, target, reduction)


def mse_loss_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Slope 2 d."""
    return _chain(lambda d: 2 * d, dy, saved, needs)


def l1_loss_forward(x: Array, target: Array, *, reduction: str) -> tuple[Array, Saved]:
    """loss = |d| with d = x - target."""
    return _of_difference(abs, x, target, reduction), (x, target, reduction)


def l1_loss_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Slope: the sign of d, and 0 at the kink."""
    return _chain(lambda d: (d > 0) - (d < 0), dy, saved, needs)


def smooth_l1_loss_forward(x: Array, target: Array, *, beta: float, reduction: str) -> tuple[Array, Saved]:
    """loss = d² / (2 beta) where |d| < beta, else |d| - beta / 2 (Girshick 2015, eq. 3, where beta is 1)."""

    def loss(d: float) -> float:
        return d * d / (2 * beta) if abs(d) < beta else abs(d) - beta / 2

    return _of_difference(loss, x, target, reduction), (x, target, beta, reduction)


def smooth_l1_loss_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Slope d / beta where |d| < beta, else the sign of d."""
    x, target, beta, reduction = saved
    return _chain(lambda d: min(max(d / beta, -1.0), 1.0), dy, (x, target, reduction), needs)


def _target(k: int, label: int, K: int, label_smoothing: float) -> float:
    """q[k], the share of class k in what the network should say."""
    return (1 - label_smoothing) * (k == label) + label_smoothing / K


def _of_difference(loss: Callable[[float], float], x: Array, target: Array, reduction: str) -> Array:
    losses = np.empty(x.shape, x.dtype)
    for i in np.ndindex(x.shape):
        losses[i] = loss(float(x[i] - target[i]))
    return _reduce(losses, reduction)


def _chain(slope: Callable[[float], float], dy: Array, saved: Saved, needs: Needs) -> tuple[Array | None, ...]:
    """dx = slope(x - target) * dy, and the target, which is subtracted, gets the opposite."""
    x, target, reduction = saved
    each = _share(dy, x.shape, reduction)
    dx = np.empty(x.shape, x.dtype)
    for i in np.ndindex(x.shape):
        dx[i] = slope(float(x[i] - target[i])) * each[i]
    return dx if needs[0] else None, -dx if needs[1] else None


def _reduce(losses: Array, reduction: str) -> Array:
    if reduction == "none":
        return losses
    total = 0.0
    for i in np.ndindex(losses.shape):
        total += float(losses[i])
    return np.array(total / losses.size if reduction == "mean" else total, losses.dtype)


def _share(dy: Array, shape: tuple[int, ...], reduction: str) -> Array:
    """The gradient of every item's own loss: of a sum it is dy, of a mean of m items dy / m."""
    if reduction == "none":
        return dy
    each = np.empty(shape, dy.dtype)
    for i in np.ndindex(shape):
        each[i] = dy / each.size if reduction == "mean" else dy
    return each
