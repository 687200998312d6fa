"""Workers that are processes of an MPI job: `mpiexec -n 4 ...`, on one machine or on many."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
import time
from typing import Any, NoReturn

import numpy as np

from minicnn.errors import ArgumentError, BackendError, install
from minicnn.kernels.types import Array

STARTED_BY = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")  # how launchers tell their processes how many they are,
RANK = ("PMI_RANK", "OMPI_COMM_WORLD_RANK")  # and which one each is
ALL_HAVE_IT = 1.0  # seconds in which the first worker can say what is wrong for all of them, as a rule the same
LISTENS = 10.0  # seconds in which a launcher that still lives reads what a worker says


class MPICommunicator:
    """A communicator over MPI, by mpi4py.

    MPI is asked for the plain thing each time; what algorithm adds up an array of this length over these cables is what its authors have
    measured and tuned for thirty years. `distributed.shared_memory` shows one of the algorithms step by step.

    Args:
        comm: an `mpi4py.MPI.Comm`; by default that of the whole job.

    Raises:
        BackendError: mpi4py is not installed, or finds no MPI.
        ArgumentError: the launcher belongs to another MPI than mpi4py does, so that each process believes to be alone.

    Source:
        Message Passing Interface Forum, MPI 4.1, chapters 3 and 6.
    """

    def __init__(self, comm: Any = None) -> None:
        self._mpi = load_mpi()
        self._comm = self._mpi.COMM_WORLD if comm is None else comm
        self.rank, self.size = int(self._comm.Get_rank()), int(self._comm.Get_size())
        if comm is None:
            check_launcher(self.size)

    def all_reduce(self, array: Array) -> None:
        """See `Communicator`."""
        self._comm.Allreduce(self._mpi.IN_PLACE, array)

    def broadcast(self, array: Array, root: int = 0) -> None:
        """See `Communicator`."""
        self._comm.Bcast(array, root)

    def all_gather(self, array: Array) -> list[Array]:
        """See `Communicator`."""
        lengths = np.zeros(self.size, np.int64)
        self._comm.Allgather(np.array([len(array)]), lengths)
        whole = np.empty((int(lengths.sum()), *array.shape[1:]), array.dtype)
        row = int(np.prod(array.shape[1:]))
        self._comm.Allgatherv(np.ascontiguousarray(array), (whole, [int(n) * row for n in lengths]))
        return np.split(whole, np.cumsum(lengths)[:-1])

    def send(self, array: Array, to: int) -> None:
        """See `Communicator`."""
        self._comm.Send(array, to)

    def receive(self, array: Array, source: int) -> None:
        """See `Communicator`."""
        self._comm.Recv(array, source)

    def exchange(self, array: Array, to: int, source: int) -> Array:
        """See `Communicator`."""
        received = np.empty_like(array)
        self._comm.Sendrecv(array, to, recvbuf=received, source=source)
        return received

    def barrier(self) -> None:
        """See `Communicator`."""
        self._comm.Barrier()

    def duplicate(self) -> MPICommunicator:
        """See `Communicator`.

        Raises:
            BackendError: this MPI was started for one thread.
        """
        if self._mpi.Query_thread() < self._mpi.THREAD_MULTIPLE:
            raise BackendError(
                "MPI was started for one thread, but gradients are to be sent by a second one: leave mpi4py.rc.thread_level as it is, or give Workers(..., overlap=False)"
            )
        return MPICommunicator(self._comm.Dup())

    @property
    def here(self) -> tuple[int, int]:
        """This worker's number among those on the same machine, and how many they are."""
        local = self._comm.Split_type(self._mpi.COMM_TYPE_SHARED)
        numbers = int(local.Get_rank()), int(local.Get_size())
        local.Free()
        return numbers

    @property
    def host(self) -> str:
        """The name of this worker's machine."""
        return str(self._mpi.Get_processor_name())

    def abort(self, code: int) -> NoReturn:
        """End all processes of the job, this one, too, as soon as the launcher has read what was said: MPICH's own function may return before it is ended."""
        wait_until_heard()
        self._comm.Abort(code)
        os._exit(code)


def load_mpi() -> Any:
    """The module `mpi4py.MPI`, which joins the job when it is imported.

    Raises:
        BackendError: it is not there, or finds no MPI.
    """
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise BackendError(f"more than one worker needs mpi4py and an MPI, which are not installed: {install('distributed')}") from error
    except RuntimeError as error:  # mpi4py is there, libmpi is not
        raise BackendError(f"mpi4py finds no MPI library ({error}): {install('distributed')} brings one") from error
    return MPI


def started() -> int:
    """How many processes a launcher of MPI has started, this one among them, as it says in their environment; 1 without a launcher."""
    return max(int(text) if (text := os.environ.get(name, "")).isdigit() else 1 for name in STARTED_BY)


def check_launcher(size: int) -> None:
    """The launcher's processes see each other.

    Raises:
        ArgumentError: each believes to be alone.
    """
    if started() > size:
        raise ArgumentError(
            f"{started()} processes were started, but mpi4py sees {size}: this mpiexec belongs to another MPI; take the one that stands beside Python, python -m mpi4py tells which MPI it uses"
        )


def end_those_who_wait(sentence: str) -> None:
    """Of a process that ends before it has joined the others of a job, who would wait for it for ever: it ends by a signal, and so the launcher ends them.

    Before that it says why; the first process at once, the others later, for as a rule all have the same to say.
    """
    if started() == 1 or "mpi4py.MPI" in sys.modules:
        return
    rank = next((os.environ[name] for name in RANK if name in os.environ), "0")
    if rank != "0":
        time.sleep(ALL_HAVE_IT)
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
    wait_until_heard()
    os.kill(os.getpid(), signal.SIGTERM)


def wait_until_heard() -> None:
    """Until the launcher has read what this process wrote to the standard error: one that learns of the end first does not look any more."""
    with contextlib.suppress(ImportError, OSError):  # Windows has no fcntl; a closed standard error
        import fcntl
        import termios

        end = time.monotonic() + LISTENS
        while stat.S_ISFIFO(os.fstat(2).st_mode) and time.monotonic() < end:
            waiting = int.from_bytes(fcntl.ioctl(2, termios.FIONREAD, b"\0" * 4), sys.byteorder)
            if waiting == 0:
                return
            time.sleep(0.01)
