"""A matrix of square cells, with numbers in them, and marks on them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minicnn.draw import svg
from pictures.page import minus


@dataclass(frozen=True)
class Grid:
    """A matrix of cells with its corner at (x, y), in pixels of the picture."""

    x: float
    y: float
    rows: int
    columns: int
    side: float = 30

    @property
    def width(self) -> float:
        """In pixels."""
        return self.columns * self.side

    @property
    def height(self) -> float:
        """In pixels."""
        return self.rows * self.side

    def centre(self, r: float, c: float) -> tuple[float, float]:
        """The middle of a cell."""
        return self.x + (c + 0.5) * self.side, self.y + (r + 0.5) * self.side

    def part(self, r: float, c: float, rows: float = 1, columns: float = 1, kind: str = "mark") -> str:
        """A box around some cells."""
        return svg.rect(self.x + c * self.side, self.y + r * self.side, columns * self.side, rows * self.side, kind, round=2)

    def draw(self, kind: str = "data") -> str:
        """All cells, empty."""
        lines = [f"M{self.x:g},{self.y + r * self.side:g}h{self.width:g}" for r in range(1, self.rows)]
        lines += [f"M{self.x + c * self.side:g},{self.y:g}v{self.height:g}" for c in range(1, self.columns)]
        return self.part(0, 0, self.rows, self.columns, kind) + (svg.path("".join(lines), kind="grid") if lines else "")

    def number(self, r: int, c: int, value: float | str, kind: str = "number") -> str:
        """A number in a cell."""
        x, y = self.centre(r, c)
        return svg.text(x, y + 4.5, value if isinstance(value, str) else minus(value), kind)

    def numbers(self, values: np.ndarray, kind: str = "number") -> Iterator[str]:
        """A number in every cell."""
        return (self.number(r, c, float(values[r, c]), kind) for r, c in np.ndindex(values.shape))

    def title(self, words: str, kind: str = "code") -> str:
        """Words above it."""
        return svg.text(self.x + self.width / 2, self.y - 9, words, kind)
