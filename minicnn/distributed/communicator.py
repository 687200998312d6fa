"""What workers say to each other: a few collective operations, whatever carries them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from minicnn.kernels.types import Array


class Communicator(Protocol):
    """One of `size` workers that run the same program, each with a `rank` from 0.

    An operation is collective: every worker calls it, in the same order, with arrays of the same type, and none goes on before it has its result.
    Where one worker calls something else than the others, all wait for ever; so decisions are made from numbers that all have.

    Arrays are contiguous. On a GPU only `all_reduce` and `broadcast` take them, from a communicator that says so.

    Attributes:
        rank: this worker's number, from 0 to size - 1.
        size: how many there are.
    """

    rank: int
    size: int

    def all_reduce(self, array: Array) -> None:
        """Put the sum over all workers into `array`: the same bits everywhere."""

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Put the array of the worker `root` into everybody's."""

    def all_gather(self, array: Array) -> list[Array]:
        """Everybody's array, in the order of ranks. Their first axes may differ in length."""

    def send(self, array: Array, to: int) -> None:
        """Hand an array to one worker, who receives it."""

    def receive(self, array: Array, source: int) -> None:
        """Fill `array` with what one worker sends."""

    def exchange(self, array: Array, to: int, source: int) -> Array:
        """Send to one worker and receive from another at the same time, an array of the same shape; nobody waits for the other to begin."""

    def barrier(self) -> None:
        """Wait until everybody is here."""

    def duplicate(self) -> Communicator:
        """A second one of the same workers, whose messages never meet this one's: for another thread."""


class Alone:
    """The only worker: all that there is to add up or to hand round is its own.

    Example:
        >>> alone, array = Alone(), np.ones(2)
        >>> alone.all_reduce(array)
        >>> alone.size, array.tolist(), [a.tolist() for a in alone.all_gather(array)]
        (1, [1.0, 1.0], [[1.0, 1.0]])
    """

    rank, size = 0, 1

    def all_reduce(self, array: Array) -> None:
        """The sum of one."""

    def broadcast(self, array: Array, root: int = 0) -> None:
        """There is nobody to tell."""

    def all_gather(self, array: Array) -> list[Array]:
        """The array."""
        return [array]

    def send(self, array: Array, to: int) -> None:  # noqa: ARG002 - the shape of a communicator
        """There is nobody to send to."""
        raise AssertionError("a lone worker has nobody to send to")

    def receive(self, array: Array, source: int) -> None:  # noqa: ARG002
        """There is nobody to receive from."""
        raise AssertionError("a lone worker has nobody to receive from")

    def exchange(self, array: Array, to: int, source: int) -> Array:  # noqa: ARG002
        """With itself: a copy."""
        return np.array(array)

    def barrier(self) -> None:
        """Everybody is here."""

    def duplicate(self) -> Alone:
        """Another one."""
        return Alone()


@contextmanager
def in_turn(communicator: Communicator) -> Iterator[None]:
    """The workers go through this one after the other: for what the first of them downloads, or what is read under a lock.

    >>> with in_turn(Alone()):
    ...     pass
    """
    for _ in range(communicator.rank):
        communicator.barrier()
    yield
    for _ in range(communicator.rank, communicator.size):
        communicator.barrier()
