"""More than one worker: data parallel training over MPI, AlexNet on two workers, a ring all-reduce to read, and what it all costs."""

from minicnn.distributed.batch_norm import SyncBatchNorm2d, synchronise
from minicnn.distributed.buckets import Buckets
from minicnn.distributed.communicator import Alone, Communicator
from minicnn.distributed.mpi import MPICommunicator
from minicnn.distributed.ring import RingStep, ring_picture, ring_steps, ring_trace
from minicnn.distributed.shared_memory import SharedMemoryCommunicator
from minicnn.distributed.sharing import Share, SharedLoader
from minicnn.distributed.spawn import spawn
from minicnn.distributed.workers import Workers

__all__ = [
    "Alone",
    "Buckets",
    "Communicator",
    "MPICommunicator",
    "RingStep",
    "Share",
    "SharedLoader",
    "SharedMemoryCommunicator",
    "SyncBatchNorm2d",
    "Workers",
    "ring_picture",
    "ring_steps",
    "ring_trace",
    "spawn",
    "synchronise",
]
