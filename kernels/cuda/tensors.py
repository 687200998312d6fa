"""Tables of tensors, for kernels that treat many tensors in one launch: see tensors.cuh."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from minicnn.kernels.cuda import elementwise, walk
from minicnn.kernels.cuda.layout import address
from minicnn.kernels.types import Array

MOST_TENSORS, ARRAYS, CHUNK = 72, 5, 4096  # the constants of tensors.cuh
TENSORS = np.dtype(
    [
        ("count", "i4"),
        ("first_block", "i4", MOST_TENSORS + 1),
        ("size", "i8", MOST_TENSORS),
        ("array", "u8", (ARRAYS, MOST_TENSORS)),
    ]
)


class Table(NamedTuple):
    """The structure Tensors that a kernel gets, and how many blocks it takes."""

    tensors: Array
    blocks: int


def tables(rows: Sequence[Sequence[Array | None]]) -> list[Table]:
    """Tables of tensors, as many in each as there is room for.

    Args:
        rows: for each tensor its arrays, which lie in memory in one order and without gaps; None where it has no such array.
    """
    return [_table(rows[i : i + MOST_TENSORS]) for i in range(0, len(rows), MOST_TENSORS)]


def _table(rows: Sequence[Sequence[Array | None]]) -> Table:
    count, structure = len(rows), np.zeros((), TENSORS)
    table: Any = structure
    sizes = [0 if row[0] is None else row[0].size for row in rows]
    first = [0, *accumulate(-(-size // CHUNK) for size in sizes)]
    table["count"] = count
    table["first_block"][: count + 1] = first
    table["size"][:count] = sizes
    for i, column in enumerate(zip(*rows, strict=True)):
        table["array"][i, :count] = [0 if array is None else address(array) for array in column]
    return Table(structure, first[-1])


def packed(array: Array) -> bool:
    """The array is of a type that the kernels know, and lies in memory without gaps, in whatever order."""
    if not elementwise.fits(array):
        return False
    return array.flags.c_contiguous or walk.dense(array.shape, array.strides, walk.order(array.shape, array.strides), array.dtype.itemsize)
