"""The schedule that looks at results: lower the learning rate when they no longer improve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from minicnn import checks
from minicnn.errors import ArgumentError, NonFiniteError
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.schedule import check_keys, check_optimizer, damaged


class ReduceLROnPlateau:
    """Multiply the learning rates by `factor` after more than `patience` epochs in a row without improvement.

    A result is an improvement if it is better than the best so far by more than the relative `threshold`:
    result < best (1 - threshold) for "min", result > best (1 + threshold) for "max".

    Args:
        optimizer: whose learning rates to lower.
        mode: "min" for a loss, "max" for an accuracy.
        factor: below 1.
        patience: epochs without improvement that are borne.
        threshold: improvements below this part do not count.
        cooldown: epochs after a reduction that are not counted.
        min_lr: lower bound of the learning rates.

    Attributes:
        best: the best result so far, or None.
        num_bad_epochs: epochs in a row without improvement.
        cooldown_counter: epochs of the cooldown that are left.
        last_epoch: how often `step` has been called.

    Raises:
        ArgumentError: a value is out of range.

    Source:
        The habit of AlexNet's authors ("divide the learning rate by 10 when the validation error rate stopped
        improving", Krizhevsky et al. 2012, sec. 5), as PyTorch automates it.

    Example:
        >>> from minicnn import Tensor, optim
        >>> schedule = ReduceLROnPlateau(optim.SGD([Tensor([0.0], requires_grad=True)], lr=0.5), factor=0.5, patience=1)
        >>> for loss in (1.0, 0.9, 0.9, 0.9):
        ...     schedule.step(loss)
        >>> schedule.get_last_lr()
        [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self.optimizer = check_optimizer("ReduceLROnPlateau", optimizer)
        self.mode = checks.choice(mode, "ReduceLROnPlateau: mode", ("min", "max"))
        self.factor = checks.positive(factor, "ReduceLROnPlateau: factor")
        if factor >= 1:
            raise ArgumentError(f"ReduceLROnPlateau: factor must be below 1, not {factor!r}: the rate would never fall")
        self.patience = checks.integer(patience, "ReduceLROnPlateau: patience", 0)
        self.threshold = checks.number(threshold, "ReduceLROnPlateau: threshold", 0)
        self.cooldown = checks.integer(cooldown, "ReduceLROnPlateau: cooldown", 0)
        self.min_lr = checks.number(min_lr, "ReduceLROnPlateau: min_lr", 0)
        self.best: float | None = None
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def step(self, metric: float) -> None:
        """Report the result of an epoch.

        Raises:
            NonFiniteError: the result is NaN or Inf: the training has failed, and no smaller rate mends it.
        """
        metric = float(metric)
        if not math.isfinite(metric):
            raise NonFiniteError(f"ReduceLROnPlateau: the result of epoch {self.last_epoch} is {metric}: the training has diverged")
        self.last_epoch += 1
        if self._is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group in self.optimizer.param_groups:
                group["lr"] = min(group["lr"], max(group["lr"] * self.factor, self.min_lr))
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _is_better(self, metric: float) -> bool:
        if self.best is None:
            return True
        if self.mode == "min":
            return metric < self.best * (1 - self.threshold)
        return metric > self.best * (1 + self.threshold)

    def get_last_lr(self) -> list[float]:
        """The learning rates that are in force, one for each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold. The learning rates themselves are in the optimiser's state."""
        return {name: getattr(self, name) for name in ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where another schedule was.

        Raises:
            StateDictError: entries are missing or unexpected, or of another kind.
        """
        check_keys(self, state, self.state_dict())
        with damaged(self):
            if state["best"] is not None:
                checks.number(state["best"], "best")
            for name in ("last_epoch", "num_bad_epochs", "cooldown_counter"):
                checks.integer(state[name], name, 0)
        for name, value in state.items():
            setattr(self, name, value)
