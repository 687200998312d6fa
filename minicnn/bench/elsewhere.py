"""Who else computes meanwhile? On a machine without an idle processor left, comparisons mislead, and not by a little.

Threads meet at the end of each operation. If one of them has lost its processor to another program, the rest wait for it; the OpenMP threads of
PyTorch spin meanwhile and keep it from coming back. With one other busy program on two processors, every step of a small network was
seen to take 95 ms instead of 0.5, in all rounds alike, so that no median and no spread shows it. minicnn, which lets one thread do what is
small, seemed forty times as fast. Hence this watch: processor time of the whole machine less that of this process.
"""

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")
NOTICED = 0.1  # processors


class Watch:
    """Measures from when it is made.

    Example:
        >>> watch = Watch()
        >>> used = watch.processors()
        >>> used is None or used >= 0
        True
    """

    def __init__(self) -> None:
        self._start, self._others = time.perf_counter(), _others()

    def processors(self) -> float | None:
        """How many processors other programs have used since, on average; None where the system does not say."""
        now = _others()
        if now is None or self._others is None:
            return None
        return max(0.0, now - self._others) / max(time.perf_counter() - self._start, 1e-9)


def crowded(used: float | None, threads: int) -> bool:
    """Whether others and our threads together need more processors than there are.

    >>> crowded(1.0, threads=10**6), crowded(0.01, threads=10**6), crowded(None, threads=2)
    (True, False, False)
    """
    return used is not None and used > NOTICED and used + threads > (os.cpu_count() or 1)


def busy_ticks(stat: str) -> int:
    """Ticks of all processors that were not idle, from the text of /proc/stat: user, nice, system, irq, softirq, steal.

    >>> busy_ticks("cpu  10 20 30 4000 5000 1 2 3 0 0")
    66
    """
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.split(maxsplit=9)[1:9])
    return user + nice + system + irq + softirq + steal


def _others() -> float | None:
    """Processor seconds since the start of the machine that were not ours; None where the system does not say."""
    try:
        ticks = busy_ticks(STAT.read_text())
    except (OSError, ValueError):
        return None
    return ticks / os.sysconf("SC_CLK_TCK") - time.process_time()
