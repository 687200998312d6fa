"""A command that several processes run together, started by mpiexec."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from minicnn.backend import CUPY, get_backend
from minicnn.cli import FAILED, complaint
from minicnn.cli.options import use_backend
from minicnn.distributed.communicator import Alone, Communicator
from minicnn.distributed.mpi import ALL_HAVE_IT, MPICommunicator
from minicnn.distributed.nccl import NCCLCommunicator, choose_gpu
from minicnn.distributed.watch import Watch


@dataclass(frozen=True)
class Job:
    """This worker's place among the others.

    Attributes:
        communicator: joins the workers.
        watch: who says so if one of them dies; None where there is one worker only.
    """

    communicator: Communicator
    watch: Watch | None

    @property
    def is_first(self) -> bool:
        """This worker writes and shows what all have done."""
        return self.communicator.rank == 0


ALONE = Job(Alone(), None)


@contextmanager
def job(args: argparse.Namespace) -> Iterator[Job]:
    """Inside, this process is one worker of those that mpiexec started, with its share of the processors, or a GPU. An error of one ends the job, with one line; so does a death.

    Raises:
        BackendError, ArgumentError: as `MPICommunicator`, or what is wrong with the backend, where there is one worker only.
    """
    communicator = MPICommunicator()
    if communicator.size == 1:
        share_machine(args, 0, 1)
        print("One worker: mpiexec -n 4 in front of the command starts four.", flush=True)
        yield ALONE
        return
    watch = None
    try:
        watch = Watch(communicator)
        share_machine(args, *communicator.here)
        with contextlib.nullcontext() if communicator.rank == 0 else contextlib.redirect_stdout(io.StringIO()):
            yield Job(NCCLCommunicator() if get_backend().name == CUPY else communicator, watch)
        communicator.barrier()  # whoever ends with an error code ends all others, and one of them may be writing still
    except BaseException as error:  # noqa: BLE001 - the others wait for this worker, and must be told
        if communicator.rank:
            time.sleep(ALL_HAVE_IT)
        if watch is not None:
            watch.failed()
        _say(error, communicator.rank)
        communicator.abort((complaint(error) or ("", FAILED))[1])
    else:
        watch.farewell()


def share_machine(args: argparse.Namespace, number: int, neighbours: int) -> None:
    """Unless --threads says otherwise, as many threads as there are processors for each worker of the machine; on GPUs, one for each.

    Args:
        number: this worker's among those on the machine.
        neighbours: how many they are, with this one.

    Raises:
        ArgumentError: there are fewer GPUs than workers.
    """
    if args.threads is None:
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        args.threads = max(1, processors // neighbours)
    if use_backend(args) == CUPY:
        choose_gpu(number, neighbours)


def _say(error: BaseException, rank: int) -> None:
    said = complaint(error)
    if said is None:
        traceback.print_exception(error)
    where = f"worker {rank}: " if rank else ""
    sys.stdout.flush()
    print(f"minicnn: {where}{said[0] if said else 'the error above, which nobody has foreseen, ends the job'}", file=sys.stderr, flush=True)
