"""Datasets: things with a length and an index, whose entries are tuples of arrays and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from minicnn import checks
from minicnn.errors import ArgumentError, IndexingError, ShapeError
from minicnn.kernels.types import Array


@runtime_checkable
class Dataset(Protocol):
    """Anything with `len(dataset)` and `dataset[i]`, a tuple such as (image, label) for i in 0 .. len - 1.

    No base class is needed. An image is an array (C, H, W), a label an integer.

    Example:
        >>> class Squares:
        ...     def __len__(self):
        ...         return 10
        ...     def __getitem__(self, i):
        ...         return float(i), float(i * i)
        >>> isinstance(Squares(), Dataset)
        True
    """

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def __getitem__(self, index: int, /) -> tuple[Any, ...]:
        """The sample at `index`."""
        ...


class ArrayDataset:
    """Arrays of equal length: sample i is the tuple of their i-th entries.

    A loader without a transform takes whole batches out of it at once.

    Args:
        arrays: for example images (N, C, H, W) and labels (N,).

    Raises:
        ArgumentError: no array is given.
        ShapeError: an array has no axes, or the lengths differ.

    Example:
        >>> data = ArrayDataset(np.zeros((3, 1, 8, 8)), np.array([5, 0, 4]))
        >>> len(data), data[2][1].item()
        (3, 4)
    """

    def __init__(self, *arrays: Any) -> None:
        if not arrays:
            raise ArgumentError("ArrayDataset needs at least one array, such as ArrayDataset(images, labels)")
        self.arrays: tuple[Array, ...] = tuple(np.asarray(array) for array in arrays)
        shapes = ", ".join(str(array.shape) for array in self.arrays)
        if any(array.ndim == 0 for array in self.arrays):
            raise ShapeError(f"ArrayDataset: every array needs a first axis that counts the samples; the shapes are {shapes}")
        if len({len(array) for array in self.arrays}) > 1:
            raise ShapeError(f"ArrayDataset: all arrays must have the same length, one entry per sample; the shapes are {shapes}")

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        try:
            return tuple(array[index] for array in self.arrays)
        except IndexError:
            raise no_sample(self, index) from None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{a.dtype}{list(a.shape)}' for a in self.arrays)})"


class Subset:
    """Some samples of a dataset, in the given order.

    Raises:
        ArgumentError: an index is no integer, or out of range.

    Example:
        >>> Subset(ArrayDataset(np.array([10, 11, 12, 13])), [3, 1])[0][0].item()
        13
    """

    def __init__(self, dataset: Dataset, indices: Sequence[int] | Array) -> None:
        self.dataset = dataset
        self.indices: Array = np.asarray(indices if len(indices) else np.zeros(0, np.int64))
        if self.indices.ndim != 1 or self.indices.dtype.kind not in "iu":
            raise ArgumentError(f"Subset: indices must be a list of integers, not {self.indices.dtype} of shape {self.indices.shape}")
        outside = self.indices[(self.indices < 0) | (self.indices >= len(dataset))]
        if outside.size:
            raise ArgumentError(f"Subset: index {outside[0]} is outside the dataset, whose indices are 0 to {len(dataset) - 1}")

    @property
    def labels(self) -> Array:
        """(N,), if the dataset has them as an attribute."""
        labels: Array = np.asarray(cast("Any", self.dataset).labels)[self.indices]
        return labels

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        try:
            number = int(self.indices[index])
        except IndexError:
            raise no_sample(self, index) from None
        return self.dataset[number]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return (self[i] for i in range(len(self)))


def no_sample(dataset: Dataset, index: object) -> IndexingError:
    """The error of an index that the dataset does not have."""
    return IndexingError(f"{type(dataset).__name__} has no sample {index!r}: the indices are 0 to {len(dataset) - 1}")


def random_split(dataset: Dataset, lengths: Sequence[int] | Sequence[float], seed: int = 0) -> list[Subset]:
    """Divide a dataset at random into parts that share no sample: the same parts for the same seed.

    Args:
        dataset: what to divide.
        lengths: sizes of the parts that add up to the whole, or fractions that add up to 1.
        seed: of the permutation.

    Raises:
        ArgumentError: the lengths do not add up, or the seed is negative.

    Example:
        >>> train, validation = random_split(ArrayDataset(np.arange(10)), [0.8, 0.2])
        >>> len(train), len(validation)
        (8, 2)
    """
    checks.integer(seed, "random_split: seed", 0)
    size = len(dataset)
    fractions = any(isinstance(length, float) for length in lengths)
    whole = 1 if fractions else size
    if any(length < 0 for length in lengths) or abs(sum(lengths) - whole) > 1e-9:
        raise ArgumentError(
            f"random_split: the lengths must add up to the {size} samples, or fractions to 1; {list(lengths)} add up to {sum(lengths):g}"
        )
    ends = np.rint(np.cumsum(lengths) * (size if fractions else 1)).astype(int)
    order = np.random.default_rng(seed).permutation(size)
    return [Subset(dataset, part) for part in np.split(order, ends[:-1])]


def of_each_class(dataset: Dataset, count: int, seed: int = 0) -> Subset:
    """So many samples of each class, drawn at random; of a class with fewer, all. The order is that of the dataset.

    Args:
        dataset: of samples (image, label, ...). Those without an attribute `labels`, (N,), are read from start to end for it.
        count: of each class.
        seed: of the draw.

    Raises:
        ArgumentError: `count` is below 1, or the seed negative.

    Example:
        >>> data = ArrayDataset(np.arange(6), np.array([0, 0, 0, 1, 1, 1]))
        >>> [int(label) for _, label in of_each_class(data, 2)]
        [0, 0, 1, 1]
    """
    checks.integer(count, "of_each_class: count")
    labels = labels_of(dataset)
    order = np.random.default_rng(checks.integer(seed, "of_each_class: seed", 0)).permutation(len(dataset))
    return Subset(dataset, np.sort(np.concatenate([order[labels[order] == label][:count] for label in np.unique(labels)])))


def labels_of(dataset: Dataset) -> Array:
    """The labels (N,) of samples (image, label, ...): its attribute `labels`, or, where there is none, read from start to end."""
    labels = getattr(dataset, "labels", None)
    return np.array([dataset[i][1] for i in range(len(dataset))]) if labels is None else np.asarray(labels)
