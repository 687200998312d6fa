"""What a benchmark found, and the arithmetic on it: medians over the rounds, and ratios."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from minicnn.bench.memory import Memory
from minicnn.bench.turns import Timing
from minicnn.bench.workload import Workload


@dataclass(frozen=True)
class Spread:
    """The middle and the ends of a few figures.

    Example:
        >>> Spread.of([3.0, 1.0, 2.0])
        Spread(median=2.0, min=1.0, max=3.0)
    """

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        """Of at least one figure."""
        return cls(statistics.median(figures), min(figures), max(figures))


@dataclass(frozen=True)
class Measurement:
    """One contender on one workload.

    Attributes:
        name: of the contender.
        is_rival: minicnn is compared with it.
        timing: seconds per step, round by round.
        images_per_second: the batch divided by the time of a step, over the rounds.
        memory: None if it was not measured.
    """

    name: str
    is_rival: bool
    timing: Timing
    images_per_second: Spread
    memory: Memory | None = None


@dataclass(frozen=True)
class Row:
    """One workload with all contenders.

    Attributes:
        workload: what was measured.
        measurements: one for each contender, in their order.
        elsewhere: how many processors other programs used while time was measured, on average; None if that is not known.
    """

    workload: Workload
    measurements: tuple[Measurement, ...]
    elsewhere: float | None = None

    @property
    def best_rival(self) -> Measurement | None:
        """The rival with the most images per second, by the median; None without rivals."""
        rivals = [m for m in self.measurements if m.is_rival]
        return max(rivals, key=lambda m: m.images_per_second.median, default=None)

    def ratio(self, name: str) -> Spread | None:
        """A contender's images per second over those of the best rival: above 1 the contender is faster. None without rivals.

        A ratio is taken round by round, and then the median of the ratios: two blocks of one round are neighbours in time, so that whatever slows
        the machine for a while slows both and cancels. (The ratio of the two medians may compare a quiet round with a busy one.) Which
        rival is the best is decided once, by its median over all rounds.
        """
        best = self.best_rival
        if best is None:
            return None
        own = next(m for m in self.measurements if m.name == name)
        return Spread.of([theirs / ours for ours, theirs in zip(own.timing.rounds, best.timing.rounds, strict=True)])


def measurement(name: str, is_rival: bool, timing: Timing, batch_size: int, memory: Memory | None = None) -> Measurement:
    """Put a contender's figures together.

    >>> measurement("numba", False, Timing(first=9.0, rounds=(0.5, 0.25, 1.0)), batch_size=8).images_per_second
    Spread(median=16.0, min=8.0, max=32.0)
    """
    return Measurement(name, is_rival, timing, Spread.of([batch_size / seconds for seconds in timing.rounds]), memory)


@dataclass(frozen=True)
class Report:
    """A whole benchmark.

    Attributes:
        machine: processor, threads, and versions of what ran.
        settings: rounds, seconds of a block, pause.
        rows: one for each workload.
    """

    machine: dict[str, Any]
    settings: dict[str, Any]
    rows: tuple[Row, ...]

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; times in seconds, memory in bytes."""
        return {"machine": self.machine, "settings": self.settings, "rows": [as_dict(row) for row in self.rows]}


def as_dict(row: Row) -> dict[str, Any]:
    """One row, ready for JSON."""
    best = row.best_rival
    return {
        **asdict(row.workload),
        "processors_used_elsewhere": row.elsewhere,
        "best_rival": best.name if best else None,
        "contenders": [_contender(row, m) for m in row.measurements],
    }


def _contender(row: Row, m: Measurement) -> dict[str, Any]:
    ratio = None if m.is_rival else row.ratio(m.name)
    return {
        "name": m.name,
        "images_per_second": asdict(m.images_per_second),
        "seconds_per_step": asdict(Spread.of(m.timing.rounds)) | {"rounds": list(m.timing.rounds)},
        "first_step_seconds": m.timing.first,
        "ratio": asdict(ratio) if ratio else None,
        "memory": {**asdict(m.memory), "above_imports": m.memory.above_imports} if m.memory else None,
    }
