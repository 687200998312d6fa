"""How one batch is made: take the samples, transform the images, put everything into arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from minicnn.checks import is_floating
from minicnn.data.dataset import ArrayDataset, Dataset, Subset
from minicnn.data.transforms import Transform
from minicnn.errors import DataError, ShapeError, listing
from minicnn.kernels.types import Array

Collate: TypeAlias = Callable[[list[tuple[Any, ...]]], Any]
"""`collate(samples) -> batch`, where a batch is an array or a tuple of them."""

ORDER, SAMPLE = 0, 1  # the first number of a stream's key: what it is for


def random_stream(seed: int, *key: int) -> np.random.Generator:
    """An independent random generator for each key: its numbers depend on nothing else."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


@dataclass(frozen=True)
class BatchMaker:
    """Makes batches, in this process or in another, with the same result.

    Each sample's transform gets a random generator of its own, keyed by (epoch, index): so it does not matter
    which process makes the sample, nor what it made before.
    """

    dataset: Dataset
    seed: int
    transform: Transform | None
    collate: Collate | None

    def __call__(self, indices: Array, epoch: int) -> Any:
        """The batch of the samples at `indices`.

        Raises:
            DataError: a sample, its transform or the collate function failed; says which and why.
        """
        arrays = _take(self.dataset, indices) if self.transform is None and self.collate is None else None
        if arrays is not None:
            return tuple(_for_network(array) for array in arrays)
        samples = [self.sample(int(index), epoch) for index in indices]
        try:
            return (self.collate or stack)(samples)
        except Exception as error:
            raise DataError(f"batch of samples {listing(indices)}: {_describe(error)}") from error

    def sample(self, index: int, epoch: int) -> tuple[Any, ...]:
        """One sample, its image transformed."""
        try:
            sample: Any = self.dataset[index]
            if not isinstance(sample, tuple) or not sample:
                raise TypeError(f"a sample must be a tuple, such as (image, label), not {type(sample).__name__}")  # noqa: TRY301
            if self.transform is None:
                return sample
            rng = random_stream(self.seed, SAMPLE, epoch, index)
            return self.transform(np.asarray(sample[0]), rng), *sample[1:]
        except Exception as error:
            raise DataError(f"sample {index}: {_describe(error)}") from error


def stack(samples: Sequence[tuple[Any, ...]]) -> tuple[Array, ...]:
    """Put the first entries of all samples into one array, the second into another, and so on.

    Floating-point numbers become float32 and labels, one integer a sample, int64: so networks and losses want them.
    Images of integers stay as they are, for uint8 takes an eighth of the memory: a network wants
    `x.astype("float32") / 255`.

    Raises:
        ShapeError: the samples differ in the number of their entries or in shape.

    Example:
        >>> images, labels = stack([(np.zeros((1, 2, 2)), 7), (np.ones((1, 2, 2)), 3)])
        >>> images.shape, images.dtype, labels
        ((2, 1, 2, 2), dtype('float32'), array([7, 3]))
    """
    if len({len(sample) for sample in samples}) > 1:
        raise ShapeError(f"all samples must have the same number of entries; these have {listing(len(s) for s in samples)}")
    columns = [[np.asarray(entry) for entry in column] for column in zip(*samples, strict=True)]
    for position, column in enumerate(columns):
        shapes = [entry.shape for entry in column]
        if len(set(shapes)) > 1:
            raise ShapeError(
                f"entry {position} of the samples differs in shape: {listing(dict.fromkeys(shapes))}; one batch is one array: "
                "bring images to one size (Resize, RandomCrop), or give the loader a collate function"
            )
    return tuple(_for_network(np.stack(column)) for column in columns)


def becomes_tensor(entry: Any) -> bool:
    """An entry of a batch is an array of numbers or booleans. Names and dates stay NumPy's."""
    return isinstance(entry, np.ndarray) and entry.dtype.kind not in "OSUMm"


def _for_network(array: Array) -> Array:
    if is_floating(array.dtype):
        return array.astype(np.float32, copy=False)
    return array.astype(np.int64, copy=False) if array.dtype.kind in "iu" and array.ndim == 1 else array


def _take(dataset: Dataset, indices: Array) -> tuple[Array, ...] | None:
    """All samples at once, if the dataset is arrays underneath and reads them in the plain way."""
    while isinstance(dataset, Subset) and type(dataset).__getitem__ is Subset.__getitem__:
        indices, dataset = dataset.indices[indices], dataset.dataset
    if isinstance(dataset, ArrayDataset) and type(dataset).__getitem__ is ArrayDataset.__getitem__:
        return tuple(array[indices] for array in dataset.arrays)
    return None


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
