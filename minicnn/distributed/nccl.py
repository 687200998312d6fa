"""Workers with a GPU each: NCCL adds up what is on the GPUs, MPI carries the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn import cuda
from minicnn.distributed.mpi import MPICommunicator
from minicnn.errors import BackendError
from minicnn.kernels.types import Array

TYPES = {"float16": "NCCL_FLOAT16", "bfloat16": "NCCL_BFLOAT16", "float32": "NCCL_FLOAT32", "float64": "NCCL_FLOAT64"}


class NCCLCommunicator(MPICommunicator):
    """A communicator whose `all_reduce` and `broadcast` take CuPy's arrays, too, and go from GPU to GPU.

    The GPU must have been chosen before (`choose_gpu`). The work is done on a stream of its own, so that it runs beside the backward pass when another thread asks for it.

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
        self._nccl, self._cupy = nccl, cuda.cupy()
        name = np.array(nccl.get_unique_id() if self.rank == 0 else [0] * nccl.NCCL_UNIQUE_ID_BYTES, np.int64)
        super().broadcast(name)
        self._gpus = nccl.NcclCommunicator(self.size, tuple(name.tolist()), self.rank)
        self._stream = self._cupy.cuda.Stream(non_blocking=True)

    def all_reduce(self, array: Any) -> None:
        """See `Communicator`."""
        if isinstance(array, np.ndarray):
            super().all_reduce(array)
            return
        self._begin()
        self._gpus.allReduce(array.data.ptr, array.data.ptr, array.size, self._type(array), self._nccl.NCCL_SUM, self._stream.ptr)
        self._stream.synchronize()

    def broadcast(self, array: Any, root: int = 0) -> None:
        """See `Communicator`."""
        if isinstance(array, np.ndarray):
            super().broadcast(array, root)
            return
        self._begin()
        self._gpus.broadcast(array.data.ptr, array.data.ptr, array.size, self._type(array), root, self._stream.ptr)
        self._stream.synchronize()

    def duplicate(self) -> NCCLCommunicator:
        """See `Communicator`."""
        return NCCLCommunicator(self._comm.Dup())

    def _begin(self) -> None:
        """What was computed so far comes first."""
        self._stream.wait_event(self._cupy.cuda.get_current_stream().record())

    def _type(self, array: Array) -> int:
        return int(getattr(self._nccl, TYPES[array.dtype.name]))


def choose_gpu(number: int) -> None:
    """Compute on this one of the machine's GPUs, or, where there are fewer, on the one that comes round again.

    Args:
        number: of this worker among those on the same machine, from 0.
    """
    runtime = cuda.cupy().cuda
    runtime.Device(number % runtime.runtime.getDeviceCount()).use()
