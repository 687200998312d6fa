"""How many threads the BLAS that NumPy brings may use.

A large product is left to BLAS, which uses every processor. In a small one, waking a second thread costs more than it brings, and on a busy machine both
then wait for each other: LeNet-5's linear layers ran ten times slower. So small ones are held at one thread.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_controller: ThreadpoolController | None = None
_users = 0
_counts: dict[str, int] = {}


def set_num_threads(threads: int) -> None:
    """Use that many threads from now on."""
    global _counts  # noqa: PLW0603 - BLAS has one setting per process
    with _lock:
        libraries = _libraries()
        _counts = dict.fromkeys(_counts, threads)
        if _users == 0:
            _set(libraries, _counts)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Hold BLAS at one thread while at least one caller is inside; the last one out restores it."""
    global _users  # noqa: PLW0603 - BLAS has one setting per process
    with _lock:
        libraries = _libraries()
        if _users == 0:
            _set(libraries, dict.fromkeys(_counts, 1))
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _set(libraries, _counts)


def _libraries() -> ThreadpoolController:
    """The BLAS libraries of the process; the first call notes how many threads each has."""
    global _controller, _counts  # noqa: PLW0603 - BLAS has one setting per process
    if _controller is None:
        _controller = ThreadpoolController().select(user_api="blas")
        _counts = {library.filepath: library.num_threads for library in _controller.lib_controllers}
    return _controller


def _set(libraries: ThreadpoolController, counts: dict[str, int]) -> None:
    """Set each library's number of threads, from whichever thread this is.

    threadpoolctl lets only the first thread that ever set OpenBLAS's count change it again, and ignores all others
    silently. Here the first one in and the last one out may differ, and a lock keeps them apart: so ask it to forget.
    """
    for library in libraries.lib_controllers:
        forget = getattr(library, "clear_controlling_thread", None)
        if forget is not None:
            forget(force=True)
        library.set_num_threads(counts[library.filepath])
        if forget is not None:
            forget(force=True)


def _start_anew() -> None:
    """In a forked child: nobody is inside, and nobody holds the lock, whatever threads of the parent did."""
    global _lock, _users  # noqa: PLW0603 - BLAS has one setting per process
    _lock = threading.Lock()
    if _users and _controller is not None:
        _set(_controller, _counts)
    _users = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
