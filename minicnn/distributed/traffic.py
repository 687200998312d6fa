"""What one worker sends to the other, counted by layer."""

from __future__ import annotations

from typing import NamedTuple

from minicnn import checks
from minicnn.distributed.table import columns
from minicnn.kernels.types import Array

DIRECTIONS = ("forward", "backward")


class Sent(NamedTuple):
    """What one worker has sent before one layer, in one direction.

    Attributes:
        layer: the layer that needs it, such as "conv3".
        direction: "forward" or "backward".
        exchanges: how many times something was sent.
        numbers: how many numbers were sent, to each other worker.
        bytes: how many bytes that were.
    """

    layer: str
    direction: str
    exchanges: int
    numbers: int
    bytes: int


class Traffic:
    """Counts what a worker sends to each other one. A worker who is alone sends nothing, and nothing is counted.

    Example:
        >>> import numpy as np
        >>> traffic = Traffic()
        >>> traffic.note("conv3", "forward", np.zeros((2, 128, 13, 13), np.float32))
        >>> print(traffic.table())
        layer  direction  exchanges  numbers    bytes
        conv3  forward            1   43,264  173,056
        total                     1   43,264  173,056
    """

    def __init__(self) -> None:
        self._sent: dict[tuple[str, str], Sent] = {}

    def note(self, layer: str, direction: str, array: Array) -> None:
        """Count an array that is sent.

        Raises:
            ArgumentError: the direction is neither "forward" nor "backward".
        """
        self.add(Sent(layer, checks.choice(direction, "Traffic.note: direction", DIRECTIONS), 1, array.size, array.nbytes))

    def add(self, sent: Sent) -> None:
        """Count what was sent elsewhere."""
        key = sent.layer, sent.direction
        before = self._sent.get(key, Sent(*key, 0, 0, 0))
        self._sent[key] = Sent(*key, before.exchanges + sent.exchanges, before.numbers + sent.numbers, before.bytes + sent.bytes)

    def clear(self) -> None:
        """Begin again from nothing."""
        self._sent.clear()

    @property
    def rows(self) -> list[Sent]:
        """The counts, in the order in which layer and direction came first."""
        return list(self._sent.values())

    @property
    def total(self) -> Sent:
        """All counts together; its layer is "total"."""
        rows = self.rows
        return Sent("total", "", sum(row.exchanges for row in rows), sum(row.numbers for row in rows), sum(row.bytes for row in rows))

    def table(self) -> str:
        """The counts as a text, with the total below."""
        rows = [(row.layer, row.direction, *(f"{count:,}" for count in row[2:])) for row in [*self.rows, self.total]]
        return columns([Sent._fields, *rows], words=2)
