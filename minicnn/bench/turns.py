"""Contenders take turns: how the time of a step is measured so that two of them can be compared.

Speeds measured one after the other differ for reasons that have nothing to do with the contenders: the processor's clock falls as it
gets warm, somebody else uses the machine for a minute, memory has been laid out otherwise. So contenders are measured in the same process
and in small pieces. In every round each of them has one *block*, and whoever was first in one round is last in the next. What disturbs
a round disturbs all of its blocks, and drops out of the ratio of two blocks of one round; what disturbs one block drops out
of the median over the rounds.

A block is:

1. Python's garbage is collected, so that nobody pays for another one's.
2. A pause of 50 ms. The threads of a library, once finished, do not sleep at once but spin for a while, to be awake for the next task;
   they would take processors away from the next contender.
3. One step that does not count: it wakes the contender's own threads and brings its weights into the cache.
4. As many steps as fill 0.3 s, at least one. The block's figure is their mean time.

What no procedure can mend is a machine on which others compute all the time; `elsewhere` notices that.

The very first step of a contender compiles kernels, allocates workspaces and the optimiser's velocities; it is run before the first
round, and reported by itself.
"""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from minicnn import checks

Step = Callable[[], object]

ROUNDS, SECONDS, PAUSE = 5, 0.3, 0.05


@dataclass(frozen=True)
class Timing:
    """The time of one contender's step, in seconds.

    Attributes:
        first: of the very first step, with all compilation.
        rounds: the mean of each block, one per round, in order.
    """

    first: float
    rounds: tuple[float, ...]


class Clock(Protocol):
    """What times a contender's steps: `HostClock` here; on a GPU, which works while Python is far ahead, one that counts there."""

    def time(self, step: Step, seconds: float) -> float:
        """The mean time of as many steps as fill `seconds`, at least one."""
        ...


@dataclass(frozen=True)
class HostClock:
    """The computer's own clock. When a step returns, its work must be done."""

    now: Callable[[], float] = time.perf_counter

    def time(self, step: Step, seconds: float) -> float:
        """See `Clock`."""
        count, start = 0, self.now()
        while True:
            step()
            count += 1
            elapsed = self.now() - start
            if elapsed >= seconds:
                return elapsed / count


def take_turns(
    steps: Mapping[str, Step],
    *,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
    pause: float = PAUSE,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
    clocks: Mapping[str, Clock] | None = None,
) -> dict[str, Timing]:
    """Measure the time of a step for several contenders in turn.

    Args:
        steps: by name, a function that does one whole step.
        rounds: blocks for each contender.
        seconds: measured time that a block fills.
        pause: seconds of rest before a block.
        clock, sleep: the time now in seconds, and what waits; others in tests.
        clocks: by name, what times a contender instead of that clock.

    Raises:
        ArgumentError: `rounds` is below 1, or a time is negative.

    Example:
        >>> timings = take_turns({"sum": lambda: sum(range(100)), "more": lambda: sum(range(10_000))}, seconds=0, pause=0)
        >>> len(timings["sum"].rounds), timings["more"].first > 0
        (5, True)
    """
    checks.integer(rounds, "bench: repeats")
    checks.number(seconds, "bench: seconds", 0)
    checks.number(pause, "bench: pause", 0)
    timers: dict[str, Clock] = {name: HostClock(clock) for name in steps} | dict(clocks or {})
    first = {name: timers[name].time(step, 0) for name, step in steps.items()}
    figures: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds):
        for name in rotated(list(steps), number):
            gc.collect()
            sleep(pause)
            steps[name]()
            figures[name].append(timers[name].time(steps[name], seconds))
    return {name: Timing(first[name], tuple(figures[name])) for name in steps}


def rotated(names: list[str], number: int) -> list[str]:
    """The order of round `number`: the first of the round before goes last.

    >>> rotated(["a", "b", "c"], 1)
    ['b', 'c', 'a']
    """
    start = number % len(names) if names else 0
    return names[start:] + names[:start]
