"""Axis-aligned boxes. Four numbers can mean three things, so the numbers never travel alone.

    xyxy      left, top, right, bottom
    xywh      left, top, width, height
    cxcywh    x and y of the centre, width, height

Coordinates are in pixels, x to the right and y downwards; the left border of the first pixel is 0, the right border of the last one is the image's width. So
a box around one pixel is 1 wide, and no 1 is added anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array


class Boxes:
    """So many boxes, made from numbers by the name of their format and read by the name of a format.

    There is no constructor that takes bare numbers: `Boxes.from_xyxy`, `from_xywh` and `from_cxcywh` say what they mean.

    Attributes:
        xyxy: (N, 4) float64.

    Raises:
        ArgumentError: it is called with bare numbers.

    Example:
        >>> boxes = Boxes.from_xywh([[10, 20, 4, 6]])
        >>> boxes.xyxy.tolist(), boxes.cxcywh.tolist(), boxes.area.tolist()
        ([[10.0, 20.0, 14.0, 26.0]], [[12.0, 23.0, 4.0, 6.0]], [24.0])
        >>> len(boxes), len(boxes[boxes.area > 100])
        (1, 0)
    """

    def __init__(self, xyxy: Array, *, checked: bool = False) -> None:
        if not checked:
            raise ArgumentError("Boxes: say what the four numbers mean: Boxes.from_xyxy(...), Boxes.from_xywh(...) or Boxes.from_cxcywh(...)")
        self.xyxy = xyxy

    @classmethod
    def from_xyxy(cls, numbers: Any) -> Boxes:
        """From left, top, right, bottom: (N, 4), or (4,) for one box.

        Raises:
            ShapeError: these are not four numbers for each box.
            ArgumentError: a number is not finite, or right is left of left, or bottom above top.
        """
        xyxy = _numbers(numbers, "from_xyxy")
        wrong = (xyxy[:, 2:] < xyxy[:, :2]).any(axis=1)
        if wrong.any():
            i = int(wrong.argmax())
            raise ArgumentError(
                f"Boxes.from_xyxy: box {i} is {_text(xyxy[i])}: right must not be less than left, nor bottom less than top; "
                "were these numbers left, top, width, height? Then use from_xywh"
            )
        return cls(xyxy, checked=True)

    @classmethod
    def from_xywh(cls, numbers: Any) -> Boxes:
        """From left, top, width, height.

        Raises:
            ShapeError: these are not four numbers for each box.
            ArgumentError: a number is not finite, or a width or height is negative.
        """
        xywh = _sized(numbers, "from_xywh")
        return cls(np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1), checked=True)

    @classmethod
    def from_cxcywh(cls, numbers: Any) -> Boxes:
        """From the centre's x and y, width, height.

        Raises:
            ShapeError: these are not four numbers for each box.
            ArgumentError: a number is not finite, or a width or height is negative.
        """
        cxcywh = _sized(numbers, "from_cxcywh")
        half = cxcywh[:, 2:] / 2
        return cls(np.concatenate([cxcywh[:, :2] - half, cxcywh[:, :2] + half], axis=1), checked=True)

    @classmethod
    def around(cls, mask: Any) -> Boxes:
        """The smallest box around the pixels of a mask (H, W) that are not 0: no box if there is none.

        >>> Boxes.around([[0, 0, 0], [0, 1, 1]]).xyxy.tolist()
        [[1.0, 1.0, 3.0, 2.0]]
        """
        mask = np.asarray(mask)
        if mask.ndim != 2:
            raise ShapeError(f"Boxes.around: a mask has two axes (H, W), not {mask.shape}")
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        found = [[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]] if rows.size else np.zeros((0, 4))
        return cls.from_xyxy(found)

    @property
    def xywh(self) -> Array:
        """(N, 4): left, top, width, height."""
        return np.concatenate([self.xyxy[:, :2], self.size], axis=1)

    @property
    def cxcywh(self) -> Array:
        """(N, 4): the centre's x and y, width, height."""
        return np.concatenate([(self.xyxy[:, :2] + self.xyxy[:, 2:]) / 2, self.size], axis=1)

    @property
    def size(self) -> Array:
        """(N, 2): width, height."""
        size: Array = self.xyxy[:, 2:] - self.xyxy[:, :2]
        return size

    @property
    def area(self) -> Array:
        """(N,), in square pixels."""
        return np.prod(self.size, axis=1)

    def clipped(self, width: float, height: float) -> Boxes:
        """What of them lies in an image of that size; a box beside it becomes one of area 0 at its border.

        Raises:
            ArgumentError: a size is negative or not finite.

        >>> Boxes.from_xyxy([-5, 2, 5, 20]).clipped(width=8, height=8).xyxy.tolist()
        [[0.0, 2.0, 5.0, 8.0]]
        """
        width, height = checks.number(width, "Boxes.clipped: width", 0), checks.number(height, "Boxes.clipped: height", 0)
        return Boxes(np.clip(self.xyxy, 0, [width, height, width, height]), checked=True)

    def scaled(self, x: float, y: float | None = None) -> Boxes:
        """The boxes in an image that was resized by these factors, in width and height.

        Raises:
            ArgumentError: a factor is not above 0, or not finite.
        """
        x, y = checks.positive(x, "Boxes.scaled: x"), checks.positive(x if y is None else y, "Boxes.scaled: y")
        return Boxes(self.xyxy * [x, y, x, y], checked=True)

    def shifted(self, x: float, y: float) -> Boxes:
        """Moved to the right and downwards.

        Raises:
            ArgumentError: a number is not finite.
        """
        x, y = checks.number(x, "Boxes.shifted: x"), checks.number(y, "Boxes.shifted: y")
        return Boxes(self.xyxy + np.array([x, y, x, y]), checked=True)

    def flipped(self, width: float) -> Boxes:
        """In the mirror image, left and right exchanged, of an image of that width.

        Raises:
            ArgumentError: the width is negative or not finite.

        >>> Boxes.from_xyxy([1, 0, 3, 2]).flipped(width=10).xyxy.tolist()
        [[7.0, 0.0, 9.0, 2.0]]
        """
        width = checks.number(width, "Boxes.flipped: width", 0)
        left, top, right, bottom = self.xyxy.T
        return Boxes(np.stack([width - right, top, width - left, bottom], axis=1), checked=True)

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, index: Any) -> Boxes:
        return Boxes(self.xyxy[np.arange(len(self))[index]].reshape(-1, 4), checked=True)  # whole boxes, not columns

    def __iter__(self) -> Iterator[Boxes]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Boxes(xyxy=[{', '.join(map(_text, self.xyxy[:4]))}{', ...' if len(self) > 4 else ''}])"


def finite_rows(numbers: Any, columns: int, where: str, make: str) -> Array:
    """Numbers as (N, columns) float64; those of one box may come without the first axis. `make` says what makes a box.

    Raises:
        ShapeError: these are not so many numbers for each box.
        ArgumentError: a number is not finite.
    """
    try:
        found = np.array(numbers, np.float64)
    except (TypeError, ValueError):
        raise ShapeError(f"{where}: needs numbers (N, {columns}), not {numbers!r:.80}") from None
    found = found.reshape(-1, columns) if found.shape == (columns,) or found.size == 0 else found
    if found.ndim != 2 or found.shape[1] != columns:
        raise ShapeError(f"{where}: {make}, (N, {columns}); these are {found.shape}")
    if not np.isfinite(found).all():
        i = int((~np.isfinite(found)).any(axis=1).argmax())
        raise ArgumentError(f"{where}: box {i} is {_text(found[i])}: the numbers must be finite")
    return found


def require_sizes(found: Array, where: str, which: str) -> None:
    """Raise an ArgumentError if a width or height, the third and fourth number of each row, is negative."""
    wrong = (found[:, 2:4] < 0).any(axis=1)
    if wrong.any():
        i = int(wrong.argmax())
        raise ArgumentError(f"{where}: box {i} is {_text(found[i])}: width and height, {which}, must not be negative")


def _numbers(numbers: Any, maker: str) -> Array:
    return finite_rows(numbers, 4, f"Boxes.{maker}", "four numbers make a box")


def _sized(numbers: Any, maker: str) -> Array:
    found = _numbers(numbers, maker)
    require_sizes(found, f"Boxes.{maker}", "the last two")
    return found


def _text(numbers: Array) -> str:
    return f"({', '.join(f'{value:g}' for value in numbers)})"
