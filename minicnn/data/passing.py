"""Passing batches, and what makes them, from one process to another: small ones through the pipe, the arrays of large ones in memory that both processes see.

A pipe hands on 64 KiB at a time, copied in and copied out. Instead, the sender writes the arrays once into a file in memory that has no name (`memfd_create`), and sends the
right to use it; the receiver's arrays *are* that memory. Because it has no name, nothing can be left behind: it is gone when the last process that knows of it lets go
of it, also one that is killed. Named shared memory (`multiprocessing.shared_memory`) must be removed by somebody, and in a container its place is often 64 MB.

Systems without such files (macOS, Windows) send everything through the pipe.
"""

from __future__ import annotations

import mmap
import os
import pickle
import weakref
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

LEAST = 1_000_000  # bytes of an array that does not go through the pipe
MOST_MAPPED = 64  # batches at a time: each needs a file descriptor, of which a process has about a thousand; any more are copied
EDGE = 64  # each array begins at a multiple of so many bytes, the width of a processor's cache line

_mapped: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


def send(connection: Connection, message: Any) -> None:
    """Send something that can be pickled; its large arrays go through shared memory."""
    large: list[memoryview] = []

    def stays(buffer: pickle.PickleBuffer) -> bool:
        if not hasattr(os, "memfd_create") or buffer.raw().nbytes < LEAST:
            return True
        large.append(buffer.raw())
        return False

    connection.send_bytes(pickle.dumps(message, protocol=5, buffer_callback=stays))
    connection.send([array.nbytes for array in large])
    if large:
        with open(os.memfd_create("minicnn-batch"), "wb") as file:  # noqa: PTH123 - a descriptor, no path
            for array in large:
                file.write(array)
                file.write(bytes(-array.nbytes % EDGE))
            file.flush()
            reduction.send_handle(connection, file.fileno(), None)


def receive(connection: Connection) -> Any:
    """What was sent. Large arrays are views of the shared memory, which is returned to the system when the last of them is gone.

    Raises:
        EOFError: the other side has closed the connection, or is dead.
    """
    message, sizes = connection.recv_bytes(), connection.recv()
    if not sizes:
        return pickle.loads(message)
    memory, arrays, start = _contents(reduction.recv_handle(connection)), [], 0
    for size in sizes:
        arrays.append(memory[start : start + size])
        start += size + -size % EDGE
    return pickle.loads(message, buffers=arrays)


def _contents(descriptor: int) -> memoryview:
    """The bytes of a file, which is closed: the file's own memory, or a copy."""
    with open(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        if len(_mapped) < MOST_MAPPED:
            memory = mmap.mmap(descriptor, size)
            _mapped.add(memory)
            return memoryview(memory)
        copy = bytearray(size)
        file.seek(0)
        file.readinto(copy)
        return memoryview(copy)
