"""Streams, events and pools of memory for the stand-in of CuPy, as mean as the rules allow.

Work in a stream is done as late as possible, or, in a stream that is eager, at once; and memory that has become free is given to the next who asks. So whoever does
not wait for what he needs reads something else. As on a GPU, work that is waiting knows addresses, and keeps no memory from being reused.
"""

import ctypes
import types
import weakref

import numpy as np

import minicnn
from minicnn.backend import Backend
from tests import stand_in_cupy


class Event:
    """A place in a stream."""

    def __init__(self, stream, count):
        self.stream, self.count = stream, count

    def synchronize(self):
        self.stream.run(self.count)


class Stream:
    """Work that waits to be done, in order."""

    eager = False

    def __init__(self, non_blocking=False):
        self.work, self.done = [], 0

    def ask(self, function):
        self.work.append(function)
        if self.eager:
            self.run(len(self.work))

    def run(self, count):
        while self.done < count:
            self.done += 1
            self.work[self.done - 1]()

    def record(self):
        return Event(self, len(self.work))

    def wait_event(self, event):
        self.ask(event.synchronize)

    def synchronize(self):
        self.run(len(self.work))


class Pool:
    """Pieces of memory, by address; a piece is free when the object that was made of it is gone."""

    def __init__(self):
        self.pieces, self.free = {}, []

    def take(self, nbytes, make):
        fitting = [piece for piece in self.free if piece.nbytes == nbytes]
        piece = fitting[0] if fitting else np.full(nbytes, 0xFF, np.uint8)
        self.free = [other for other in self.free if other is not piece]
        self.pieces[piece.ctypes.data] = piece
        owner = make(piece)
        weakref.finalize(owner, lambda: self.free.append(piece))
        return owner

    def at(self, array):
        """What is where the array is, without a hold on it."""
        return self.pieces[array.ctypes.data].view(array.dtype).reshape(array.shape)


def install(monkeypatch, copies_first):
    """The stand-in as the array module of the backend cupy; with `copies_first` a copy is made as early as possible.

    Returns:
        The module, its usual stream, and the pools of the GPU and of pinned memory.
    """
    cupy = stand_in_cupy.install(monkeypatch)
    monkeypatch.setattr(Backend, "xp", property(lambda self: cupy if self.name == "cupy" else np))
    monkeypatch.setattr(minicnn.cuda, "require_gpu", lambda: None)
    monkeypatch.setitem(minicnn.backend._BUILT_IN, "cupy", ("array",))
    usual, gpu, pinned = Stream(), Pool(), Pool()

    class OtherStream(Stream):
        eager = copies_first

    def empty(shape, dtype):
        nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return gpu.take(nbytes, lambda piece: stand_in_cupy.ndarray(piece.view(dtype).reshape(shape)))

    def copy(self, source, stream):
        there, here = self.inner, pinned.at(source)  # KeyError: not pinned
        stream.ask(lambda: np.copyto(there, here))

    monkeypatch.setattr(stand_in_cupy.ndarray, "set", copy, raising=False)
    cupy.empty = empty
    cupy.cuda = types.SimpleNamespace(
        Stream=OtherStream,
        get_current_stream=lambda: usual,
        alloc_pinned_memory=lambda nbytes: pinned.take(nbytes, (ctypes.c_ubyte * nbytes).from_buffer),
    )
    return cupy, usual, gpu, pinned
