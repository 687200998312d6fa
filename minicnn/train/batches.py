"""The batches of a pass over images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeAlias

from minicnn.autograd import Tensor
from minicnn.train.metrics import Metrics

Batches: TypeAlias = Iterable[tuple[Tensor, Tensor]]
"""Images (N, C, H, W) with labels (N,), batch by batch: a `DataLoader`. One walk through it is an epoch."""


def is_whole(seen: Metrics, train: Batches) -> bool:
    """All batches of the pass have been seen."""
    return isinstance(train, Sized) and seen.batches >= len(train)


def in_groups(batches: Batches, size: int) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Lists of `size` batches; the last may be shorter."""
    group = []
    for batch in batches:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
