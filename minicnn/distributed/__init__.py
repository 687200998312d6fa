"""More than one worker: data parallel training over MPI, AlexNet on two workers, a ring all-reduce to read, and what it all costs."""

from minicnn.distributed.alexnet import AlexNetTwoWorkers, alexnet_traffic
from minicnn.distributed.batch_norm import SyncBatchNorm2d, synchronise
from minicnn.distributed.buckets import Buckets
from minicnn.distributed.communicator import Alone, Communicator
from minicnn.distributed.gather import gather_maps, gather_scores
from minicnn.distributed.mpi import MPICommunicator
from minicnn.distributed.ring import RingStep, ring_picture, ring_steps, ring_trace
from minicnn.distributed.shared_memory import SharedMemoryCommunicator
from minicnn.distributed.sharing import Share, SharedLoader
from minicnn.distributed.spawn import spawn
from minicnn.distributed.traffic import Sent, Traffic
from minicnn.distributed.workers import Workers

__all__ = [
    "AlexNetTwoWorkers",
    "Alone",
    "Buckets",
    "Communicator",
    "MPICommunicator",
    "RingStep",
    "Sent",
    "Share",
    "SharedLoader",
    "SharedMemoryCommunicator",
    "SyncBatchNorm2d",
    "Traffic",
    "Workers",
    "alexnet_traffic",
    "gather_maps",
    "gather_scores",
    "ring_picture",
    "ring_steps",
    "ring_trace",
    "spawn",
    "synchronise",
]
