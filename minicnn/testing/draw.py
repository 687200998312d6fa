"""Where the random shapes, attributes and numbers of a case come from.

A case asks a `Draw` for what it needs. `RandomDraw` answers from a seeded NumPy generator; the test suite has one that
answers from hypothesis, which searches for the smallest failing shapes. The cases are written once, for both.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array

T = TypeVar("T")


class Draw(Protocol):
    """A source of integers, choices and arrays."""

    def integer(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        ...

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        ...

    def array(self, *shape: int) -> Array:
        """A float64 array of standard normal numbers."""
        ...


class RandomDraw:
    """Answers from a NumPy generator.

    Example:
        >>> draw = RandomDraw(seed=0)
        >>> draw.array(2, 3).shape
        (2, 3)
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ArgumentError(f"the seed must be an integer >= 0, not {seed}")
        self.generator = np.random.default_rng([0x64726177, seed])  # "draw"

    def integer(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return int(self.generator.integers(low, high + 1))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]

    def array(self, *shape: int) -> Array:
        """A float64 array of standard normal numbers."""
        return self.generator.standard_normal(shape)
