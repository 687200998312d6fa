"""Starting a group of processes on this machine, and ending it, whatever happens to one of them."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from minicnn import checks
from minicnn.data.worker import ctrl_c_waits, end_with_the_parent, leave_ctrl_c_to_the_parent
from minicnn.distributed.shared_memory import PostOffice, SharedMemoryCommunicator
from minicnn.errors import ArgumentError, CommunicationError, MinicnnError


def spawn(function: Callable[..., Any], size: int, *args: Any) -> list[Any]:
    """Call `function(communicator, *args)` in `size` new processes, each with its `SharedMemoryCommunicator`.

    Every process imports the function from its module, as the workers of a `DataLoader` do: it stands at the top of a file, and a script
    that calls `spawn` does so under `if __name__ == "__main__":`. When one process fails, the others are ended. Nothing is left
    behind: no process, no shared memory.

    Args:
        function: what each process does.
        size: number of processes.
        args: more arguments, the same for all.

    Returns:
        What the function returned in each process, in the order of ranks.

    Raises:
        ArgumentError: `size` is no integer above 0, or the function or its arguments cannot be sent to another process.
        CommunicationError: a process died, or returned something that cannot be sent back; or the ranks did not make the same calls. Any other error
            of a process is raised here as it is, with a note that says which rank it was, and where.

    Example:
        >>> from operator import attrgetter
        >>> spawn(attrgetter("rank"), 2)
        [0, 1]
    """
    size = checks.integer(size, "spawn: size")
    job = _pickled(function, args)
    office, processes = PostOffice(size), []
    try:
        with ctrl_c_waits():
            for rank in range(size):
                processes.append(_Process(office, rank))
        for process in processes:
            process.send(job)
        return _results(processes)
    finally:
        for process in processes:
            process.stop()
        office.remove()


def _pickled(function: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
    try:
        return pickle.dumps((function, args), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise ArgumentError(
            f"spawn: the function or its arguments cannot be sent to other processes ({type(error).__name__}: {error}). Lambdas, functions inside "
            "functions, open files and locks cannot be pickled: define the function at the top of a file"
        ) from error


def _results(processes: list[_Process]) -> list[Any]:
    """What each process sends at its end, in whatever order they end."""
    results = {}
    waiting: dict[Any, _Process] = {process.connection: process for process in processes}
    while waiting:
        for connection in wait(list(waiting)):
            process = waiting.pop(connection)
            results[process.rank] = process.result()
    return [results[rank] for rank in range(len(processes))]


class _Process:
    """The parent's end: a process and the pipe to it."""

    def __init__(self, office: PostOffice, rank: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.rank = rank
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, office, rank), name=f"minicnn-rank-{rank}", daemon=True)
        self.process.start()
        theirs.close()  # or its end would stay open here when the process dies

    def send(self, job: bytes) -> None:
        """Say what to do."""
        try:
            self.connection.send_bytes(job)
        except OSError:
            raise self._death() from None

    def result(self) -> Any:
        """What its function returned; raises what it raised."""
        try:
            error, value, trace = self.connection.recv()
        except (EOFError, OSError):
            raise self._death() from None
        if error is None:
            return value
        error.add_note(f"In the process of rank {self.rank}:\n{trace}")
        raise error

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.connection.close()
        self.process.kill()
        self.process.join()
        self.process.close()

    def _death(self) -> CommunicationError:
        self.process.join(timeout=5)
        code = self.process.exitcode
        if code is not None and code < 0:
            how, why = f"was killed by {signal.Signals(-code).name}", "was the machine out of memory?"
        else:
            above = "its own message is above; a script must call spawn under `if __name__ == '__main__':`"
            how, why = f"ended with exit code {code}", above if code else "the function must return, and not end the process"
        return CommunicationError(f"spawn: the process of rank {self.rank} {how} before its function returned, and the others were ended: {why}")


def _serve(connection: Connection, office: PostOffice, rank: int) -> None:
    """What a process does: read the job, do it, send the result or the error."""
    leave_ctrl_c_to_the_parent()
    end_with_the_parent()
    with suppress(EOFError, OSError):  # nobody is there any more who wants it
        try:
            function, args = pickle.loads(connection.recv_bytes())
            message = _of_result(function(SharedMemoryCommunicator(office, rank), *args))
            office.note_end(rank)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the parent must hear of it
            message = _of_error(error, traceback.format_exc())
        connection.send_bytes(message)
    office.memory.close()


def _of_result(value: Any) -> bytes:
    try:
        return pickle.dumps((None, value, ""), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise CommunicationError(f"spawn: what the function returned cannot be sent back ({type(error).__name__}: {error})") from error


def _of_error(error: Exception, trace: str) -> bytes:
    if isinstance(error, MinicnnError):
        error.module = None  # a whole network, perhaps
    try:
        message = pickle.dumps((error, None, trace), protocol=pickle.HIGHEST_PROTOCOL)
        pickle.loads(message)
    except Exception:  # noqa: BLE001 - pickle raises whatever the object raises
        message = pickle.dumps((CommunicationError(f"spawn: {type(error).__name__}: {error}"), None, trace))
    return message
