"""Schedules that begin with a small learning rate and go up first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minicnn import checks
from minicnn.errors import ArgumentError
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.schedule import Schedule, check_optimizer


class LinearWarmup(Schedule):
    """Rise in a straight line to the base rate within `total_iters` steps, then follow another schedule.

        lr = base (start_factor + (1 - start_factor) t / total_iters)    for t < total_iters
        lr = that of `then` at t - total_iters                           afterwards

    Large rates and large batches need it: in the first steps the network changes too fast for its batch
    norms.

    Args:
        optimizer: whose learning rates to set.
        total_iters: steps of the rise; usually `step` is called after each batch, so count batches.
        start_factor: the part of the base rate to begin with, above 0 and at most 1.
        then: a schedule on the same optimiser, which need not be stepped itself; None stays at the base rate.

    Raises:
        ArgumentError: a value is out of range, `then` belongs to another optimiser, or depends on more than
            time.

    Source:
        Goyal et al. 2017, "Accurate, large minibatch SGD", sec. 2.2. PyTorch: `SequentialLR([LinearLR(...),
        then])`.

    Example:
        >>> from minicnn import Tensor, optim
        >>> sgd = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0)
        >>> schedule = LinearWarmup(sgd, total_iters=4, start_factor=0.5, then=optim.CosineAnnealingLR(sgd, T_max=10))
        >>> [round(schedule.lr_at(1.0, t), 3) for t in (0, 2, 4, 9, 14)]
        [0.5, 0.75, 1.0, 0.5, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, total_iters: int, start_factor: float = 0.1, then: Schedule | None = None
    ) -> None:
        self.total_iters = checks.integer(total_iters, "LinearWarmup: total_iters")
        self.start_factor = checks.positive(start_factor, "LinearWarmup: start_factor")
        if start_factor > 1:
            raise ArgumentError(f"LinearWarmup: start_factor must be at most 1, not {start_factor!r}")
        self.then = then
        _check_then(then, optimizer)
        super().__init__(optimizer, None if then is None else then.base_lrs)

    def lr_at(self, base_lr: float, t: int) -> float:
        if t < self.total_iters:
            return base_lr * (self.start_factor + (1 - self.start_factor) * t / self.total_iters)
        return base_lr if self.then is None else self.then.lr_at(base_lr, t - self.total_iters)


class OneCycleLR(Schedule):
    """One rise and one long fall: from max_lr / div_factor up to max_lr, and down to a rate near zero.

        rise   t from 0 to a = pct_start total_steps - 1:    max_lr / div_factor → max_lr
        fall   t from a to total_steps - 1:                  max_lr → max_lr / (div_factor final_div_factor)

    along half a cosine or a straight line each. Call `step` after each batch. The momentum stays what it is
    (PyTorch's `cycle_momentum=False`).

    Where pct_start total_steps <= 1 there is no room for a rise: a = 0, and the first step is at the peak. (PyTorch
    begins somewhere on the fall then: a cycle of one step would run at the last, vanishing rate.)

    Args:
        optimizer: whose learning rates to set; those it has are not used.
        max_lr: the peak, or one for each group of parameters.
        total_steps: epochs times batches in an epoch.
        pct_start: the part of the steps that rise.
        anneal_strategy: "cos" or "linear".
        div_factor: max_lr / first rate.
        final_div_factor: first rate / last rate.

    Raises:
        ArgumentError: a value is out of range, or `step` is called more than `total_steps` times.

    Source:
        Smith & Topin 2018, "Super-convergence"; the cosines are fast.ai's.

    Example:
        >>> from minicnn import Tensor, optim
        >>> sgd = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0)
        >>> schedule = OneCycleLR(sgd, max_lr=1.0, total_steps=101, pct_start=0.25, anneal_strategy="linear")
        >>> round(max(schedule.lr_at(1.0, t) for t in range(101)), 2)
        0.99
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        groups = len(check_optimizer("OneCycleLR", optimizer).param_groups)
        peaks = list(max_lr) if isinstance(max_lr, Sequence) else [max_lr] * groups
        if len(peaks) != groups:
            raise ArgumentError(f"OneCycleLR: max_lr must be a number or one for each of the {groups} parameter group(s), not {max_lr!r}")
        self.total_steps = checks.integer(total_steps, "OneCycleLR: total_steps")
        self.pct_start = checks.fraction(pct_start, "OneCycleLR: pct_start")
        self.anneal_strategy = checks.choice(anneal_strategy, "OneCycleLR: anneal_strategy", ("cos", "linear"))
        self.div_factor = checks.positive(div_factor, "OneCycleLR: div_factor")
        self.final_div_factor = checks.positive(final_div_factor, "OneCycleLR: final_div_factor")
        super().__init__(optimizer, [checks.positive(peak, "OneCycleLR: max_lr") for peak in peaks])

    def lr_at(self, base_lr: float, t: int) -> float:
        if t > self.total_steps:  # the one right after the last batch sets a rate that no step will use
            raise ArgumentError(
                f"OneCycleLR: step {t} is beyond the cycle of total_steps={self.total_steps}: make it epochs times batches in an epoch"
            )
        first, peak = base_lr / self.div_factor, base_lr
        turn, end = max(0.0, self.pct_start * self.total_steps - 1), self.total_steps - 1
        t = min(t, end)
        if t < turn:
            return self._between(first, peak, t / turn)
        return self._between(peak, first / self.final_div_factor, (t - turn) / (end - turn)) if t > turn else peak

    def _between(self, start: float, end: float, part: float) -> float:
        part = (1 - math.cos(math.pi * part)) / 2 if self.anneal_strategy == "cos" else part
        return start + (end - start) * part


def _check_then(then: object, optimizer: Optimizer) -> None:
    if then is None:
        return
    if not isinstance(then, Schedule):
        raise ArgumentError(f"LinearWarmup: then must be a schedule that depends on time only, not {type(then).__name__}")
    if then.optimizer is not optimizer:
        raise ArgumentError(f"LinearWarmup: then={type(then).__name__}(...) must be made with the same optimiser")
