"""What a training step needs of the other workers."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np

from minicnn.autograd import Tensor
from minicnn.backend import generator, to_numpy
from minicnn.distributed.buckets import BUCKET, Buckets
from minicnn.distributed.communicator import Alone, Communicator
from minicnn.distributed.sharing import Loader, SharedLoader
from minicnn.errors import ArgumentError, MinicnnError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.nn import Buffer, Module


class Workers:
    """Data parallelism: each worker has the whole network, and computes a share of every batch.

    Gradients are added up over the workers before each update, so all take the same step from the same weights and stay alike, to the last bit. The step is
    the one that a single worker would take with the whole batch, apart from rounding. Two things see a worker's own images only: a batch norm, unless it is
    synchronised (`SyncBatchNorm2d`), whose running statistics are averaged; and what is drawn at random in the network, such as dropout.

    With one worker nothing is sent, and nothing is different.

    Args:
        communicator: joins the workers.
        seed: of what the workers but the first draw in a step. (The first goes on drawing from the process's generator.)
        overlap, bucket: see `Buckets`.

    Attributes:
        rank, size: of the communicator.
        is_first: this is the worker that logs and writes files.
        weight: what an image of the batch at hand counts: see `Share`.

    Example:
        >>> workers = Workers()
        >>> workers.size, workers.total(2.0, 3.0)
        (1, (2.0, 3.0))
    """

    def __init__(self, communicator: Communicator | None = None, *, seed: int = 0, overlap: bool = True, bucket: int = BUCKET) -> None:
        self.communicator: Communicator = Alone() if communicator is None else communicator
        self.rank, self.size = self.communicator.rank, self.communicator.size
        self.is_first = self.rank == 0
        self.weight = 1.0
        self._seed, self._overlap, self._bucket = seed, overlap, bucket
        self._background = self.communicator.duplicate() if overlap and self.size > 1 else self.communicator  # for another thread
        self._buckets: Buckets | None = None
        self._apart = False

    # Agreement

    def total(self, *numbers: float) -> tuple[float, ...]:
        """Each number summed over the workers."""
        if self.size == 1:
            return numbers
        sums = np.array(numbers, np.float64)
        self.communicator.all_reduce(sums)
        return tuple(sums.tolist())

    def mean(self, value: float, images: int) -> float:
        """The mean over all images of the batch at hand, of which `value` is that over this worker's."""
        if self.size == 1:
            return value
        total, count = self.total(self.weight * images * value, self.weight * images)
        return total / count

    def agree(self, text: str | None) -> str | None:
        """What the first of the workers says that says anything."""
        if self.size == 1:
            return text
        said = self.communicator.all_gather(np.frombuffer((text or "").encode(), np.uint8))
        return next((array.tobytes().decode() for array in said if len(array)), None)

    def gather(self, array: Array) -> Array:
        """The rows of all workers' shares of the batch at hand, in the order of its images."""
        if self.size == 1 or self.weight < 1:
            return array
        return np.concatenate(self.communicator.all_gather(np.ascontiguousarray(array)))

    # Data

    def share(self, loader: Loader) -> Loader:
        """A loader of this worker's part of each batch."""
        return loader if self.size == 1 or isinstance(loader, SharedLoader) else SharedLoader(loader, self.rank, self.size)

    # A step

    def begin_step(self, step: int) -> None:
        """Random numbers of this worker's own for the step, the same whenever the run was broken off."""
        if not self.is_first:
            generator().bit_generator.state = np.random.default_rng((self._seed, step, self.rank)).bit_generator.state

    @contextmanager
    def reducing(self, model: Module, parameters: Sequence[Tensor]) -> Iterator[None]:
        """Run the last backward pass of a step inside; then all workers have the same gradients and running statistics."""
        with nullcontext() if self.size == 1 else self._buckets_for(parameters).reducing():
            yield
        if self.size > 1:
            self._average([buffer for module in model.modules() if not getattr(module, "is_synchronised", False) for buffer in vars(module).values() if isinstance(buffer, Buffer)])

    def _buckets_for(self, parameters: Sequence[Tensor]) -> Buckets:
        known = self._buckets
        if known is None or {id(p) for p in parameters} != {id(p) for bucket in known.buckets for p in bucket}:
            self._buckets = known = Buckets(parameters, self._background, size=self._bucket, overlap=self._overlap)
        return known

    def _average(self, buffers: Sequence[Tensor]) -> None:
        """The mean over the workers of every running statistic; of what is counted in integers, the first worker's."""
        if not buffers:
            return
        values = [to_numpy(b.data).astype(np.float64).reshape(-1) / self.size if b.dtype.kind == "f" else to_numpy(b.data).reshape(-1) * float(self.is_first) for b in buffers]
        together = np.concatenate(values)
        self.communicator.all_reduce(together)
        for buffer, mean in zip(buffers, np.split(together, np.cumsum([b.size for b in buffers])[:-1]), strict=True):
            xp = array_module(buffer.data)
            buffer.data = xp.asarray(mean.reshape(buffer.shape).astype(buffer.dtype))

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Inside, batch norms do not wait for other workers: for what one of them computes alone."""
        self._apart = True
        try:
            yield
        finally:
            self._apart = False

    @property
    def work_together(self) -> bool:
        """There are several, and none is `apart`."""
        return self.size > 1 and not self._apart

    # Trust

    def start_alike(self, tensors: Iterable[Tensor]) -> None:
        """Give all workers the first one's weights."""
        if self.size == 1:
            return
        for tensor in tensors:
            array = to_numpy(tensor.data).copy()
            self.communicator.broadcast(array)
            tensor.data = array_module(tensor.data).asarray(array)

    def check_start(self, model: Module, loaders: Sequence[object]) -> None:
        """All workers can begin to train.

        Raises:
            ArgumentError: they have other weights, or a loader gives each of them all images.
        """
        if self.size == 1:
            return
        if not all(isinstance(loader, SharedLoader) for loader in loaders):
            raise ArgumentError("Trainer: with several workers each gets its part of every batch: give fit(workers.share(loader), ...), also for the images that measure")
        if self._first_other((*model.parameters(), *model.buffers())) is not None:
            raise ArgumentError("Trainer: the workers begin with different weights: call manual_seed(...) before the network is made, or workers.start_alike([*model.parameters(), *model.buffers()])")

    def check_alike(self, tensors: Iterable[Tensor], when: str) -> None:
        """All workers have the same weights, bit for bit.

        Raises:
            MinicnnError: they have not: one of them computes wrongly, or its memory is damaged. What was learned since the last check is worth nothing.
        """
        if (other := self._first_other(tensors)) is not None:
            raise MinicnnError(
                f"the workers' weights differ {when}, though all have taken the same steps: worker {other} has others than worker 0; "
                "a library or a processor is not the same there, or a memory is damaged: go on from the last checkpoint, without that machine"
            )

    def _first_other(self, tensors: Iterable[Tensor]) -> int | None:
        """The first worker whose values are not those of worker 0."""
        if self.size == 1:
            return None
        sum_ = 0
        for tensor in tensors:
            sum_ = zlib.crc32(to_numpy(tensor.data).tobytes(), sum_)
        sums = [int(array[0]) for array in self.communicator.all_gather(np.array([sum_], np.int64))]
        return next((rank for rank, other in enumerate(sums) if other != sums[0]), None)
