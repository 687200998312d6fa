"""More than one worker: data parallel training over MPI, AlexNet on two workers, a ring all-reduce to read, and what it all costs."""

from minicnn.distributed.alexnet import AlexNetTwoWorkers, alexnet_traffic
from minicnn.distributed.batch_norm import SyncBatchNorm2d, synchronise
from minicnn.distributed.buckets import Buckets
from minicnn.distributed.communicator import Alone, Communicator
from minicnn.distributed.cost import Machine, Passes, all_reduce_time, compute_time, gradient_bytes, step_time
from minicnn.distributed.gather import gather_maps, gather_scores
from minicnn.distributed.mpi import MPICommunicator
from minicnn.distributed.ring import RingStep, ring_picture, ring_steps, ring_trace
from minicnn.distributed.scaling import Scaling, scaling, scaling_table
from minicnn.distributed.shared_memory import SharedMemoryCommunicator
from minicnn.distributed.sharing import Share, SharedLoader
from minicnn.distributed.simulation import SimulatedMessage, SimulatedStep, simulate, simulate_ring
from minicnn.distributed.spawn import spawn
from minicnn.distributed.traffic import Sent, Traffic
from minicnn.distributed.workers import Workers

__all__ = [
    "AlexNetTwoWorkers",
    "Alone",
    "Buckets",
    "Communicator",
    "MPICommunicator",
    "Machine",
    "Passes",
    "RingStep",
    "Scaling",
    "Sent",
    "Share",
    "SharedLoader",
    "SharedMemoryCommunicator",
    "SimulatedMessage",
    "SimulatedStep",
    "SyncBatchNorm2d",
    "Traffic",
    "Workers",
    "alexnet_traffic",
    "all_reduce_time",
    "compute_time",
    "gather_maps",
    "gather_scores",
    "gradient_bytes",
    "ring_picture",
    "ring_steps",
    "ring_trace",
    "scaling",
    "scaling_table",
    "simulate",
    "simulate_ring",
    "spawn",
    "step_time",
    "synchronise",
]
