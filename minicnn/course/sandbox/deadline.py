"""Pipes whose other end may never be written to, read from, or closed: somebody may have handed it to a process that lives on."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from typing import IO


class Deadline:
    """A pipe that is waited for until a moment, and not longer. Before the first `allow` there is time without end.

    On Windows pipes cannot be waited for: there whoever has the process must end it.

    Args:
        pipe: to read from or to write to; nobody else does.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._number = pipe.fileno()
        self._end = threading.TIMEOUT_MAX
        if sys.platform != "win32":
            os.set_blocking(self._number, False)

    def allow(self, seconds: float) -> None:
        """From now on."""
        self._end = time.monotonic() + seconds

    def read(self, count: int) -> bytes:
        """Up to `count` bytes, as soon as there are any; none at the end of the stream.

        Raises:
            TimeoutError: the time is over.
        """
        self._wait(reading=True)
        return os.read(self._number, count)

    def write(self, data: bytes) -> None:
        """All of it.

        Raises:
            TimeoutError: the time is over, and nobody has read.
        """
        rest = memoryview(data)
        while rest:
            self._wait(reading=False)
            rest = rest[os.write(self._number, rest) :]

    def _wait(self, *, reading: bool) -> None:
        if sys.platform == "win32":
            return
        waiting = select.poll()
        waiting.register(self._number, select.POLLIN if reading else select.POLLOUT)
        while not waiting.poll(max(0.0, min(self._end - time.monotonic(), 1.0)) * 1000):
            if time.monotonic() >= self._end:
                raise TimeoutError
