"""Schedules by name, as recipes have them: their lengths are in epochs, and may be fractions of one.

Epochs are counted from the start of the run, also where it begins with a warm-up: a fall that is due during the rise is there at its end.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from minicnn import checks, optim
from minicnn.errors import ArgumentError
from minicnn.train.lookup import checked_options, look_up

AnySchedule: TypeAlias = optim.Schedule | optim.ReduceLROnPlateau


@dataclass(frozen=True)
class Length:
    """How long a run is."""

    epochs: int
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        """Updates in the whole run."""
        return self.epochs * self.steps_per_epoch

    def to_steps(self, epochs: float, name: str) -> int:
        """Epochs as updates, at least one."""
        return max(1, round(checks.positive(epochs, f"the schedule's {name}") * self.steps_per_epoch))


def _constant(optimizer: optim.Optimizer, run: Length, *, warmup: float = 0.0) -> optim.Schedule | None:
    return _warmed_up(optimizer, run, warmup, lambda _steps: None)


def _step(optimizer: optim.Optimizer, run: Length, *, every: float | None = None, gamma: float = 0.1, warmup: float = 0.0) -> AnySchedule | None:
    """Times gamma after every so many epochs; by default after each third of the run."""
    size = max(1, run.steps // 3) if every is None else run.to_steps(every, "every")
    falls = range(size, run.steps + 1, size)

    def then(rise: int) -> optim.Schedule:
        return optim.MultiStepLR(optimizer, _after(rise, falls), gamma) if rise else optim.StepLR(optimizer, size, gamma)

    return _warmed_up(optimizer, run, warmup, then)


def _multi_step(
    optimizer: optim.Optimizer, run: Length, *, milestones: Sequence[float] | None = None, gamma: float = 0.1, warmup: float = 0.0
) -> AnySchedule | None:
    """Times gamma at each milestone; by default at half and three quarters of the run: He et al. 2016, sec. 4.2."""
    if milestones is not None and (isinstance(milestones, (str, Mapping)) or not isinstance(milestones, Sequence) or not milestones):
        raise ArgumentError(f"the schedule's milestones must be a list of epochs, such as [10, 15], not {milestones!r}")
    at = [max(1, run.steps // 2), max(1, 3 * run.steps // 4)] if milestones is None else [run.to_steps(m, "milestones") for m in milestones]
    return _warmed_up(optimizer, run, warmup, lambda rise: optim.MultiStepLR(optimizer, _after(rise, at), gamma))


def _plateau(optimizer: optim.Optimizer, run: Length, *, gamma: float = 0.1, patience: int = 2) -> AnySchedule:  # noqa: ARG001 - called like all of them
    return optim.ReduceLROnPlateau(optimizer, factor=gamma, patience=patience)


def _cosine(optimizer: optim.Optimizer, run: Length, *, warmup: float = 0.0) -> AnySchedule | None:
    return _warmed_up(optimizer, run, warmup, lambda rise: optim.CosineAnnealingLR(optimizer, T_max=max(1, run.steps - rise)))


def _warmup_cosine(optimizer: optim.Optimizer, run: Length) -> AnySchedule | None:
    """With a warm-up over a twentieth of the run, if there is room for it."""
    return _cosine(optimizer, run, warmup=run.steps // 20 / run.steps_per_epoch)


def _one_cycle(optimizer: optim.Optimizer, run: Length, *, pct_start: float = 0.3, div_factor: float = 25.0) -> AnySchedule:
    peaks = [group["lr"] for group in optimizer.param_groups]
    return optim.OneCycleLR(optimizer, peaks, total_steps=run.steps, pct_start=pct_start, div_factor=div_factor)


SCHEDULES: dict[str, Callable[..., AnySchedule | None]] = {
    # called with the optimiser, whose rate is the highest, the length of the run, and the options of the recipe
    "constant": _constant,
    "step": _step,
    "multi-step": _multi_step,
    "plateau": _plateau,
    "cosine": _cosine,
    "warmup-cosine": _warmup_cosine,
    "one-cycle": _one_cycle,
}


def make_schedule(name: str, optimizer: optim.Optimizer, run: Length, options: Mapping[str, Any]) -> AnySchedule | None:
    """The schedule called `name`; None for a constant rate.

    Raises:
        ArgumentError: an unknown name or option, or a value out of range.
    """
    check_schedule(name, options)
    return look_up(name, SCHEDULES, "schedule")(optimizer, run, **options)


def check_schedule(name: str, options: Mapping[str, Any]) -> None:
    """There is such a schedule, with these options."""
    checked_options(f"the schedule {name}", look_up(name, SCHEDULES, "schedule"), options, without=("optimizer", "run"))


def _after(rise: int, milestones: Iterable[int]) -> list[int]:
    """Milestones, from the start of the run, as seen from the end of the rise."""
    return [max(0, milestone - rise) for milestone in milestones]


def _warmed_up(optimizer: optim.Optimizer, run: Length, epochs: float, then: Callable[[int], Any]) -> Any:
    """What `then(steps)` makes, after a rise over so many epochs, in a straight line from a tenth of the rate."""
    rise = round(checks.number(epochs, "the schedule's warmup", 0) * run.steps_per_epoch)
    return optim.LinearWarmup(optimizer, rise, then=then(rise)) if rise else then(0)
