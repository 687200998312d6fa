"""Where the time goes: every operation that ran, how long it took, in which layer, and how much it computed and moved."""

from minicnn.profiling.profiler import Profile, profile
from minicnn.profiling.record import ModuleCall, Record

__all__ = ["ModuleCall", "Profile", "Record", "profile"]
