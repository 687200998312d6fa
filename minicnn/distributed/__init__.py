"""Several workers train one network."""

from minicnn.distributed.communicator import Alone, Communicator
from minicnn.distributed.ring import RingStep, ring_picture, ring_steps, ring_trace
from minicnn.distributed.shared_memory import SharedMemoryCommunicator
from minicnn.distributed.spawn import spawn

__all__ = [
    "Alone",
    "Communicator",
    "RingStep",
    "SharedMemoryCommunicator",
    "ring_picture",
    "ring_steps",
    "ring_trace",
    "spawn",
]
