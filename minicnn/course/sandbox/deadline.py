"""Reading from a pipe that may never be written to, nor closed: somebody may have handed its other end to a process that lives on."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from typing import IO


class Deadline:
    """A pipe that is read until a moment, and not longer. Before the first `allow` there is time without end.

    Args:
        pipe: to read from; nobody else does.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._number = pipe.fileno()
        self._end = threading.TIMEOUT_MAX

    def allow(self, seconds: float) -> None:
        """From now on."""
        self._end = time.monotonic() + seconds

    def read(self, count: int) -> bytes:
        """Up to `count` bytes, as soon as there are any; none at the end of the stream.

        Raises:
            TimeoutError: the time is over.
        """
        if sys.platform != "win32":  # where pipes cannot be waited for
            waiting = select.poll()
            waiting.register(self._number, select.POLLIN)
            while not waiting.poll(max(0.0, min(self._end - time.monotonic(), 1.0)) * 1000):
                if time.monotonic() >= self._end:
                    raise TimeoutError
        return os.read(self._number, count)
