"""Losses on a GPU: what belongs to an item is computed in one pass, and means and sums are added up in an order that never changes. See loss.cu."""

from typing import Any

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.launch import THREADS, blocks, launch, real
from minicnn.kernels.cuda.layout import contiguous
from minicnn.kernels.cuda.lines import lines_along, over_lines
from minicnn.kernels.cuda.packs import elementwise, in_order, over_all, without_gaps
from minicnn.kernels.types import Array, Needs, Saved

MOST = 1024  # blocks that make sums of losses: enough to keep a GPU busy


def cross_entropy_forward(
    logits: Array, labels: Array, *, label_smoothing: float, reduction: str
) -> tuple[Array, Saved]:
    """loss = -(1 - e) log p[label] - e mean over k of log p[k], with label smoothing e and log p = log_softmax(logits).

    Kept are two numbers for each item, from which backward finds p again: the largest logit, and the logarithm of the sum of the exponentials.

    Shapes:
        logits (N, K, ...); labels (N, ...), integers from 0 to K - 1; loss () or, with reduction "none", (N, ...).
    """
    xp = array_module(logits)
    x = logits if _by_items(logits) else contiguous(logits)
    classes = contiguous(labels.astype(np.int64, copy=False))
    lines, smoothing = lines_along(x, 1), float(label_smoothing)
    found = xp.empty((2, lines.amount), real(x.dtype))
    if reduction == "none":
        y = xp.empty(labels.shape, x.dtype)
        over_lines("loss", "cross_entropy", lines, x.dtype, (x, classes, y, None, found, smoothing))
    else:
        sums = xp.empty(lines.grid, real(x.dtype))
        over_lines("loss", "cross_entropy", lines, x.dtype, (x, classes, None, sums, found, smoothing))
        y = _finish(sums, x, _divisor(reduction, labels.size))
    return y, (x, classes, found, lines, smoothing, reduction)


def cross_entropy_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dlogits = (p - q) dy, where q is 1 - e at the label, plus e / K everywhere."""
    x, classes, found, lines, smoothing, reduction = saved
    if not needs[0]:
        return None, None
    dx = array_module(x).empty_like(x)
    how = int(reduction == "none"), _divisor(reduction, classes.size), smoothing
    over_lines("loss", "cross_entropy_dx", lines, x.dtype, (x, classes, found, _beside(x, dy), dx, *how))
    return dx, None


def mse_loss_forward(x: Array, target: Array, *, reduction: str) -> tuple[Array, Saved]:
    """loss = d² with d = x - target."""
    return _of_difference("Square", x, target, 0.0, reduction)


def mse_loss_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Slope 2 d."""
    return _of_difference_dx(dy, saved, needs)


def l1_loss_forward(x: Array, target: Array, *, reduction: str) -> tuple[Array, Saved]:
    """loss = |d| with d = x - target."""
    return _of_difference("Absolute", x, target, 0.0, reduction)


def l1_loss_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Slope: the sign of d, and 0 at the kink."""
    return _of_difference_dx(dy, saved, needs)


def smooth_l1_loss_forward(x: Array, target: Array, *, beta: float, reduction: str) -> tuple[Array, Saved]:
    """loss = d² / (2 beta) where |d| < beta, else |d| - beta / 2."""
    return _of_difference("Smooth", x, target, float(beta), reduction)


def smooth_l1_loss_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Slope d / beta where |d| < beta, else the sign of d."""
    return _of_difference_dx(dy, saved, needs)


def _of_difference(loss: str, x: Array, target: Array, beta: float, reduction: str) -> tuple[Array, Saved]:
    saved, macros = (x, target, loss, beta, reduction), (f"LOSS={loss}",)
    if reduction == "none":
        return elementwise("loss", "losses", target, x, scalars=(beta,), macros=macros), saved
    x = without_gaps(x)
    grid = min(MOST, blocks(x.nbytes, THREADS * 16))
    sums = array_module(x).empty(grid, real(x.dtype))
    launch("loss", "sums_of_losses", grid, THREADS, (*in_order(x, target, x), sums, beta, np.int64(x.size)), dtype=x.dtype, macros=macros)
    return _finish(sums, x, _divisor(reduction, x.size)), saved


def _of_difference_dx(dy: Array, saved: Saved, needs: Needs) -> tuple[Array | None, ...]:
    x, target, loss, beta, reduction = saved
    x = without_gaps(x)
    dx, dtarget = (array_module(x).empty_like(x) if need else None for need in needs)
    dy = in_order(x, dy)[0] if reduction == "none" else _beside(x, dy)
    how = int(reduction == "none"), _divisor(reduction, x.size), beta
    over_all("loss", "losses_dx", x, (*in_order(x, target, x), dy, dx, dtarget, *how), (f"LOSS={loss}",))
    return dx, dtarget


def _finish(sums: Array, model: Array, divisor: float) -> Array:
    """The sum of all, over the divisor: an array without axes, of the element type of the model."""
    y = array_module(model).empty((), model.dtype)
    launch("loss", "finish", 1, THREADS, (sums, y, divisor, sums.size), dtype=model.dtype)
    return y


def _by_items(logits: Array) -> bool:
    """The lines of K logits follow each other in memory as their labels do: all classes of an item together, or one class of a whole image after the other."""
    return bool(logits.flags.c_contiguous or logits.transpose(0, *range(2, logits.ndim), 1).flags.c_contiguous)


def _divisor(reduction: str, count: int) -> float:
    return float(count) if reduction == "mean" else 1.0


def _beside(x: Array, dy: Any) -> Array:
    """dy as an array without gaps, on the machine on which x is."""
    return contiguous(array_module(x).asarray(dy))
