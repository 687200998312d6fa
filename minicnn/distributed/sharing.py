"""Every batch shared out among the workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self, TypeAlias

from minicnn.autograd import Tensor
from minicnn.data import DataLoader, Dataset


class Share(tuple[Tensor, Tensor]):  # noqa: SLOT001 - a tuple's subclass can have no slots
    """One worker's part of a batch: a pair of images and labels.

    Attributes:
        weight: what each of its images counts. It is 1, but for a batch with fewer images than there are workers, which all of them compute whole: then 1 / size.

    Example:
        >>> share = Share(Tensor([[[[0.5]]]]), Tensor([3]), weight=0.5)
        >>> images, labels = share
        >>> labels.tolist(), share.weight
        ([3], 0.5)
    """

    weight: float

    def __new__(cls, images: Tensor, labels: Tensor, weight: float) -> Self:
        share = super().__new__(cls, (images, labels))
        share.weight = weight
        return share


def weight_of(batch: tuple[Tensor, Tensor]) -> float:
    """What each image of a batch counts: 1, if it is not a share.

    >>> weight_of((Tensor([0.0]), Tensor([3])))
    1.0
    """
    return batch.weight if isinstance(batch, Share) else 1.0


class SharedLoader:
    """The batches of a loader, of which this worker gets its share: the rank-th of `size` parts, whose lengths differ by one at most.

    The parts in the order of ranks are the batch, image for image, with the same random transforms: a sample's depend on (seed, epoch, index) only.
    So the number of workers changes nothing about what is learned from, and a run can go on with another number.

    Raises:
        ArgumentError: `rank` is not below `size`.

    Example:
        >>> from minicnn.data import Digits
        >>> loader = DataLoader(Digits(), batch_size=50, shuffle=True, seed=0)
        >>> [len(next(iter(SharedLoader(loader, rank, 4)))[1]) for rank in range(4)]
        [13, 13, 12, 12]
    """

    def __init__(self, loader: DataLoader, rank: int, size: int) -> None:
        self.loader, self.size = loader.share(rank, size), size

    @property
    def dataset(self) -> Dataset:
        """All samples, not only this worker's."""
        return self.loader.dataset

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.loader)

    def __iter__(self) -> Iterator[Share]:
        batches = iter(self.loader)
        first = self.loader.state_dict()["batch"]
        for number, (images, labels) in enumerate(batches, first):
            whole = min(self.loader.batch_size, len(self.dataset) - number * self.loader.batch_size)
            yield Share(images, labels, 1.0 if whole >= self.size else 1 / self.size)

    def state_dict(self) -> dict[str, int]:
        """See `DataLoader.state_dict`: it is that of the loader of all."""
        return self.loader.state_dict()

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """See `DataLoader.load_state_dict`."""
        self.loader.load_state_dict(state)


Loader: TypeAlias = DataLoader | SharedLoader
"""All batches, or this worker's share of each."""
