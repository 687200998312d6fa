"""The GPU through CuPy and through PyTorch: time by events, memory by the allocators, graphs.

Time. An event is a mark in the GPU's own stream of work. Two of them around some steps measure what lies between, and Python may run ahead meanwhile, as it
does in training. Before and after, everything is waited for; then the computer's clock must tell the same. If it tells much more, the steps work on
a stream that the events do not see, and the computer's clock counts.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minicnn.bench.turns import Clock, Step

MOST = 2000  # steps in a block
UNSEEN = 0.1  # share of the time that events may miss


class DeviceClock:
    """Times steps by events.

    Args:
        mark: puts an event into the stream.
        between: seconds from one event to another, both reached.
        wait: for all work.

    Attributes:
        unseen: whether the computer's clock had to be used, at the last time.
    """

    def __init__(self, mark: Callable[[], Any], between: Callable[[Any, Any], float], wait: Callable[[], object]) -> None:
        self._mark, self._between, self._wait = mark, between, wait
        self.unseen = False

    def time(self, step: Step, seconds: float) -> float:
        """The mean time of as many steps as fill `seconds`; how many those are, one step alone tells."""
        self.unseen = False
        mean = self._run(step, 1)
        count = min(MOST, math.ceil(seconds / mean)) if mean > 0 else MOST
        return self._run(step, count) if count > 1 else mean

    def _run(self, step: Step, count: int) -> float:
        self._wait()
        begun, start = time.perf_counter(), self._mark()
        for _ in range(count):
            step()
        end = self._mark()
        self._wait()
        there, here = self._between(start, end), time.perf_counter() - begun
        if count > 1 and here - there > max(1e-3, UNSEEN * here):
            self.unseen = True
            return here / count
        return there / count


class CupyDevice:
    """The GPU through CuPy."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self.clock: Clock = DeviceClock(self._mark, lambda a, b: cupy.cuda.get_elapsed_time(a, b) / 1e3, self._wait)

    def _mark(self) -> Any:
        event = self._cupy.cuda.Event()
        event.record()
        return event

    def _wait(self) -> None:
        self._cupy.cuda.runtime.deviceSynchronize()

    def rest(self) -> None:
        """See `Device`."""
        self._wait()
        self._cupy.get_default_memory_pool().free_all_blocks()

    def forget_peak(self) -> None:
        """The pool never shrinks by itself: after `rest`, what it holds later is the peak."""
        self.rest()

    def memory(self) -> dict[str, int]:
        """See `Device`."""
        pool = self._cupy.get_default_memory_pool()
        return {"reserved": pool.total_bytes(), "in_use_now": pool.used_bytes()}

    def free(self) -> int:
        """Bytes of the GPU that nobody holds, for whatever reason."""
        return int(self._cupy.cuda.runtime.memGetInfo()[0])


class TorchDevice:
    """The GPU through PyTorch."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self.clock: Clock = DeviceClock(self._mark, lambda a, b: a.elapsed_time(b) / 1e3, torch.cuda.synchronize)

    def _mark(self) -> Any:
        event = self._torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def rest(self) -> None:
        """See `Device`."""
        self._torch.cuda.synchronize()
        self._torch.cuda.empty_cache()

    def forget_peak(self) -> None:
        """Also gives back what the search for the fastest convolutions has left in the cache."""
        self.rest()
        self._torch.cuda.reset_peak_memory_stats()

    def memory(self) -> dict[str, int]:
        """See `Device`."""
        return {"reserved": self._torch.cuda.max_memory_reserved(), "allocated": self._torch.cuda.max_memory_allocated()}


class CupyGraph:
    """A function of no arguments, called once and recorded at its second call as a CUDA graph; from then on calls launch the graph.

    It has a stream and a pool of memory of its own: what it writes to at each launch must be given to nobody else. A launch waits for the stream that is current
    where it is called, and that stream for it.
    """

    def __init__(self, cupy: Any, function: Step) -> None:
        self._cupy, self._function, self._graph = cupy, function, None
        self._pool, self._stream = cupy.cuda.MemoryPool(), cupy.cuda.Stream(non_blocking=True)
        self._result: Any = None
        self._called = False

    def __call__(self) -> Any:
        if not self._called:
            self._called = True
            with self._inside():
                return self._function()
        if self._graph is None:
            self._record()
        with self._inside():
            self._graph.launch(self._stream)  # type: ignore[attr-defined]
        return self._result

    def total_bytes(self) -> int:
        """What its pool holds."""
        return int(self._pool.total_bytes())

    def _record(self) -> None:
        with self._inside():
            self._stream.synchronize()
            self._stream.begin_capture()
            try:
                self._result = self._function()
            finally:
                graph = self._stream.end_capture()
        self._graph = graph

    @contextmanager
    def _inside(self) -> Iterator[None]:
        outside = self._cupy.cuda.get_current_stream()
        self._stream.wait_event(outside.record())
        with self._cupy.cuda.using_allocator(self._pool.malloc), self._stream:
            yield
        outside.wait_event(self._stream.record())


class TorchGraph:
    """A function of no arguments, called a few times and then recorded as a CUDA graph, as PyTorch's documentation advises."""

    WARM = 3  # calls before the recording, on a stream beside the usual one

    def __init__(self, torch: Any, function: Step) -> None:
        self._torch, self._function, self._graph = torch, function, None
        self._beside: Any = None  # one stream for all of these calls: the allocator keeps what is free for the stream that had it
        self._result: Any = None
        self._calls = 0

    def __call__(self) -> Any:
        cuda = self._torch.cuda
        if self._calls < self.WARM:
            self._calls += 1
            beside = self._beside = self._beside or cuda.Stream()
            beside.wait_stream(cuda.current_stream())
            with cuda.stream(beside):
                result = self._function()
            cuda.current_stream().wait_stream(beside)
            return result
        if self._graph is None:
            graph = cuda.CUDAGraph()
            with cuda.graph(graph, capture_error_mode="relaxed"):  # Python may free somebody else's memory meanwhile
                self._result = self._function()
            self._graph = graph
        self._graph.replay()  # type: ignore[attr-defined]
        return self._result
