"""Batches on their way to a GPU: one is copied while the GPU computes with the one before.

The GPU's copy engine reads main memory by itself, but only pages that the system promises not to move (pinned memory), and while it does so neither Python
nor the GPU's processors need wait. Order is kept by events, which mark a place in a stream of work: another stream, or Python, can wait for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.autograd import Tensor
from minicnn.data.batch import becomes_tensor
from minicnn.kernels.types import Array

STAGED = 2  # batches that are in pinned memory at a time


def one_ahead(batches: Iterator[Any], cupy: Any) -> Iterator[Any]:
    """The batches, with their arrays as tensors on the GPU. The copy of each begins before the one in front of it is handed out.

    An error in making a batch is raised when its turn comes, as if there were no hurry.
    """
    copies = _Copies(cupy)
    under_way = None
    try:
        for batch, error in _outcomes(batches):
            started = copies.start(batch) if error is None else None
            if under_way is not None:
                yield copies.finish(*under_way)
            if error is not None:
                raise error
            under_way = started
        if under_way is not None:
            yield copies.finish(*under_way)
    finally:
        copies.close()


def _outcomes(batches: Iterator[Any]) -> Iterator[tuple[Any, Exception | None]]:
    """Each batch, with no error; at the end, no batch with an error, if there was one."""
    try:
        for batch in batches:
            yield batch, None
    except Exception as error:  # noqa: BLE001 - raised again, a batch later
        yield None, error


class _Copies:
    """A stream that does nothing but copy."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._staged: deque[tuple[Any, list[Array]]] = deque()  # pinned arrays, and the event after which they may be overwritten

    def start(self, batch: Any) -> tuple[Any, Any]:
        """Begin to copy a batch; what is returned is for `finish`."""
        if len(self._staged) == STAGED:
            done, pinned = self._staged.popleft()
            done.synchronize()  # two batches ago: long since over
            del pinned
        entries = [_Entry(entry, self._cupy) for entry in (batch if isinstance(batch, tuple) else (batch,))]
        # The memory may just have become free, while the GPU has still to read what was in it: the copy waits for all that has been asked for so far.
        self._stream.wait_event(self._cupy.cuda.get_current_stream().record())
        for entry in entries:
            entry.copy(self._stream)
        done = self._stream.record()
        self._staged.append((done, [entry.pinned for entry in entries if entry.pinned is not None]))
        given = tuple(entry.given for entry in entries)
        return (given if isinstance(batch, tuple) else given[0]), done

    def finish(self, batch: Any, done: Any) -> Any:
        """The batch, which whatever is asked of the GPU from now on finds complete."""
        self._cupy.cuda.get_current_stream().wait_event(done)
        return batch

    def close(self) -> None:
        """Wait for copies under way, whose memory would otherwise be given to others."""
        self._stream.synchronize()


class _Entry:
    """One entry of a batch: an array of numbers, in pinned memory and soon on the GPU, or something else, which stays what it is."""

    def __init__(self, entry: Any, cupy: Any) -> None:
        self.given, self.pinned = entry, None
        if becomes_tensor(entry):
            self.given = Tensor.wrap(cupy.empty(entry.shape, entry.dtype))
            if entry.size:
                self.pinned = _pinned_copy(entry, cupy)

    def copy(self, stream: Any) -> None:
        """Ask the stream to copy the array."""
        if self.pinned is not None:
            self.given.data.set(self.pinned, stream=stream)


def _pinned_copy(array: Array, cupy: Any) -> Array:
    memory = cupy.cuda.alloc_pinned_memory(array.nbytes)
    pinned: Array = np.frombuffer(memory, np.uint8, array.nbytes).view(array.dtype).reshape(array.shape)
    pinned[...] = array
    return pinned
