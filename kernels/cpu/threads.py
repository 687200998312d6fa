"""Spreads the images of a batch over threads.

Each thread runs compiled loops and single-threaded matrix products on its own images. That beats one multi-threaded
product after another: the threads meet once per layer, and each one's workspace stays in its own cache.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial

from threadpoolctl import ThreadpoolController

SMALL = 200_000  # numbers read or written, below which a second thread costs more than it brings
FMA = 16  # multiply-adds of a matrix product in the time of one such number

_lock = threading.Lock()
_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}  # (process, threads): a forked child must not use its parent's
_controller: ThreadpoolController | None = None
_blas_users = 0
_blas_threads: dict[str, int] = {}
_threads: int | None = None


def num_threads() -> int:
    """Threads that the kernels use: what `set_num_threads` said, else OMP_NUM_THREADS, else the processors at hand."""
    if _threads is not None:
        return _threads
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_num_threads(threads: int | None) -> None:
    """Use that many threads from now on, in these kernels and in BLAS; None returns to the default."""
    global _threads, _blas_threads  # noqa: PLW0603 - settings of the process
    _threads = threads
    with _lock:
        blas = _blas()
        _blas_threads = dict.fromkeys(_blas_threads, num_threads())
        if _blas_users == 0:
            _set_blas_threads(blas, _blas_threads)


def over_images(count: int, work: Callable[[int, int], None], cost: int) -> None:
    """Call `work(start, stop)` on consecutive parts of range(count), in parallel where `cost` makes it worth while.

    The parts depend only on `count`, `cost` and the number of threads, so that sums come out the same in every run.
    """
    parts = list(split(count, cost))
    if len(parts) == 1:
        work(*parts[0])
        return
    # With the caller's context: its np.errstate says whether a NaN warns.
    pool = _pool(len(parts))
    futures = [pool.submit(copy_context().run, partial(work, *part)) for part in parts[1:]]
    work(*parts[0])
    for future in futures:
        future.result()


def split(count: int, cost: int) -> Iterator[tuple[int, int]]:
    """The parts (start, stop) into which `over_images` divides range(count).

    >>> list(split(3, cost=0))
    [(0, 3)]
    """
    parts = max(1, min(num_threads(), count)) if cost >= SMALL else 1
    for k in range(parts):
        yield count * k // parts, count * (k + 1) // parts


def _pool(threads: int) -> ThreadPoolExecutor:
    key = (os.getpid(), threads)
    with _lock:
        if key not in _pools:
            _pools[key] = ThreadPoolExecutor(threads, thread_name_prefix="minicnn")
        return _pools[key]


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold BLAS at one thread while at least one caller is inside; the last one out restores it."""
    global _blas_users  # noqa: PLW0603 - BLAS has one setting per process
    with _lock:
        blas = _blas()
        if _blas_users == 0:
            _set_blas_threads(blas, dict.fromkeys(_blas_threads, 1))
        _blas_users += 1
    try:
        yield
    finally:
        with _lock:
            _blas_users -= 1
            if _blas_users == 0:
                _set_blas_threads(blas, _blas_threads)


def _blas() -> ThreadpoolController:
    """The BLAS libraries of the process; the first call notes how many threads each has."""
    global _controller, _blas_threads  # noqa: PLW0603 - BLAS has one setting per process
    if _controller is None:
        _controller = ThreadpoolController().select(user_api="blas")
        _blas_threads = {library.filepath: library.num_threads for library in _controller.lib_controllers}
    return _controller


def _set_blas_threads(blas: ThreadpoolController, counts: dict[str, int]) -> None:
    """Set each library's number of threads, from whichever thread this is.

    threadpoolctl lets only the first thread that ever set OpenBLAS's count change it again, and ignores all others
    silently. Here the first one in and the last one out may differ, and a lock keeps them apart: so ask it to forget.
    """
    for library in blas.lib_controllers:
        forget = getattr(library, "clear_controlling_thread", None)
        if forget is not None:
            forget(force=True)
        library.set_num_threads(counts[library.filepath])
        if forget is not None:
            forget(force=True)
