"""Whether a CUDA graph is being captured, and what is different then.

A graph is a list of kernels with the addresses that they read and write. While it is captured nothing is computed, so nobody may look at a value; and what Python
decides is decided once, for all launches of the graph. The seeds of dropout masks are therefore read from memory, where each launch finds new ones.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from minicnn.kernels.types import Array


class Seeds:
    """The seeds that one run of a graph uses: places in an array on the GPU, handed out in the order in which they are drawn.

    Attributes:
        places: the array, of uint64; None while the draws are only counted.
        count: draws so far.
    """

    def __init__(self, places: Array | None = None) -> None:
        self.places = places
        self.count = 0

    def place(self) -> Array | None:
        """Where the next seed will be, as an array of one element; None if this only counts."""
        self.count += 1
        return None if self.places is None else self.places[self.count - 1 : self.count]


_seeds: ContextVar[Seeds | None] = ContextVar("minicnn_seeds", default=None)


def is_capturing() -> bool:
    """A graph is being captured: values must not be looked at.

    >>> is_capturing()
    False
    """
    seeds = _seeds.get()
    return seeds is not None and seeds.places is not None


def next_place() -> Array | None:
    """Where a graph that is being captured will find the next seed; None if no graph is being captured."""
    seeds = _seeds.get()
    return None if seeds is None else seeds.place()


@contextmanager
def drawing(seeds: Seeds) -> Iterator[Seeds]:
    """Inside, seeds are drawn from `seeds`, in this thread."""
    token = _seeds.set(seeds)
    try:
        yield seeds
    finally:
        _seeds.reset(token)
