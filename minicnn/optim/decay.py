"""Schedules that only go down: in steps, or along half a cosine."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from minicnn import checks
from minicnn.errors import ArgumentError
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.schedule import Schedule


class StepLR(Schedule):
    """lr = base · gamma^⌊t / step_size⌋: times `gamma` every `step_size` steps.

    Raises:
        ArgumentError: `step_size` is below 1, or `gamma` not above 0.

    Source:
        For one, Hu et al. 2018, "Squeeze-and-excitation networks": a tenth every 30 epochs.

    Example:
        >>> from minicnn import Tensor, optim
        >>> schedule = StepLR(optim.SGD([Tensor([0.0], requires_grad=True)], lr=0.5), step_size=30, gamma=0.5)
        >>> [schedule.lr_at(0.5, t) for t in (29, 30, 60)]
        [0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = checks.integer(step_size, "StepLR: step_size")
        self.gamma = checks.positive(gamma, "StepLR: gamma")
        super().__init__(optimizer)

    def lr_at(self, base_lr: float, t: int) -> float:
        return base_lr * self.gamma ** (t // self.step_size)


class MultiStepLR(Schedule):
    """Times `gamma` at each milestone, counted in steps: lr = base · gamma^(number of milestones <= t).

    Raises:
        ArgumentError: a milestone is no integer >= 0, or `gamma` is not above 0.

    Source:
        With milestones at half and three quarters of the training: He et al. 2016, sec. 4.2.

    Example:
        >>> from minicnn import Tensor, optim
        >>> schedule = MultiStepLR(optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0), milestones=[80, 120], gamma=0.5)
        >>> [schedule.lr_at(1.0, t) for t in (79, 80, 120)]
        [1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones = sorted(checks.integer(t, "MultiStepLR: each of milestones", 0) for t in milestones)
        self.gamma = checks.positive(gamma, "MultiStepLR: gamma")
        super().__init__(optimizer)

    def lr_at(self, base_lr: float, t: int) -> float:
        return base_lr * self.gamma ** bisect_right(self.milestones, t)


class CosineAnnealingLR(Schedule):
    """Half a cosine from the base rate down to `eta_min` at step `T_max`, after which it rises again.

        lr = eta_min + (base - eta_min) (1 + cos(π t / T_max)) / 2

    Raises:
        ArgumentError: `T_max` is below 1, or `eta_min` below 0 or above a base rate.

    Source:
        Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", eq. 5, without
        restarts.

    Example:
        >>> from minicnn import Tensor, optim
        >>> schedule = CosineAnnealingLR(optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0), T_max=100)
        >>> [round(schedule.lr_at(1.0, t), 3) for t in (0, 50, 100)]
        [1.0, 0.5, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = checks.integer(T_max, "CosineAnnealingLR: T_max")
        self.eta_min = checks.number(eta_min, "CosineAnnealingLR: eta_min", 0)
        super().__init__(optimizer)
        if any(eta_min > base_lr for base_lr in self.base_lrs):
            raise ArgumentError(f"CosineAnnealingLR: eta_min = {eta_min} is above the base rate {min(self.base_lrs)}: the rate would rise")

    def lr_at(self, base_lr: float, t: int) -> float:
        return self.eta_min + (base_lr - self.eta_min) * (1 + math.cos(math.pi * t / self.T_max)) / 2
