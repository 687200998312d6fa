"""Losses on a CPU. Cross-entropy, which may have a thousand logits per label, works in cache-sized pieces.

The losses of a difference read their few numbers once; they are those of `array/loss.py`.
"""

import numpy as np

from minicnn.kernels.array.loss import (
    l1_loss_backward,
    l1_loss_forward,
    mse_loss_backward,
    mse_loss_forward,
    reduce,
    share,
    smooth_l1_loss_backward,
    smooth_l1_loss_forward,
)
from minicnn.kernels.cpu.pieces import in_pieces
from minicnn.kernels.cpu.softmax import log_softmax_forward
from minicnn.kernels.types import Array, Needs, Saved

__all__ = [
    "cross_entropy_backward",
    "cross_entropy_forward",
    "l1_loss_backward",
    "l1_loss_forward",
    "mse_loss_backward",
    "mse_loss_forward",
    "smooth_l1_loss_backward",
    "smooth_l1_loss_forward",
]


def cross_entropy_forward(
    logits: Array, labels: Array, *, label_smoothing: float, reduction: str
) -> tuple[Array, Saved]:
    """loss = -(1 - e) log p[label] - e mean over k of log p[k], with label smoothing e and log p = log_softmax(logits).

    Shapes:
        logits (N, K, ...); labels (N, ...), integers from 0 to K - 1; loss () or, with reduction "none", (N, ...).
    """
    log_p, _ = log_softmax_forward(logits, axis=1)
    losses = -np.take_along_axis(log_p, labels[:, None], axis=1)[:, 0]
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(axis=1)
    return reduce(losses, reduction), (log_p, labels, label_smoothing, reduction)


def cross_entropy_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dlogits = (p - q) dy, where q is 1 - e at the label, plus e / K everywhere."""
    log_p, labels, label_smoothing, reduction = saved
    N, K = log_p.shape[:2]

    def piece(log_p: Array, label: Array, each: Array, dlogits: Array) -> None:
        np.exp(log_p, out=dlogits)
        dlogits -= label_smoothing / K
        n, place = np.ogrid[: label.shape[0], : label.shape[1]]
        dlogits[n, label, place] -= 1 - label_smoothing
        dlogits *= each

    each = np.broadcast_to(share(dy, labels.size, reduction), labels.shape)
    dlogits = np.empty(log_p.shape, log_p.dtype)
    in_pieces(
        piece,
        log_p.reshape(N, K, -1), labels.reshape(N, -1), each.reshape(N, 1, -1), dlogits.reshape(N, K, -1),
    )  # fmt: skip
    return dlogits if needs[0] else None, None
