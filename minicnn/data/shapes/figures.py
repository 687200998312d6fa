"""The ten figures, each as a signed distance: how far is a point from the outline, less than 0 inside?

A figure stands upright around the origin, x to the right and y downwards, and its farthest point is 1 away. Distances
are exact near straight sides and round arcs; beyond a corner they are smaller, as if both sides went on.

Source: after I. Quilez, "2D distance functions" (iquilezles.org/articles/distfunctions2d).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minicnn.kernels.types import Array


@dataclass(frozen=True)
class Figure:
    """One kind of figure.

    Attributes:
        name: as captions say it.
        distance: `distance(x, y)`, from arrays of coordinates to one of signed distances.
        box: left, top, right, bottom of the smallest upright box around it.
        turns: by 2π / turns it can be turned into itself; 0 means by any angle.
    """

    name: str
    distance: Callable[[Array, Array], Array]
    box: tuple[float, float, float, float]
    turns: int


def circle(x: Array, y: Array) -> Array:
    """√(x² + y²) - 1."""
    return np.hypot(x, y) - 1


def ring(x: Array, y: Array) -> Array:
    """A band 0.6 wide around a hole of radius 0.4."""
    return np.abs(np.hypot(x, y) - 0.7) - 0.3


def ellipse(x: Array, y: Array) -> Array:
    """Half as high as wide: with k = √(x² + (2y)²), the distance is, to first order, (k - 1) / |∇k|."""
    k = np.maximum(np.hypot(x, 2 * y), 1e-3)
    return (k - 1) * k / np.maximum(np.hypot(x, 4 * y), 1e-3)


def square(x: Array, y: Array) -> Array:
    """max(|x|, |y|) - √½."""
    return np.maximum(np.abs(x), np.abs(y)) - np.float32(np.sqrt(0.5))


def cross(x: Array, y: Array) -> Array:
    """A lying and a standing bar: a point's distance from both is the lesser of the two."""
    x, y = np.abs(x), np.abs(y)
    long, short = np.float32(np.sqrt(0.91)), np.float32(0.3)
    return np.maximum(np.minimum(x, y) - short, np.maximum(x, y) - long)


def triangle(x: Array, y: Array) -> Array:
    """What lies behind three lines: the distance from the one farthest in front."""
    return _beyond_sides(x, y, 3).max(axis=0)


def hexagon(x: Array, y: Array) -> Array:
    """What lies behind six lines."""
    return _beyond_sides(x, y, 6).max(axis=0)


def star(x: Array, y: Array) -> Array:
    """The five lines of a pentagram: a point of the star is in front of one of them at most, so the second largest distance counts."""
    distances = _beyond_lines(x, y, np.arange(5) * 2 * np.pi / 5 - np.pi / 2, np.cos(2 * np.pi / 5))
    return np.partition(distances, 3, axis=0)[3]


def heart(x: Array, y: Array) -> Array:
    """A square on its corner and a disc on each of its upper sides, which is the disc's diameter."""
    x, y = np.abs(x) / HEART, y / HEART - SUNK
    tilted = (x + np.abs(y) - 1) * np.float32(np.sqrt(0.5))
    disc = np.hypot(x - np.float32(0.5), y + np.float32(0.5)) - np.float32(np.sqrt(0.5))
    return np.minimum(tilted, disc) * HEART


def crescent(x: Array, y: Array) -> Array:
    """A disc from which another one is cut."""
    return np.maximum(np.hypot(x, y) - 1, BITE - np.hypot(x - BITTEN, y))


def _beyond_sides(x: Array, y: Array, sides: int) -> Array:
    """Distances beyond the sides of a regular polygon with a corner at the top."""
    return _beyond_lines(x, y, (np.arange(sides) + 0.5) * 2 * np.pi / sides - np.pi / 2, np.cos(np.pi / sides))


def _beyond_lines(x: Array, y: Array, normals: Array, offset: float) -> Array:
    """Distances beyond lines, one for each angle of a normal, all as far from the origin."""
    cos, sin = (f(normals).astype(np.float32)[:, None, None] for f in (np.cos, np.sin))
    return cos * x + sin * y - np.float32(offset)


HEART, SUNK = np.float32(0.7925), np.float32(0.26)  # half a diagonal of the heart's square, and its centre's depth in such halves
BITE, BITTEN = np.float32(0.8), np.float32(0.55)  # radius and place of what is cut from the crescent
_LOBES = float(HEART) * (0.5 + np.sqrt(0.5))  # how far the heart's discs reach from the square's centre
_HORN = (1 + float(BITTEN) ** 2 - float(BITE) ** 2) / (2 * float(BITTEN))  # where the crescent's two circles meet

FIGURES = (
    Figure("circle", circle, (-1, -1, 1, 1), 0),
    Figure("square", square, (-np.sqrt(0.5), -np.sqrt(0.5), np.sqrt(0.5), np.sqrt(0.5)), 4),
    Figure("triangle", triangle, (-np.sqrt(0.75), -1, np.sqrt(0.75), 0.5), 3),
    Figure("hexagon", hexagon, (-np.sqrt(0.75), -1, np.sqrt(0.75), 1), 6),
    Figure("star", star, (-np.sin(0.4 * np.pi), -1, np.sin(0.4 * np.pi), np.cos(0.2 * np.pi)), 5),
    Figure("cross", cross, (-np.sqrt(0.91), -np.sqrt(0.91), np.sqrt(0.91), np.sqrt(0.91)), 4),
    Figure("ring", ring, (-1, -1, 1, 1), 0),
    Figure("ellipse", ellipse, (-1, -0.5, 1, 0.5), 2),
    Figure("heart", heart, (-_LOBES, float(SUNK) * float(HEART) - _LOBES, _LOBES, (1 + float(SUNK)) * float(HEART)), 1),
    Figure("crescent", crescent, (-1, -1, _HORN, 1), 1),
)
"""The class of a figure is its place in here."""
