"""The process of a student as the system sees it: starting it, messages there and back within a time, what it prints, and its end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

import minicnn.course
from minicnn.course.sandbox.deadline import Deadline
from minicnn.course.sandbox.wire import read_message, write_message

START = str(Path(__file__).with_name("start.py"))
OPTIONS = ("-P", "-s", "-B")  # of Python: nothing of the folder, nothing of the user's, nothing written
PRINTED = 20_000  # bytes of what it prints that are kept
GRACE = 1.0  # seconds that one waits longer for what it prints


class Process:
    """A process that answers messages.

    Args:
        seconds: that it may take for all answers together; what whoever asks does in between does not count.
        writes: it has a folder to write into, which goes when it ends.

    Attributes:
        folder: that one, or "".
        late: has it been ended because it took too long?
    """

    def __init__(self, seconds: float, *, writes: bool) -> None:
        self._left, self.late = seconds, False
        self._end = contextlib.ExitStack()
        self.folder = self._end.enter_context(tempfile.TemporaryDirectory(prefix="minicnn-", ignore_cleanup_errors=True)) if writes else ""
        try:
            self._process = start(self.folder)
        except OSError:
            self._end.close()
            raise
        self._orders, self._answers, self._words = (Deadline(cast("IO[bytes]", pipe)) for pipe in (self._process.stdin, self._process.stdout, self._process.stderr))
        self._printed = bytearray()
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    @property
    def ended(self) -> bool:
        """Has it come to its end?"""
        return self._process.poll() is not None

    @property
    def number(self) -> int:
        """By which the system knows it."""
        return self._process.pid

    @property
    def printed(self) -> str:
        """What it has printed, as far as it is kept."""
        return bytes(self._printed).decode("utf-8", "replace")

    def send(self, message: Any, stand_in: Callable[[Any], dict[str, Any]]) -> None:
        """Send a message; see `write_message`.

        Raises:
            BrokenPipeError: it has ended.
            TimeoutError: it does not read in time, and is ended.
            WireError: the message cannot be sent.
        """
        with self._clock():
            write_message(self._orders, message, stand_in)

    def receive(self, found: Callable[[dict[str, Any]], Any]) -> Any:
        """The next message; see `read_message`.

        Raises:
            TimeoutError: it does not come in time, and the process is ended.
            EOFError: it has ended.
            WireError: it has sent something else.
        """
        with self._clock():
            return read_message(self._answers, found)

    def wait(self) -> int:
        """For its end: the exit code, or minus the number of a signal."""
        code = self._process.wait()
        self._reader.join(timeout=2)
        return code

    def at_end(self, function: Callable[[], None]) -> None:
        """Call a function when it is closed."""
        self._end.callback(function)

    def close(self) -> None:
        """End it, with all that it has started."""
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, 9)
        self.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        self._end.close()

    @contextlib.contextmanager
    def _clock(self) -> Iterator[None]:
        """Its time passes while it is waited for."""
        start = time.monotonic()
        for pipe, grace in ((self._orders, 0.0), (self._answers, 0.0), (self._words, GRACE)):
            pipe.allow(self._left + grace)
        over = threading.Timer(max(0.0, self._left), self._kill) if sys.platform == "win32" else None  # where pipes cannot be waited for
        if over:
            over.start()
        try:
            yield
        except TimeoutError:
            self._kill()
            raise
        finally:
            if over:
                over.cancel()
            self._left -= time.monotonic() - start

    def _kill(self) -> None:
        self.late = True
        with contextlib.suppress(OSError):
            self._process.kill()

    def _collect(self) -> None:
        """Read what it prints, and keep the beginning; nobody is held up by a full pipe."""
        with contextlib.suppress(OSError, ValueError):  # TimeoutError is one
            while part := self._words.read(65536):
                self._printed += part[: max(0, PRINTED - len(self._printed))]


def start(folder: str) -> subprocess.Popen[bytes]:
    """The process as it begins.

    Args:
        folder: that it works in; "" for one without.
    """
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, *OPTIONS, START], stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder or os.sep, env=environment(folder), start_new_session=True)


def environment(folder: str) -> dict[str, str]:
    """One thread, the same hashes in every run, the NumPy of this process, and nothing that is nobody's business."""
    modules = [Path(minicnn.course.__file__).resolve().parents[2], Path(np.__file__).resolve().parents[1]]
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), folder or os.devnull)
    return {**kept, **threads, **places, "PYTHONPATH": os.pathsep.join(map(str, modules)), "PYTHONHASHSEED": "0", "MINICNN_BACKEND": "numpy"}
