"""Gradients of all workers added up, in pieces, while the backward pass still computes the others."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from minicnn.autograd import Tensor
from minicnn.autograd.ready import when_ready
from minicnn.distributed.communicator import Communicator
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array

BUCKET = 1 << 20  # bytes: a message should be long beside its latency, and short beside the whole backward pass


class Buckets:
    """Adds up the gradients of some parameters over all workers.

    The backward pass reaches the last layer first. So parameters are put into buckets from the last to the first; and whenever the gradients of a bucket are
    complete, they are laid one behind the other and added up with the other workers' by a thread of its own, while the backward pass goes on:

        backward pass   ── fc ── conv5 ── conv4 ── conv3 ── conv2 ── conv1 ─┐
        the thread          └─ add up fc ──┴─ add up conv5, conv4 ── ... ───┴─ finished

    The buckets are sent in one fixed order, the same on all workers, whatever became ready first: otherwise one would offer its third bucket where another
    waits for the second.

    A parameter that has a gradient on no worker has none afterwards; if it has one on some, it counts as zero on the others.

    Args:
        parameters: those whose gradients are added up, in the order of the network.
        communicator: for the thread; nobody else may use it meanwhile.
        size: bytes of a bucket, at least one parameter.
        overlap: begin during the backward pass. Otherwise all is sent after it, which gives the same bits.

    Source:
        Li et al. 2020, "PyTorch Distributed: experiences on accelerating data parallel training", sec. 3.2.

    Example:
        >>> from minicnn.distributed import Alone
        >>> w = Tensor([1.0, 2.0], requires_grad=True)
        >>> with Buckets([w], Alone()).reducing():
        ...     (w * w).sum().backward()
        >>> w.grad.tolist()
        [2.0, 4.0]
    """

    def __init__(self, parameters: Sequence[Tensor], communicator: Communicator, *, size: int = BUCKET, overlap: bool = True) -> None:
        self.communicator, self.overlap = communicator, overlap
        self.buckets = in_buckets(list(reversed(parameters)), size)
        self._place = {id(p): i for i, bucket in enumerate(self.buckets) for p in bucket}
        self.sent_during_backward = 0  # of the last pass: how many buckets were on their way before it was over

    @contextmanager
    def reducing(self) -> Iterator[None]:
        """Run one backward pass inside; at the end, every gradient is the sum over the workers."""
        line = _Line(self.communicator) if self.overlap else None
        missing = [len(bucket) for bucket in self.buckets]
        packed: list[Array] = []

        def ready(leaf: Tensor) -> None:
            if (place := self._place.get(id(leaf))) is None:
                return
            missing[place] -= 1
            while line is not None and len(packed) < len(self.buckets) and missing[len(packed)] == 0:
                packed.append(pack(self.buckets[len(packed)]))
                line.put(packed[-1])

        try:
            with when_ready(ready):
                yield
        except BaseException:
            if line is not None:
                line.close()  # and wait for nobody: the others may never come
            raise
        self.sent_during_backward = len(packed)
        for bucket in self.buckets[len(packed) :]:
            packed.append(pack(bucket))
            if line is None:
                self.communicator.all_reduce(packed[-1])
            else:
                line.put(packed[-1])
        if line is not None:
            line.finish()
        for bucket, array in zip(self.buckets, packed, strict=True):
            unpack(array, bucket)


class _Line:
    """A thread that adds up one array after the other."""

    def __init__(self, communicator: Communicator) -> None:
        self._communicator = communicator
        self._arrays: queue.SimpleQueue[Array | None] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def put(self, array: Array) -> None:
        """Add this up when those before it are done."""
        self._arrays.put(array)

    def close(self) -> None:
        """Nothing more will come."""
        self._arrays.put(None)

    def finish(self) -> None:
        """Wait until all is added up.

        Raises:
            Exception: what stopped the thread.
        """
        self.close()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            while (array := self._arrays.get()) is not None:
                self._communicator.all_reduce(array)
        except BaseException as error:  # noqa: BLE001 - raised again by `finish`, in the thread that waits
            self._error = error


def in_buckets(parameters: Sequence[Tensor], size: int) -> list[list[Tensor]]:
    """The parameters in a row, cut where a bucket has `size` bytes or the element type changes.

    >>> a, b, c = (Tensor([0.0] * n, requires_grad=True) for n in (3, 1, 8))
    >>> [len(bucket) for bucket in in_buckets([a, b, c], 16)]
    [2, 1]
    """
    buckets: list[list[Tensor]] = []
    held = 0
    for parameter in parameters:
        if not buckets or held >= size or buckets[-1][-1].dtype != parameter.dtype:
            buckets.append([])
            held = 0
        buckets[-1].append(parameter)
        held += parameter.data.nbytes
    return buckets


def pack(bucket: Sequence[Tensor]) -> Array:
    """All gradients in one array, and for each parameter a 1 behind them if it has one, else a 0."""
    xp: Any = array_module(bucket[0].data)
    dtype = bucket[0].dtype
    parts = [xp.zeros(p.size, dtype) if p.grad is None else p.grad.data.reshape(-1) for p in bucket]
    return xp.concatenate([*parts, xp.asarray([p.grad is not None for p in bucket], dtype)])


def unpack(array: Array, bucket: Sequence[Tensor]) -> None:
    """Give the parameters the gradients that `pack` laid out, after they were added up."""
    owners = array[len(array) - len(bucket) :].tolist()
    start = 0
    for parameter, count in zip(bucket, owners, strict=True):
        end = start + parameter.size
        parameter.grad = Tensor.wrap(array[start:end].reshape(parameter.shape)) if count else None
        start = end
