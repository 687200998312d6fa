"""Worker processes that prepare batches while the network trains.

They are started afresh ("spawn") and not forked. A fork copies the memory but only one of the threads: the
locks that BLAS, Numba and this package's thread pool held at that moment stay locked in the child for ever,
and GNU OpenMP aborts on purpose. A spawned process imports what it needs, which takes half a second, and is
safe at any time.

Each worker has a pipe of its own and makes every n-th batch. It makes a few ahead (`prefetch`), and then the next whenever one is taken;
and a worker that dies closes its pipe, so nobody waits for it. Large batches, and large datasets, do not go through the pipe: see `passing`.

Ctrl-C in a terminal reaches every process, but is for the parent, which ends the workers. They ignore it, and are
started with SIGINT blocked, because they import half a second long before they can say so.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from minicnn.data.batch import BatchMaker
from minicnn.data.passing import receive, send
from minicnn.errors import ArgumentError, DataError
from minicnn.kernels.types import Array

TAKEN = b"taken"  # what a worker is told when one of its batches has been taken


def batches_from_workers(
    make: BatchMaker, batches: Sequence[Array], epoch: int, num_workers: int, prefetch: int, first: int = 0
) -> Iterator[Any]:
    """`make(indices, epoch)` for each of `batches`, in order, computed by worker processes.

    The processes end with the iteration, also when it is broken off.

    Args:
        prefetch: batches that each worker makes ahead.
        first: the number of the first of the batches in the epoch.

    Raises:
        ArgumentError: `make` cannot be sent to another process.
        DataError: a sample failed, or a worker died.
    """
    job = _pickled(make)
    count = min(num_workers, len(batches))
    workers: list[_Worker] = []
    try:
        with ctrl_c_waits():
            for number in range(count):
                workers.append(_Worker(number))
        for number, worker in enumerate(workers):
            worker.start(job, batches[number::count], epoch, prefetch)
        for k in range(len(batches)):
            yield workers[k % count].receive(first + k)
    finally:
        for worker in workers:
            worker.stop()


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Inside, SIGINT waits, and a process that is started inherits that. (Windows has no such mask.)"""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # the first process would start it, and that unblocks SIGINT
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_ctrl_c_to_the_parent() -> None:
    """Of a process that was started in `ctrl_c_waits`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # for programs that it may start


def end_with_the_parent() -> None:
    """Of a process that would wait or compute on without anybody to do it for: a parent that is killed cannot end it."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _pickled(make: BatchMaker) -> bytes:
    try:
        return pickle.dumps(make, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise ArgumentError(
            f"DataLoader: {_unpicklable_part(make)} cannot be sent to worker processes ({type(error).__name__}: {error}). Lambdas, "
            "functions inside functions, open files and locks cannot be pickled: define functions at the top of a file, open "
            "files in __getitem__, or use num_workers=0"
        ) from error


def _unpicklable_part(make: BatchMaker) -> str:
    for name, part in (("transform", make.transform), ("collate", make.collate)):
        try:
            pickle.dumps(part)
        except Exception:  # noqa: BLE001 - pickle raises whatever the object raises
            return name
    return "the dataset"


class _Worker:
    """The parent's end: a process and the pipe to it."""

    def __init__(self, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.number = number
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), name=f"minicnn-data-{number}", daemon=True)
        self.process.start()
        theirs.close()  # or its end would stay open here when the worker dies

    def start(self, job: bytes, batches: Sequence[Array], epoch: int, prefetch: int) -> None:
        """Say what to make."""
        try:
            send(self.connection, np.frombuffer(job, np.uint8))  # a large one does not wait until the process is there to read it
            self.connection.send((batches, epoch, prefetch))
        except OSError:
            raise self._death("before its first batch") from None

    def receive(self, k: int) -> Any:
        """The next batch, which is the k-th of the epoch."""
        try:
            batch, failure, trace = receive(self.connection)
        except (EOFError, OSError):
            raise self._death(f"before it delivered batch {k}") from None
        if failure is not None:
            error = DataError(failure)
            error.add_note(f"In worker process {self.number}:\n{trace}")
            raise error
        with suppress(OSError):  # it may have made its last batch, and be gone
            self.connection.send_bytes(TAKEN)
        return batch

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.connection.close()
        self.process.kill()  # it may wait in a pipe that nobody reads, or be stopped
        self.process.join()
        self.process.close()

    def _death(self, when: str) -> DataError:
        self.process.join(timeout=5)
        code = self.process.exitcode
        if code == -signal.SIGINT:
            how, why = "was killed by SIGINT", "Ctrl-C was meant for the whole program, or something else sent the signal"
        elif code is not None and code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
            why = "was the machine out of memory? Fewer workers or smaller batches need less"
        else:
            how = f"ended with exit code {code}"
            why = "its own message is above; a script that uses workers must do its work under `if __name__ == '__main__':`"
        return DataError(f"DataLoader: worker process {self.number} {how} {when}: {why}, and num_workers=0 needs none")


def _serve(connection: Connection) -> None:
    """What a worker process does: read the job, make the batches, send each, and never be more than `prefetch` ahead."""
    leave_ctrl_c_to_the_parent()
    try:
        job = receive(connection)
        batches, epoch, prefetch = connection.recv()
        for number, message in enumerate(_messages(job, batches, epoch)):
            send(connection, message)
            if number + 1 >= prefetch:
                connection.recv_bytes()  # TAKEN: there is room for one more
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # nobody wants the rest


def _messages(job: Array, batches: Sequence[Array], epoch: int) -> Iterator[tuple[Any, str | None, str]]:
    """(batch, None, "") for each batch; the last may be (None, failure, traceback)."""
    try:
        make = pickle.loads(job.data)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the parent must hear of it
        failure = (
            f"DataLoader: a worker process cannot load the dataset ({type(error).__name__}: {error}): it imports the modules that classes "
            "and functions come from, so those of a notebook or a prompt must move into a file, or use num_workers=0"
        )
        yield None, failure, traceback.format_exc()
        return
    try:
        for indices in batches:
            yield make(indices, epoch), None, ""
    except DataError as error:
        yield None, str(error), traceback.format_exc()
