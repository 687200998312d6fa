"""Reading from a pipe that may never be written to, nor closed: somebody may have handed its other end to a process that lives on."""

from __future__ import annotations

import os
import select
import sys
import time
from typing import IO


class Deadline:
    """A pipe that is read until a moment, and not longer.

    Args:
        pipe: to read from; nobody else does.
        seconds: from now on.
    """

    def __init__(self, pipe: IO[bytes], seconds: float) -> None:
        self._number = pipe.fileno()
        self._end = time.monotonic() + seconds

    def read(self, count: int) -> bytes:
        """Up to `count` bytes, as soon as there are any; none at the end of the stream.

        Raises:
            TimeoutError: the time is over.
        """
        if sys.platform != "win32":  # where pipes cannot be waited for
            left = self._end - time.monotonic()
            if left <= 0 or not select.select([self._number], [], [], left)[0]:
                raise TimeoutError
        return os.read(self._number, count)
