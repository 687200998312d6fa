"""Worker processes that train children side by side, and that children may take down.

They are started afresh ("spawn"; why, says `data.worker`), and compute with one thread each, so that their results do not depend on how many there are.
A worker gets one child at a time through a pipe of its own. If it dies, hangs or raises, that child scores 0, and another worker takes its place.
"""

from __future__ import annotations

import math
import multiprocessing
import pickle
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import connection
from typing import Any, Self, TypeAlias

from minicnn import checks
from minicnn.backend import get_backend, set_backend, set_num_threads
from minicnn.data.worker import ctrl_c_waits, end_with_the_parent, leave_ctrl_c_to_the_parent
from minicnn.errors import ArgumentError, DataError
from minicnn.search.child import Child

Train: TypeAlias = Callable[[str], Child]
"""What a worker does with the string of a child: `functools.partial(train_child, images=..., budget=...)`."""

START_SECONDS = 120.0  # that a process may take to import what it needs
MOST_DEATHS = 5  # of workers in a row, with no child trained in between
READY = "ready"


class Pool:
    """Processes that train children; a context manager, at whose end none of them is left.

    Args:
        count: how many.
        train: what each does with a string; it is pickled.
        seconds: that a child may take; a worker that takes longer is ended.
        say: told in a line when a child takes its worker down.

    Raises:
        ArgumentError: a number is out of range, or `train` cannot be sent to another process.

    Example:
        >>> from functools import partial
        >>> from minicnn.search import Budget, search_images, train_child
        >>> train = partial(train_child, images=search_images("digits", size=8, count=100), budget=Budget(steps=5))
        >>> with Pool(1, train) as workers:
        ...     [child.steps for child in workers.map(["chain 3x3x4/2", "chain 3x3x8/2"])]
        [5, 5]
    """

    def __init__(self, count: int, train: Train, *, seconds: float = 60.0, say: Callable[[str], None] = print) -> None:
        checks.integer(count, "Pool: count")
        self.seconds, self.say = checks.positive(seconds, "Pool: seconds"), say
        self.start = partial(_Worker, _pickled(train), get_backend().name)
        self.deaths = 0
        self.team: list[_Worker] = []
        try:
            for number in range(count):
                self._place(number)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def map(self, strings: Sequence[str]) -> Iterator[Child]:
        """The children of some strings, in their order, each as soon as it and those before it are there.

        Raises:
            DataError: several workers in a row have died, and no child was trained in between.
        """
        waiting, done = list(enumerate(strings))[::-1], dict[int, Child]()
        for number in range(len(strings)):
            while number not in done:
                for worker in self.team:
                    if waiting and worker.is_free():
                        worker.begin(*waiting.pop(), self.seconds)
                self._wait()
                done |= {of: child for place in range(len(self.team)) for of, child in self._news(place)}
            yield done.pop(number)

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        while self.team:
            self.team.pop().stop()

    def _place(self, place: int) -> None:
        """Start a worker there."""
        with ctrl_c_waits():
            self.team.insert(place, self.start(place))

    def _wait(self) -> None:
        """Until a worker has something to say, dies, or is out of time."""
        ends: list[Any] = [end for worker in self.team for end in (worker.connection, worker.process.sentinel)]
        until = min(worker.deadline for worker in self.team)
        connection.wait(ends, None if until == math.inf else max(0.0, until - time.monotonic()))

    def _news(self, place: int) -> list[tuple[int, Child]]:
        """What has come of the child of a worker; where something is wrong with the worker, another takes its place."""
        worker = self.team[place]
        news = worker.news()
        if news is None:
            return []
        of, late, worker.of = worker.of, worker.is_late(), None
        if isinstance(news, Child):
            assert of is not None
            self.deaths = 0
            return [(of[0], news)]
        trouble, seconds = news, worker.seconds()
        if not late:
            self.deaths += 1
        self.team.pop(place).stop()
        if self.deaths >= MOST_DEATHS:
            raise DataError(
                f"search: {self.deaths} worker processes in a row have died, and no child was trained in between; the last one {trouble}. Is the machine out of memory? "
                "A script that uses workers must do its work under `if __name__ == '__main__':`"
            )
        self._place(place)
        if of is None:
            self.say(f"worker {place} {trouble}, with no child to train; another one takes its place")
            return []
        self.say(f"worker {place} {trouble} with the child {of[1]!r}, which scores 0; another worker takes its place")
        return [(of[0], Child(0.0, seconds=seconds, error=f"its worker {trouble}"))]


def _pickled(train: Train) -> bytes:
    try:
        return pickle.dumps(train, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise ArgumentError(
            f"Pool: what trains a child cannot be sent to worker processes ({type(error).__name__}: {error}): define it at the top of a file, and "
            "not as a lambda or inside a function"
        ) from error


class _Worker:
    """The parent's end: a process, the pipe to it, and the child that it trains.

    Attributes:
        of: the number and the string of that child, or None.
        deadline: when it must be done, or ready for its first child, on `time.monotonic`.
    """

    def __init__(self, job: bytes, backend: str, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, job, backend), name=f"minicnn-search-{number}", daemon=True)
        self.process.start()
        theirs.close()  # or its end would stay open here when the worker dies
        self.of: tuple[int, str] | None = None
        self.is_ready, self.began = False, time.monotonic()
        self.deadline = self.began + START_SECONDS

    def is_free(self) -> bool:
        """Can it be given a child?"""
        return self.is_ready and self.of is None

    def begin(self, number: int, string: str, seconds: float) -> None:
        """Train this child, in so many seconds."""
        self.of, self.began = (number, string), time.monotonic()
        self.deadline = self.began + seconds
        with suppress(OSError):  # it is dead, as the sentinel will say
            self.connection.send(string)

    def seconds(self) -> float:
        """Since it began with what it does."""
        return time.monotonic() - self.began

    def is_late(self) -> bool:
        """Has it had a child for too long?"""
        return self.of is not None and self.process.is_alive() and time.monotonic() > self.deadline

    def news(self) -> Child | str | None:
        """The child, if it is done; what is wrong with the worker, if it is lost; None, if all is well."""
        try:
            if self.connection.poll():
                said = self.connection.recv()
                self.is_ready, self.deadline = True, math.inf
                return None if said == READY else said
        except (EOFError, OSError):
            return self._death()
        if not self.process.is_alive():
            return self._death()
        if time.monotonic() > self.deadline:
            return f"took longer than {self.deadline - self.began:g} s" + ("" if self.is_ready else " to start")
        return None

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.connection.close()
        self.process.kill()
        self.process.join()
        self.process.close()

    def _death(self) -> str:
        self.process.join(timeout=5)
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"


def _serve(theirs: connection.Connection, job: bytes, backend: str) -> None:
    """What a worker process does: train one child after the other, until nobody wants more."""
    leave_ctrl_c_to_the_parent()
    end_with_the_parent()
    set_backend(backend)
    set_num_threads(1)
    train: Train = pickle.loads(job)
    try:
        theirs.send(READY)
        while True:
            theirs.send(tried(train, theirs.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass


def tried(train: Train, string: str) -> Child:
    """The child, also where training raises what it should not."""
    begin = time.perf_counter()
    try:
        return train(string)
    except Exception as error:  # noqa: BLE001 - one child that fails must not end a search
        return Child(0.0, seconds=time.perf_counter() - begin, error=f"{type(error).__name__}: {error}")
