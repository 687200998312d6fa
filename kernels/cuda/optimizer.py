"""The updates of optimisers, a launch or two for all parameters of a group."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.launch import THREADS, launch
from minicnn.kernels.cuda.tensors import tables
from minicnn.kernels.types import Array

NUMBERS = np.dtype([("value", "f8", 12)])  # the structure Numbers of optimizer.cu


class Update:
    """One update of many parameters, which can be launched again and again: by itself, or as part of a recorded graph.

    Args:
        kernel: one of optimizer.cu.
        rows: for each parameter its values, its gradient, and the arrays that the kernel keeps for it (None for those that the options make unnecessary). All of
            one element type; those of a row lie in memory in one order and without gaps.
    """

    def __init__(self, kernel: str, rows: Sequence[Sequence[Array | None]]) -> None:
        values = rows[0][0]
        assert values is not None
        self.kernel, self.rows, self.dtype = kernel, rows, values.dtype  # the rows are held, so that their memory is given to nobody else
        self.tables = tables([[*row, *[None] * (5 - len(row))] for row in rows])
        self.numbers: Array = array_module(values).empty(12, np.float64)
        self._written: tuple[float, ...] = ()

    def write(self, numbers: tuple[float, ...]) -> None:
        """Put what holds for all parameters where the kernel reads it, if it is not there already. To be called outside of a graph."""
        if numbers != self._written:
            given: Any = np.zeros((), NUMBERS)
            given["value"][: len(numbers)] = numbers
            launch("optimizer", "set_numbers", 1, 12, (self.numbers, given), dtype=self.dtype)
            self._written = numbers

    def launch(self, skip: Array | None = None) -> None:
        """Change the parameters, unless `skip` (one int32) is not 0 when the kernel runs."""
        for tensors, blocks in self.tables:
            if blocks:
                launch("optimizer", self.kernel, blocks, THREADS, (tensors, self.numbers, skip), dtype=self.dtype)
