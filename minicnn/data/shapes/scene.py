"""What is in a picture: the figures, where they are, and how much of each can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicnn.data.shapes.caption import describe
from minicnn.data.shapes.figures import FIGURES
from minicnn.kernels.types import Array

LARGE = 0.22
"""A figure is called large if its radius is more than this share of the picture's side. None has a radius near it."""


@dataclass(frozen=True)
class Placed:
    """One figure in a picture.

    Attributes:
        label: its class, the place in `FIGURES`.
        colour: its name.
        filled: filled, or an outline.
        x, y: where the figure's origin is, in pixels.
        radius: how far its farthest point is from there, in pixels.
        angle: by how much it is turned, in radians: positive from the x axis towards the y axis, which on a screen is clockwise.
    """

    label: int
    colour: str
    filled: bool
    x: float
    y: float
    radius: float
    angle: float

    @property
    def oriented(self) -> tuple[float, float, float, float, float]:
        """The figure's own upright box, turned with it: centre's x and y, width, height, angle."""
        left, top, right, bottom = (self.radius * side for side in FIGURES[self.label].box)
        across, down = (left + right) / 2, (top + bottom) / 2
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return self.x + across * cos - down * sin, self.y + across * sin + down * cos, right - left, bottom - top, self.angle


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and what is in it: n figures from the rearmost to the foremost.

    A pixel is a figure's if its centre is in what is drawn of it: of an outlined figure that is the line, not what it encloses.

    Attributes:
        image: (3, size, size) float32, 0 .. 1.
        figures: n `Placed`.
        whole: (n, size, size) bool, the pixels of each figure, hidden ones too.
        masks: (n, size, size) bool, those that can be seen.

    Example:
        >>> from minicnn.data import Shapes
        >>> scene = Shapes(objects=3).scene(0)
        >>> scene.labels.shape, scene.masks.shape, scene.amodal.shape, scene.oriented.shape
        ((3,), (3, 64, 64), (3, 4), (3, 5))
    """

    image: Array
    figures: tuple[Placed, ...]
    whole: Array
    masks: Array

    def __len__(self) -> int:
        """Number of figures."""
        return len(self.figures)

    @property
    def labels(self) -> Array:
        """(n,) int64: the classes."""
        return np.array([figure.label for figure in self.figures], np.int64)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return tuple(FIGURES[figure.label].name for figure in self.figures)

    @property
    def colours(self) -> tuple[str, ...]:
        """The names of the colours: no two figures share one."""
        return tuple(figure.colour for figure in self.figures)

    @property
    def filled(self) -> Array:
        """(n,) bool: filled, or an outline."""
        return np.array([figure.filled for figure in self.figures], bool)

    @property
    def large(self) -> Array:
        """(n,) bool: large, or small."""
        return np.array([figure.radius > LARGE * self.image.shape[-1] for figure in self.figures], bool)

    @property
    def modal(self) -> Array:
        """(n, 4) float32: left, top, right, bottom of what can be seen of each figure."""
        return boxes_around(self.masks)

    @property
    def amodal(self) -> Array:
        """(n, 4) float32: left, top, right, bottom of each figure, its hidden parts too."""
        return boxes_around(self.whole)

    @property
    def oriented(self) -> Array:
        """(n, 5) float32: centre's x and y, width, height and angle of the box that is turned with each figure, hidden parts too.

        The angle is the smallest that leads there: a square's is within ±π/4, and a circle's is 0.
        """
        return np.array([figure.oriented for figure in self.figures], np.float32)

    @property
    def visible(self) -> Array:
        """(n,) float32: which share of a figure's pixels can be seen."""
        return (self.masks.sum(axis=(1, 2)) / self.whole.sum(axis=(1, 2))).astype(np.float32)

    @property
    def caption(self) -> str:
        """The picture in words, from the foremost figure to the rearmost."""
        return describe(self)


def boxes_around(masks: Array) -> Array:
    """The smallest boxes around the pixels of masks (n, H, W), as (n, 4) float32: left, top, right, bottom. Each mask has pixels.

    >>> boxes_around(np.array([[[0, 0, 0], [0, 1, 1]]], bool)).tolist()
    [[1.0, 1.0, 3.0, 2.0]]
    """
    height, width = masks.shape[1:]
    columns, rows = np.asarray(masks.any(axis=1)), np.asarray(masks.any(axis=2))
    ends = columns.argmax(axis=1), rows.argmax(axis=1), width - columns[:, ::-1].argmax(axis=1), height - rows[:, ::-1].argmax(axis=1)
    return np.stack(ends, axis=1).astype(np.float32)
