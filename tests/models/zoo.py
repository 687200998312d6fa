"""The table of what independent implementations count, as rows."""

from dataclasses import dataclass
from pathlib import Path

from minicnn import models
from minicnn.nn import Module

FILE = Path(__file__).with_name("zoo_numbers.txt")
UNITS = {"G": 1e9, "M": 1e6}


@dataclass(frozen=True)
class Row:
    """One network: the call that makes it, the image it takes, and the counts; those that are printed rounded as they are printed."""

    call: str
    input: tuple[int, ...]
    parameters: int
    buffers: int
    macs: str
    activations: str

    def build(self) -> Module:
        """The network."""
        return eval(f"models.{self.call}", {"models": models})  # the file is our own


def zoo() -> list[Row]:
    """All rows."""
    rows = []
    for line in FILE.read_text().splitlines():
        if line and not line.startswith("#"):
            call, _, rest = line.partition(")")
            shape, parameters, buffers, macs, activations = rest.split()
            rows.append(Row(f"{call})", tuple(map(int, shape.split("x"))), _integer(parameters), _integer(buffers), macs, activations))
    return rows


def rounded(count: int, like: str) -> str:
    """The count as the table prints it: in the unit and with the digits of `like`.

    >>> rounded(1_814_073_344, like="1.814G")
    '1.814G'
    """
    digits = len(like.partition(".")[2]) - 1
    return f"{count / UNITS[like[-1]]:.{digits}f}{like[-1]}"


def _integer(text: str) -> int:
    return int(text.replace(",", ""))
