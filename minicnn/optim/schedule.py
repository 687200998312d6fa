"""What all schedules share: they set the learning rates of an optimiser, step after step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from minicnn import checks
from minicnn.errors import ArgumentError, StateDictError, listing
from minicnn.optim.optimizer import Optimizer


class Schedule:
    """Base of the schedules that depend on time only. A subclass says what the learning rate is at each time.

    The rate is a function of the base rate and the time, so a schedule can be drawn before it is used. What
    is written into `param_groups[...]["lr"]` by hand is overwritten at the next step.

    Args:
        optimizer: whose learning rates to set; those it has now are the base rates.

    Attributes:
        last_epoch: how often `step` has been called.
        base_lrs: one base rate for each group of parameters.

    Raises:
        ArgumentError: `optimizer` is none.

    Example:
        >>> from minicnn import Tensor, optim
        >>> class Hyperbola(Schedule):
        ...     def lr_at(self, base_lr, t):
        ...         return base_lr / (1 + t)
        >>> schedule = Hyperbola(optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0))
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, base_lrs: Sequence[float] | None = None) -> None:
        self.optimizer = check_optimizer(type(self).__name__, optimizer)
        self._set(0, list(base_lrs) if base_lrs is not None else self.get_last_lr())

    def lr_at(self, base_lr: float, t: int) -> float:
        """The learning rate after `t` steps, of a group whose base rate is `base_lr`."""
        raise NotImplementedError(f"{type(self).__name__} has no lr_at")

    def step(self) -> None:
        """Go one step on: after each epoch, or after each batch, as the schedule's lengths are meant.

        Raises:
            ArgumentError: a group of parameters was added to the optimiser after the schedule was made.
        """
        self._set(self.last_epoch + 1, self.base_lrs)

    def get_last_lr(self) -> list[float]:
        """The learning rates that are in force, one for each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where another schedule was, and set the learning rates accordingly.

        Raises:
            StateDictError: entries are missing, unexpected or of another kind, or the number of groups differs.
        """
        check_keys(self, state, self.state_dict())
        with damaged(self):
            last_epoch = checks.integer(state["last_epoch"], "last_epoch", 0)
            if not isinstance(state["base_lrs"], (list, tuple)):
                raise ArgumentError(f"base_lrs must be a list of rates, not {state['base_lrs']!r}")
            base_lrs = [checks.number(rate, "each of base_lrs", 0) for rate in state["base_lrs"]]
        if len(base_lrs) != len(self.base_lrs):
            raise StateDictError(
                f"{type(self).__name__}: the state is for {len(base_lrs)} parameter group(s), the optimiser has {len(self.base_lrs)}"
            )
        self._set(last_epoch, base_lrs)

    def _set(self, t: int, base_lrs: list[float]) -> None:
        """Be at time `t`; where `lr_at` refuses, nothing has changed."""
        groups = self.optimizer.param_groups
        if len(groups) != len(base_lrs):
            raise ArgumentError(
                f"{type(self).__name__}: the schedule was made for {len(base_lrs)} parameter group(s), but the optimiser has {len(groups)}: "
                "add the groups first, then make the schedule"
            )
        rates = [float(self.lr_at(base_lr, t)) for base_lr in base_lrs]
        self.last_epoch, self.base_lrs = t, base_lrs
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate


def check_optimizer(schedule: str, optimizer: Any) -> Optimizer:
    """The first argument of a schedule is an optimiser."""
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(f"{schedule}: the first argument must be an optimiser, not {type(optimizer).__name__}")
    return optimizer


def check_keys(schedule: object, state: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """A state dict has exactly the expected entries."""
    if set(state) != set(expected):
        raise StateDictError(f"{type(schedule).__name__}: the state must have {listing(expected)}; it has {listing(state) or 'nothing'}")


@contextmanager
def damaged(schedule: object) -> Iterator[None]:
    """Inside, what a check refuses comes from a file, and not from the caller: the state is to blame."""
    try:
        yield
    except ArgumentError as error:
        raise StateDictError(f"{type(schedule).__name__}: the state is damaged: {error}") from None
