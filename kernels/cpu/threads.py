"""Spreads the images of a batch over threads, or their rows, pixels, tiles, channels: whatever can be done apart.

Each thread runs compiled loops on its own part, without the interpreter's lock. The threads meet once per loop, and each one's workspace stays in its
own cache.
"""

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial

import numpy as np

from minicnn.kernels.cpu import blas
from minicnn.kernels.cpu.signals import answer_and_await, await_signal, raise_signal

SMALL = 500_000  # numbers read or written, below which a second thread costs more than it brings
FMA = 10  # multiply-adds of a matrix product in the time of one such number
LOOKS = 30_000  # at a signal, before a thread goes to sleep: half a millisecond on an EPYC of 2020
NAP = 5e-5  # seconds
MOST = 1024  # threads
LINE = 8  # numbers in a cache line: signals of different threads lie on different ones

_lock = threading.Lock()
_team: "_Team | None" = None
_threads: int | None = None


def num_threads() -> int:
    """Threads that the kernels use: what `set_num_threads` said, else OMP_NUM_THREADS, else the processors at hand."""
    if _threads is not None:
        return _threads
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # OpenMP takes a list, for loops inside loops
    if wanted.isdecimal() and int(wanted) > 0:
        return min(int(wanted), MOST)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_num_threads(threads: int | None) -> None:
    """Use that many threads from now on, in these kernels and in BLAS; None returns to the default."""
    global _threads  # noqa: PLW0603 - a setting of the process
    _threads = threads
    blas.set_num_threads(num_threads())


def over_images(count: int, work: Callable[[int, int], None], cost: int) -> None:
    """Call `work(start, stop)` on consecutive parts of range(count), in parallel where `cost` makes it worth while.

    The parts depend only on `count`, `cost` and the number of threads, so that sums come out the same in every run. One caller at a time has the
    team of threads; another one, at the same time, works through its parts alone.
    """
    if cost < SMALL:
        work(0, count)
        return
    parts = list(split(count, cost))
    if len(parts) > 1 and not sys.is_finalizing() and _lock.acquire(blocking=False):
        try:
            _our_team().run(work, parts)
        finally:
            _lock.release()
        return
    for part in parts:
        work(*part)


def split(count: int, cost: int) -> Iterator[tuple[int, int]]:
    """The parts (start, stop) into which `over_images` divides range(count).

    >>> list(split(3, cost=0))
    [(0, 3)]
    """
    parts = max(1, min(num_threads(), count)) if cost >= SMALL else 1
    for k in range(parts):
        yield count * k // parts, count * (k + 1) // parts


class _Team:
    """The caller's thread and as many others as have ever been needed."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._workers: list[_Worker] = []

    def run(self, work: Callable[[int, int], None], parts: list[tuple[int, int]]) -> None:
        """All parts, the first one in this thread; raises what any of them raised, after all have ended."""
        while len(self._workers) < len(parts) - 1:
            self._workers.append(_Worker())
        try:
            for worker, part in zip(self._workers, parts[1:], strict=False):
                # With the caller's context: its np.errstate says whether a NaN warns.
                worker.start(partial(copy_context().run, work, *part))
            work(*parts[0])
        finally:
            problems = [worker.join() for worker in self._workers]
        for problem in problems:
            if problem is not None:
                raise problem


class _Worker:
    """A thread that waits for jobs: awake for a while after each, then asleep."""

    def __init__(self) -> None:
        self._given, self._done = 0, LINE  # places of the two signals
        self._signals = np.zeros(2 * LINE, np.int64)
        self._job: Callable[[], object] = int
        self._jobs = 0
        self._problem: BaseException | None = None
        self._asleep = False
        self._alarm: queue.SimpleQueue[None] = queue.SimpleQueue()
        threading.Thread(target=self._live, name="minicnn", daemon=True).start()

    def start(self, job: Callable[[], object]) -> None:
        """Give the thread a job, which it begins at once; but after an earlier one that Ctrl-C left behind."""
        self.join()
        self._job = job
        self._jobs += 1
        raise_signal(self._signals, self._given, self._jobs)
        if self._asleep:
            self._alarm.put(None)

    def join(self) -> BaseException | None:
        """Wait for the end of the job, if there is one; what it raised."""
        while not await_signal(self._signals, self._done, self._jobs, LOOKS):
            raise_signal(self._signals, self._given, self._jobs)  # did Ctrl-C come before the signal, or between it and the alarm?
            if self._asleep:
                self._alarm.put(None)
            time.sleep(NAP)  # has somebody else its processor? then it can have ours
        problem, self._problem = self._problem, None
        return problem

    def _live(self) -> None:
        number = 0
        while True:
            if not answer_and_await(self._signals, self._done, self._given, number, LOOKS):
                self._asleep = True
                while not await_signal(self._signals, self._given, number + 1, 1):  # given between the last look and now?
                    self._alarm.get()
                self._asleep = False
            job, self._job = self._job, int
            try:
                job()
            except BaseException as problem:  # noqa: BLE001 - the caller raises it
                self._problem = problem
            job = int  # lets go of the arrays
            number += 1


def _our_team() -> _Team:
    """The team of this process, made at the first use: a forked child has none of its parent's threads."""
    global _team  # noqa: PLW0603 - one team for the process
    if _team is None or _team.process != os.getpid():
        _team = _Team()
    return _team


def _forget() -> None:
    global _lock  # noqa: PLW0603 - a forked child must not wait for a thread that only its parent has
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
