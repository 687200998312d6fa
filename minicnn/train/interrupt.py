"""Ctrl-C that waits for the end of a step, so that no weight is half updated."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def between_steps() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl-C only makes the yielded function answer True; a second one interrupts at once.

    In a thread other than the main one signals cannot be caught, and the function always answers False.

    Example:
        >>> with between_steps() as interrupted:
        ...     interrupted()
        False
    """
    caught = threading.Event()

    def handler(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the shape of a signal handler
        if caught.is_set():
            raise KeyboardInterrupt
        caught.set()

    if threading.current_thread() is not threading.main_thread():
        yield caught.is_set
        return
    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield caught.is_set
    finally:
        signal.signal(signal.SIGINT, previous)
