"""Who takes part in a benchmark on a GPU, and what is asked of the library that it computes with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from minicnn.bench.turns import Clock, Step
from minicnn.bench.workload import Problem
from minicnn.kernels.types import Array

STYLES = ("eager", "graph")  # each operation is launched from Python; a whole step is launched at once


class Device(Protocol):
    """The GPU, seen through a library."""

    clock: Clock

    def rest(self) -> None:
        """Wait for all work, and give back the memory that the library keeps for later."""
        ...

    def forget_peak(self) -> None:
        """Let the peak of memory start anew."""
        ...

    def memory(self) -> dict[str, int]:
        """Bytes: "reserved", the most that the allocator has held since `forget_peak`, and what else the library can say."""
        ...


def no_pool() -> int:
    """Bytes in no pool at all."""
    return 0


@dataclass
class Running:
    """A contender that is ready.

    Attributes:
        step: one whole step; gives the loss, or the scores, which may not be finished yet.
        read: the numbers in such a result; waits for it.
        own_pool: bytes in a pool of memory that the device does not know of.
    """

    step: Step
    read: Callable[[Any], Array]
    own_pool: Callable[[], int] = no_pool


@dataclass(frozen=True)
class Entrant:
    """Somebody who can do a step on a GPU.

    Attributes:
        name: what the table calls it.
        device: the GPU, through its library.
        build: makes it ready for a problem in a precision.
        style: one of `STYLES`.
        is_rival: minicnn is compared with it.
    """

    name: str
    device: Device
    build: Callable[[Problem, str], Running]
    style: str = "eager"
    is_rival: bool = False
