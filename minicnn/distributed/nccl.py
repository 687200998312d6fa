"""Workers with a GPU each: NCCL adds up what is on the GPUs, MPI carries the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minicnn import cuda
from minicnn.distributed.mpi import MPICommunicator
from minicnn.errors import ArgumentError, BackendError
from minicnn.kernels.types import Array

TYPES = {"float16": "NCCL_FLOAT16", "bfloat16": "NCCL_BFLOAT16", "float32": "NCCL_FLOAT32", "float64": "NCCL_FLOAT64"}


class NCCLCommunicator(MPICommunicator):
    """A communicator whose `all_reduce` and `broadcast` take CuPy's arrays, too, and go from GPU to GPU.

    The GPU must have been chosen before (`choose_gpu`). The work is done on a stream of its own, so that it runs beside the backward pass when another thread asks for
    it: after what had been put on the stream on which the communicator was made. (GPU and stream are those of a thread; another thread would be on the first GPU.)

    Args:
        comm: as for `MPICommunicator`.

    Raises:
        BackendError: CuPy has no NCCL, or as `MPICommunicator`.
        ArgumentError: as `MPICommunicator`.

    Source:
        NVIDIA, "NCCL user guide", sec. "Collective operations"; cupy.cuda.nccl.
    """

    def __init__(self, comm: Any = None) -> None:
        super().__init__(comm)
        try:
            from cupy.cuda import nccl
        except ImportError as error:
            raise BackendError("CuPy has no NCCL here, which adds up gradients on GPUs: install CuPy with it (pip install nvidia-nccl-cu13, or -cu12), or train on one GPU") from error
        self._nccl, gpu = nccl, cuda.cupy().cuda
        name = np.array(nccl.get_unique_id() if self.rank == 0 else [0] * nccl.NCCL_UNIQUE_ID_BYTES, np.int64)
        super().broadcast(name)
        self._gpus = nccl.NcclCommunicator(self.size, tuple(name.tolist()), self.rank)
        self._gpu, self._computing, self._stream = gpu.Device(), gpu.get_current_stream(), gpu.Stream(non_blocking=True)

    def all_reduce(self, array: Any) -> None:
        """See `Communicator`."""
        if isinstance(array, np.ndarray):
            super().all_reduce(array)
            return
        with self._sending():
            self._gpus.allReduce(array.data.ptr, array.data.ptr, array.size, self._type(array), self._nccl.NCCL_SUM, self._stream.ptr)

    def broadcast(self, array: Any, root: int = 0) -> None:
        """See `Communicator`."""
        if isinstance(array, np.ndarray):
            super().broadcast(array, root)
            return
        with self._sending():
            self._gpus.broadcast(array.data.ptr, array.data.ptr, array.size, self._type(array), root, self._stream.ptr)

    def duplicate(self) -> NCCLCommunicator:
        """See `Communicator`."""
        return NCCLCommunicator(self._comm.Dup())

    @contextmanager
    def _sending(self) -> Iterator[None]:
        """In any thread: on this worker's GPU, after what was computed so far; until it is done."""
        with self._gpu:
            self._stream.wait_event(self._computing.record())
            yield
            self._stream.synchronize()

    def _type(self, array: Array) -> int:
        return int(getattr(self._nccl, TYPES[array.dtype.name]))


def choose_gpu(number: int, neighbours: int) -> None:
    """Compute on this one of the machine's GPUs.

    Args:
        number: of this worker among those on the same machine, from 0.
        neighbours: how many they are, with this one.

    Raises:
        ArgumentError: there are fewer GPUs than workers.
    """
    gpu = cuda.cupy().cuda
    count = int(gpu.runtime.getDeviceCount())
    if neighbours > count:
        raise ArgumentError(f"{neighbours} workers on a machine with {count} GPU{'s'[: count - 1]}: each needs one of its own; start with mpiexec -n {count}")
    gpu.Device(number).use()
