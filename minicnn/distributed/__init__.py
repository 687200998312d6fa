"""More than one worker: data parallel training over MPI, and what is behind it."""

from minicnn.distributed.batch_norm import SyncBatchNorm2d, synchronise
from minicnn.distributed.buckets import Buckets
from minicnn.distributed.communicator import Alone, Communicator
from minicnn.distributed.mpi import MPICommunicator
from minicnn.distributed.sharing import Share, SharedLoader
from minicnn.distributed.workers import Workers

__all__ = ["Alone", "Buckets", "Communicator", "MPICommunicator", "Share", "SharedLoader", "SyncBatchNorm2d", "Workers", "synchronise"]
