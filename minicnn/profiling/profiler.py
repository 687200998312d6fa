"""The profile: what ran inside a `with` block, and how long it took."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from minicnn.autograd import observer
from minicnn.profiling.record import ModuleCall, Record, Tape
from minicnn.profiling.recorder import Recorder
from minicnn.profiling.table import table
from minicnn.profiling.trace_file import save_trace

_opening = threading.Lock()


class Profile:
    """What ran inside `with minicnn.profile() as p:`, of every thread. It can be read inside the block as well: so far.

    Example:
        >>> import minicnn
        >>> x = minicnn.ones(4, 4)
        >>> with minicnn.profile() as p:
        ...     y = (x @ x).sum()
        >>> [(record.op, record.shape, record.macs) for record in p.records]
        [('MatMul', (4, 4), 64), ('Sum', (), 0)]
        >>> 0 < p.between < p.seconds
        True
    """

    def __init__(self) -> None:
        self._tape = Tape(perf_counter())
        self._end: float | None = None

    @property
    def records(self) -> tuple[Record, ...]:
        """The operations, in the order in which they began."""
        return tuple(sorted(self._tape.records, key=lambda record: record.start))

    @property
    def module_calls(self) -> tuple[ModuleCall, ...]:
        """The forward passes of modules, in the order in which they began."""
        return tuple(sorted(self._tape.calls, key=lambda call: call.start))

    @property
    def seconds(self) -> float:
        """Time from the beginning of the block to its end, or to now."""
        return (perf_counter() if self._end is None else self._end) - self._tape.start

    @property
    def between(self) -> float:
        """Seconds in which no thread was inside an operation: Python, sums of gradients, loading of data, the profiler itself."""
        covered, end = 0.0, 0.0
        for record in self.records:
            stop = record.start + record.seconds
            covered, end = covered + max(0.0, stop - max(end, record.start)), max(end, stop)
        return self.seconds - covered

    def table(self, by: str = "op") -> str:
        """The time of each kind of operation as text, the longest first; the last rows are the time between operations, and the total.

        All shares add up to 100 %. The total is the wall time, unless threads ran operations side by side: then it is more.

        Args:
            by: "op": a row for each operation and phase; "layer": a row for each of them in each module.

        Raises:
            ArgumentError: `by` is neither.

        Example:
            >>> import minicnn
            >>> with minicnn.profile() as p:
            ...     y = minicnn.nn.Linear(3, 2)(minicnn.ones(8, 3))
            >>> print(p.table())
            1 operation in ... ms, 1 thread
            <BLANKLINE>
            operation           phase    calls  total ms  share %  ms per call  GMAC/s  GB/s
            --------------------------------------------------------------------------------
            ...
        """
        return table(self.records, self.seconds, self.between, by)

    def save_trace(self, path: str | Path) -> Path:
        """Write a file in Chrome's trace event format, to be opened in https://ui.perfetto.dev or chrome://tracing; returns its path.

        A bar for each operation, inside the bars of the modules that were running, on a line for each thread.

        Raises:
            CheckpointError: the file cannot be written.

        Example:
            >>> import json, minicnn
            >>> with minicnn.profile() as p:
            ...     y = minicnn.ones(2, 2).exp()
            >>> events = json.loads(p.save_trace("trace.json").read_text())["traceEvents"]
            >>> [event["name"] for event in events if event["ph"] == "X"]
            ['Exp']
        """
        return save_trace(Path(path), self.records, self.module_calls)


@contextmanager
def profile() -> Iterator[Profile]:
    """Inside, every operation of every thread is recorded, with its time, its place in the network, and its cost.

    An exception leaves the block as usual, and the profile holds what ran before. Profiles may be nested: each sees everything in its
    own block. Paths begin at the outermost module that was called inside. To record an operation takes 10 to 20 microseconds, which count
    as time between operations; outside profiles it takes none.

    Example:
        >>> import minicnn
        >>> net = minicnn.models.LeNet5()
        >>> with minicnn.profile() as p:
        ...     net(minicnn.zeros(8, 1, 32, 32)).sum().backward()
        >>> [(r.path, r.layer, r.phase) for r in p.records if r.op == "Conv2d"]
        [('c1', 'Conv2d', 'forward'), ('c3', 'Conv2d', 'forward'), ('c3', 'Conv2d', 'backward'), ('c1', 'Conv2d', 'backward')]
        >>> print(p.table())            # or p.table(by="layer"), or p.save_trace("trace.json")
        26 operations in ... ms, 1 thread
        ...
    """
    result = Profile()
    with _opening:
        recorder = observer.active if isinstance(observer.active, Recorder) else Recorder()
        recorder.tapes = (*recorder.tapes, result._tape)
        observer.active = recorder
    try:
        yield result
    finally:
        result._end = perf_counter()
        with _opening:
            recorder.tapes = tuple(tape for tape in recorder.tapes if tape is not result._tape)
            if not recorder.tapes:
                observer.active = None
