"""The loader: batches of a dataset, shuffled, transformed, prepared by worker processes if wanted."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.backend import CUPY, draw_seed, get_backend
from minicnn.data.batch import ORDER, BatchMaker, Collate, becomes_tensor, random_stream
from minicnn.data.dataset import Dataset
from minicnn.data.transforms import Transform, check_transform
from minicnn.errors import ArgumentError, StateDictError
from minicnn.kernels.types import Array


class DataLoader:
    """Iterate over the batches of a dataset, as tuples of tensors: float32 images, int64 labels. (Images of uint8 stay uint8.)

    Each `for` loop over it is an epoch, and each epoch has its own order and its own random transforms. Both
    depend on (seed, epoch, index of the sample) only: same seed, same batches, with any number of workers.

    The tensors are where the active backend computes. On `cupy` each batch is copied to the GPU while it computes with the one before.

    Args:
        dataset: anything with `len(dataset)` and `dataset[i]`, a tuple such as (image, label).
        batch_size: samples in a batch; the last may have fewer.
        shuffle: draw a new order in each epoch.
        seed: of orders and transforms; None draws one from the process's generator (`minicnn.manual_seed`).
        drop_last: leave out a last batch that is not full.
        num_workers: processes that prepare batches; 0 prepares them here, when they are asked for. Starting
            them takes about half a second an epoch, and a copy of the dataset for each, so they pay where a sample is read from a file, decoded
            or heavily transformed.
        prefetch: batches that each worker prepares ahead. More of them even out samples that take long, and take memory.
        transform: `transform(image, rng) -> image`, applied to the first entry of each sample: see
            `minicnn.data.transforms`.
        collate: `collate(samples)` makes a batch of a list of samples; its arrays become tensors of their own
            type, and anything else stays what it is. By default `minicnn.data.stack`.

    Attributes:
        epoch: the number of the next epoch, from 0. Set it to go on at the beginning of another; `state_dict` is for going on in the middle of one.

    Raises:
        ArgumentError: the dataset is empty or no dataset, a value is out of range, or the dataset cannot be
            sent to workers.
        DataError: while iterating: a sample failed (says which, and why), or a worker process died.

    Example:
        >>> from minicnn.data import DataLoader, Digits
        >>> loader = DataLoader(Digits(), batch_size=64, shuffle=True, seed=0)
        >>> images, labels = next(iter(loader))
        >>> len(loader), images.shape, labels.dtype
        (23, (64, 1, 32, 32), dtype('int64'))
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        seed: int | None = None,
        drop_last: bool = False,
        num_workers: int = 0,
        prefetch: int = 2,
        transform: Transform | None = None,
        collate: Collate | None = None,
    ) -> None:
        _check_dataset(dataset)
        self.batch_size = checks.integer(batch_size, "DataLoader: batch_size")
        self.num_workers = checks.integer(num_workers, "DataLoader: num_workers", 0)
        self.prefetch = checks.integer(prefetch, "DataLoader: prefetch")
        self.shuffle = checks.flag(shuffle, "DataLoader: shuffle")
        self.drop_last = checks.flag(drop_last, "DataLoader: drop_last")
        self.dataset = dataset
        self._share = (0, 1)  # the part of each batch that is made here: its number, and how many there are
        self._next = (0, 0)  # the epoch and the batch that the next loop begins with
        self._position = (0, 0)  # those that follow what has been handed out last
        for name, function in (("transform", transform), ("collate", collate)):
            if function is not None and not callable(function):
                raise ArgumentError(f"DataLoader: {name} must be a function, not {type(function).__name__}")
        if transform is not None:
            check_transform(transform, "DataLoader: transform")
        seed = draw_seed() if seed is None else checks.integer(seed, "DataLoader: seed", 0)
        self._make = BatchMaker(dataset, seed, transform, collate)
        if len(dataset) == 0:
            raise ArgumentError("DataLoader: the dataset is empty: there is nothing to iterate over")
        if len(self) == 0:
            raise ArgumentError(
                f"DataLoader: drop_last=True leaves no batch: {len(dataset)} samples do not fill a batch of {self.batch_size}"
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + bool(rest and not self.drop_last)

    def share(self, rank: int, size: int) -> DataLoader:
        """A loader of the rank-th of `size` parts of each batch, at the same place of the same stream of batches.

        The parts differ in length by one at most, and one behind the other they are the batch. A batch of fewer than `size` samples is in each part whole.

        Raises:
            ArgumentError: `rank` is not below `size`, or one of them is no integer.

        Example:
            >>> from minicnn.data import ArrayDataset
            >>> loader = DataLoader(ArrayDataset(np.arange(7)), batch_size=5)
            >>> [[batch.tolist() for (batch,) in loader.share(rank, 2)] for rank in (0, 1)]
            [[[0, 1, 2], [5]], [[3, 4], [6]]]
        """
        size = checks.integer(size, "DataLoader.share: size")
        rank = checks.integer(rank, "DataLoader.share: rank", 0)
        if rank >= size:
            raise ArgumentError(f"DataLoader.share: rank must be below size={size}, not {rank}")
        part = copy.copy(self)
        part._share = (rank, size)
        return part

    @property
    def epoch(self) -> int:
        """The number of the next epoch."""
        return self._next[0]

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._next = self._position = (checks.integer(epoch, "DataLoader: epoch", 0), 0)

    def state_dict(self) -> dict[str, int]:
        """The place in the stream of batches, to be kept in a checkpoint.

        It is that after the last batch which a loop has been given, in the middle of an epoch or at its end; workers may have prepared more, which do not
        count. After `load_state_dict`, in this process or another, the next loop gets what is left of the epoch, batch for batch what would have
        followed. (Without that, a loop after one that was broken off is a new epoch.)

        Example:
            >>> from minicnn.data import ArrayDataset
            >>> def loader():
            ...     return DataLoader(ArrayDataset(np.arange(6)), batch_size=2)
            >>> first, second = loader(), loader()
            >>> for (batch,) in first:
            ...     break
            >>> first.state_dict()["batch"]
            1
            >>> second.load_state_dict(first.state_dict())
            >>> [batch.tolist() for (batch,) in second]
            [[2, 3], [4, 5]]
        """
        epoch, batch = self._position
        return {"seed": self._make.seed, "epoch": epoch, "batch": batch, "batch_size": self.batch_size, "samples": len(self.dataset)}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on where the loader was of which this is the `state_dict()`. A loop that is running is not changed.

        Raises:
            StateDictError: entries are missing or unexpected.
            ArgumentError: a value is out of range, or the batches of that loader were others: of another size, or of another number of samples.
        """
        if not isinstance(state, Mapping):
            raise StateDictError(f"DataLoader: a state is a dict, as state_dict() gives it, not {state!r:.80}")
        if state.keys() != (own := self.state_dict()).keys():
            raise StateDictError(f"DataLoader: a state has the entries {', '.join(own)}; this has {', '.join(map(str, state)) or 'none'}")
        seed, epoch, batch = (checks.integer(state[name], f"DataLoader: {name}", 0) for name in ("seed", "epoch", "batch"))
        for name in ("batch_size", "samples"):
            if state[name] != own[name]:
                raise ArgumentError(f"DataLoader: the state is of a loader with {name} {state[name]}, this has {own[name]}: its batches would be others")
        if batch >= len(self):
            raise ArgumentError(f"DataLoader: batch must be below {len(self)}, the number of batches in an epoch, not {batch}")
        self._make = replace(self._make, seed=seed)
        self._next = self._position = (epoch, batch)

    def __iter__(self) -> Iterator[Any]:
        epoch, first = self._position = self._next
        self._next = (epoch + 1, 0)
        return self._hand_out(epoch, first)

    def _hand_out(self, epoch: int, first: int) -> Iterator[Any]:
        for number, batch in enumerate(self._tensors(epoch, first), first + 1):
            self._position = (epoch, number) if number < len(self) else (epoch + 1, 0)
            yield batch

    def _tensors(self, epoch: int, first: int) -> Iterator[Any]:
        batches = self._batches(epoch)[first:]
        if self.num_workers == 0:
            made: Iterator[Any] = (self._make(indices, epoch) for indices in batches)
        else:
            from minicnn.data.worker import batches_from_workers

            made = batches_from_workers(self._make, batches, epoch, self.num_workers, self.prefetch, first)
        if get_backend().name == CUPY:
            from minicnn.data.ahead import one_ahead

            yield from one_ahead(made, get_backend().xp)
            return
        for batch in made:
            yield tuple(_tensor(entry) for entry in batch) if isinstance(batch, tuple) else _tensor(batch)

    def _batches(self, epoch: int) -> list[Array]:
        """The indices of the samples in each batch of an epoch."""
        size = len(self.dataset)
        order = random_stream(self._make.seed, ORDER, epoch).permutation(size) if self.shuffle else np.arange(size)
        return [self._part(order[i * self.batch_size : (i + 1) * self.batch_size]) for i in range(len(self))]

    def _part(self, batch: Array) -> Array:
        rank, size = self._share
        return batch if len(batch) < size else np.array_split(batch, size)[rank]


def _tensor(entry: Any) -> Any:
    return Tensor.wrap(get_backend().asarray(entry)) if becomes_tensor(entry) else entry


def _check_dataset(dataset: Any) -> None:
    if isinstance(dataset, (tuple, np.ndarray, Tensor)):
        raise ArgumentError(f"DataLoader: {type(dataset).__name__} is no dataset: make one of arrays by ArrayDataset(images, labels)")
    if not isinstance(dataset, Dataset):
        raise ArgumentError(f"DataLoader: a dataset has len(dataset) and dataset[i]; {type(dataset).__name__} has not")
