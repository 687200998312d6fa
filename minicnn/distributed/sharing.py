"""Every batch shared out among the workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from minicnn.autograd import Tensor
from minicnn.data import DataLoader, Dataset


class Share(NamedTuple):
    """One worker's part of a batch.

    Attributes:
        images, labels: the part.
        weight: what each of its images counts. It is 1, but for a batch with fewer images than there are workers, which all of them compute whole: then 1 / size.
    """

    images: Tensor
    labels: Tensor
    weight: float


def as_share(batch: Sequence[Any]) -> Share:
    """A batch of any loader, as images, labels, and a weight, which is 1 where the batch is not a share already.

    >>> as_share(("images", "labels")).weight
    1.0
    """
    return batch if isinstance(batch, Share) else Share(batch[0], batch[1], 1.0)


class SharedLoader:
    """The batches of a loader, of which this worker gets its share: the rank-th of `size` parts, whose lengths differ by one at most.

    The parts in the order of ranks are the batch, image for image, with the same random transforms: a sample's depend on (seed, epoch, index) only.
    So the number of workers changes nothing about what is learned from, and a run can go on with another number.

    Raises:
        ArgumentError: `rank` is not below `size`.

    Example:
        >>> from minicnn.data import Digits
        >>> loader = DataLoader(Digits(), batch_size=50, shuffle=True, seed=0)
        >>> [len(next(iter(SharedLoader(loader, rank, 4))).labels) for rank in range(4)]
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
