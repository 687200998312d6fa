"""Messages between processes of one machine, through memory that all of them see; and on top of them the ring all-reduce.

For each pair of ranks there is a *mailbox*: a stretch of shared memory that holds one piece of a message, and two semaphores. `empty` says that the sender
may write, `full` that the receiver may read:

    sender      wait for `empty`, copy the piece in, release `full`
    receiver    wait for `full`, copy the piece out, release `empty`

That is all that processes need in order to talk. A longer message goes in several pieces. Who sends and receives at once, as everybody in a ring does, puts a
piece and takes a piece in turns, and so nobody waits for one who waits for him.
"""

from __future__ import annotations

import multiprocessing
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.distributed.ring import RingStep, ring_all_reduce
from minicnn.errors import ArgumentError, CommunicationError, DtypeError
from minicnn.kernels.types import Array

PIECE = 1 << 20  # bytes of a message that a mailbox holds at a time
HEADER = struct.Struct("q8s")  # before each piece: bytes of the whole message, its element type
CHANNELS = 2  # sets of mailboxes: a communicator and one duplicate of it
PATIENCE = 1.0  # seconds after which one who waits looks whether the others still live


class PostOffice:
    """The mailboxes of a group. The process that starts the group makes it, and hands it to all; it alone removes it.

    Args:
        size: number of ranks.
    """

    def __init__(self, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.size = size
        self.signals: list[tuple[Any, Any]] = [(context.Semaphore(1), context.Semaphore(0)) for _ in range(CHANNELS * size * size)]
        length = size + len(self.signals) * (HEADER.size + PIECE)  # a byte for each rank, which says that it has ended; then the mailboxes
        self.memory: Any = SharedMemory(f"minicnn-{os.getpid()}-{os.urandom(4).hex()}", create=True, size=length)

    def mailbox(self, channel: int, source: int, to: int) -> Mailbox:
        """The one in which `source` puts what `to` takes."""
        number = (channel * self.size + source) * self.size + to
        return Mailbox(self.memory, self.size + number * (HEADER.size + PIECE), *self.signals[number])

    def note_end(self, rank: int) -> None:
        """The rank has done its work, and will not send or receive any more."""
        self.memory.buf[rank] = 1

    def has_ended(self, rank: int) -> bool:
        """The rank has noted its end."""
        return self.memory.buf[rank] != 0

    def remove(self) -> None:
        """Give the memory and the semaphores back to the system."""
        self.signals.clear()
        self.memory.close()
        self.memory.unlink()


class Mailbox:
    """Room for one piece of a message.

    Args:
        memory: a `SharedMemory`.
        start: where in it.
        empty: may be acquired when the sender may write.
        full: may be acquired when the receiver may read.
    """

    def __init__(self, memory: Any, start: int, empty: Any, full: Any) -> None:
        self.memory, self.start, self.empty, self.full = memory, start, empty, full

    def put(self, piece: Array, header: bytes, wait: Callable[[Any], None]) -> None:
        """Write a piece (bytes), when there is room."""
        wait(self.empty)
        begin = self.start + HEADER.size
        self.memory.buf[self.start : begin] = header
        self.memory.buf[begin : begin + len(piece)] = piece.data
        self.full.release()

    def take(self, into: Array, header: bytes, wait: Callable[[Any], None]) -> bytes:
        """Read a piece into an array of bytes, when it is there. Returns its header; if that is another one, nothing is read."""
        wait(self.full)
        begin = self.start + HEADER.size
        found = bytes(self.memory.buf[self.start : begin])
        if found == header:
            into[:] = np.frombuffer(self.memory.buf[begin : begin + len(into)], np.uint8)
        self.empty.release()
        return found


class SharedMemoryCommunicator:
    """A communicator for processes of one machine, whose all-reduce goes round a ring: see `minicnn.distributed.ring`.

    Made by `spawn` for each of its processes. What the operations do stands with `Communicator`.

    Args:
        office: the mailboxes.
        rank: who this is.
        channel: which set of mailboxes.

    Attributes:
        rank: number of this process in the group, from 0.
        size: number of processes.
        bytes_sent: by this rank until now.
        after_step: if set, a function that is told each `RingStep` of an all-reduce when it has been made, and shown the array, flat.

    Example:
        >>> from minicnn.distributed import spawn
        >>> spawn(SharedMemoryCommunicator.all_gather, 2, np.ones(1))       # each process calls it with its communicator
        [[array([1.]), array([1.])], [array([1.]), array([1.])]]
    """

    def __init__(self, office: PostOffice, rank: int, channel: int = 0) -> None:
        self.rank, self.size = rank, office.size
        self.bytes_sent = 0
        self.after_step: Callable[[RingStep, Array], None] | None = None
        self._office, self._channel = office, channel
        self._right, self._left = (rank + 1) % self.size, (rank - 1) % self.size

    def all_reduce(self, array: Array) -> None:
        """Put the sum over all ranks into the array, by the ring; see `Communicator`.

        Raises:
            ArgumentError: the array is not contiguous.
            DtypeError: it does not hold numbers.
            CommunicationError: the arrays of the ranks differ in length or element type, or a process has ended.
        """
        flat = _contiguous(array, "all_reduce").reshape(-1)
        if checks.kind(array.dtype) not in "fiu":
            raise DtypeError(f"all_reduce: an array of numbers is needed, not of {array.dtype}")
        ring_all_reduce(flat, self.rank, self.size, self._swap, self.after_step)

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Everyone's array becomes that of `root`: it goes once round the ring; see `Communicator`.

        Raises:
            ArgumentError: there is no such rank, or the array is not contiguous.
            CommunicationError: the arrays of the ranks differ in size or element type, or a process has ended.
        """
        if checks.integer(root, "broadcast: root", 0) >= self.size:
            raise ArgumentError(f"broadcast: root must be a rank from 0 to {self.size - 1}, not {root}")
        if self.rank != root:
            self.receive(array, self._left)
        if self._right != root:
            self.send(array, self._right)

    def all_gather(self, array: Array) -> list[Array]:
        """The arrays of all ranks, in their order; see `Communicator`.

        Raises:
            ArgumentError: the array is not contiguous.
            CommunicationError: the arrays of the ranks differ in more than their first axis, or a process has ended.
        """
        array = _contiguous(array, "all_gather")
        lengths = self._pass_round(np.array([len(array)]), [1] * self.size)
        return self._pass_round(array, [int(length[0]) for length in lengths])

    def send(self, array: Array, to: int) -> None:
        """Send an array to one rank, which must call `receive`; see `Communicator`.

        Raises:
            ArgumentError: there is no such other rank, or the array is not contiguous.
            CommunicationError: a process has ended.
        """
        for _ in self._putting("send", array, self._other("send: to", to)):
            pass

    def receive(self, array: Array, source: int) -> None:
        """Fill the array with what one rank sends; see `Communicator`.

        Raises:
            ArgumentError: there is no such other rank, or the array is not contiguous.
            CommunicationError: what comes is of another size or element type, or a process has ended.
        """
        for _ in self._taking("receive", array, self._other("receive: source", source)):
            pass

    def exchange(self, array: Array, to: int, source: int) -> Array:
        """Send an array to one rank, and receive one like it from another, at once; see `Communicator`.

        Raises:
            ArgumentError: there is no such other rank, or the array is not contiguous.
            CommunicationError: what comes is of another size or element type, or a process has ended.
        """
        received = np.empty_like(array)
        self._transfer("exchange", array, self._other("exchange: to", to), received, self._other("exchange: source", source))
        return received

    def barrier(self) -> None:
        """Wait until all ranks are here: who has got through all steps of a ring has heard of everyone; see `Communicator`.

        Raises:
            CommunicationError: a process has ended.
        """
        ring_all_reduce(np.zeros(0), self.rank, self.size, self._swap)

    def duplicate(self) -> SharedMemoryCommunicator:
        """A second one of the same ranks with mailboxes of its own, for another thread; see `Communicator`.

        Raises:
            ArgumentError: all sets of mailboxes are taken.
        """
        if self._channel + 1 == CHANNELS:
            raise ArgumentError(f"duplicate: there are mailboxes for {CHANNELS} communicators only, and this is the last")
        return SharedMemoryCommunicator(self._office, self.rank, self._channel + 1)

    # How an array travels

    def _pass_round(self, array: Array, lengths: Sequence[int]) -> list[Array]:
        """Everyone's array in the order of ranks, whose first axes have these lengths: each passes on what came last."""
        held = {self.rank: array.copy()}
        for step in range(self.size - 1):
            sends = (self.rank - step) % self.size
            receives = (sends - 1) % self.size
            held[receives] = np.empty((lengths[receives], *array.shape[1:]), array.dtype)
            self._transfer("all_gather", held[sends], self._right, held[receives], self._left)
        return [held[rank] for rank in range(self.size)]

    def _swap(self, sent: Array, into: Array, to: int, source: int) -> None:
        self._transfer("all_reduce", sent, to, into, source)

    def _transfer(self, what: str, sent: Array, to: int, into: Array, source: int) -> None:
        """Put and take pieces in turns, until all is sent and all has come."""
        for _ in zip_longest(self._putting(what, sent, to), self._taking(what, into, source)):
            pass

    def _putting(self, what: str, array: Array, to: int) -> Iterator[None]:
        """Puts a piece each time it is asked."""
        box = self._office.mailbox(self._channel, self.rank, to)
        for piece in _pieces(_contiguous(array, what)):
            box.put(piece, _header(array), lambda signal: self._wait(signal, to, what))
            self.bytes_sent += len(piece)
            yield

    def _taking(self, what: str, array: Array, source: int) -> Iterator[None]:
        """Takes a piece each time it is asked."""
        box = self._office.mailbox(self._channel, source, self.rank)
        for piece in _pieces(_contiguous(array, what)):
            found = box.take(piece, _header(array), lambda signal: self._wait(signal, source, what))
            if found != _header(array):
                length, dtype = HEADER.unpack(found)
                raise CommunicationError(
                    f"{what}: rank {source} sent {length} bytes of {np.dtype(dtype.decode().strip(chr(0)))}, and rank {self.rank} expects {array.nbytes} of "
                    f"{array.dtype}: all ranks must make the same calls in the same order, with arrays of the same shape and type"
                )
            yield

    def _wait(self, signal: Any, other: int, what: str) -> None:
        """Acquire a semaphore that another rank will release, if it can."""
        parent = multiprocessing.parent_process()
        while not signal.acquire(timeout=PATIENCE):
            if parent is not None and not parent.is_alive():
                raise CommunicationError(f"{what}: the program that started rank {self.rank} is gone")
            if self._office.has_ended(other):
                if signal.acquire(block=False):  # the last thing that it did
                    return
                raise CommunicationError(
                    f"{what}: rank {self.rank} waits for rank {other}, which has returned: all ranks must make the same calls in the same order"
                )

    def _other(self, name: str, rank: int) -> int:
        if not checks.is_integer(rank) or not 0 <= rank < self.size or rank == self.rank:
            raise ArgumentError(f"{name} must be the rank of another process, from 0 to {self.size - 1} and not {self.rank}, not {rank!r}")
        return int(rank)


def _contiguous(array: Array, what: str) -> Array:
    if not isinstance(array, np.ndarray) or not array.flags.c_contiguous:
        raise ArgumentError(f"{what}: the array must be one of NumPy, and contiguous: numpy.ascontiguousarray makes a copy that is")
    return array


def _header(array: Array) -> bytes:
    return HEADER.pack(array.nbytes, array.dtype.str.encode())


def _pieces(array: Array) -> list[Array]:
    """The bytes of an array in pieces that fit into a mailbox; of an empty one a piece without bytes, for that is a message, too."""
    flat = array.reshape(-1).view(np.uint8)
    return [flat[start : start + PIECE] for start in range(0, max(len(flat), 1), PIECE)]
