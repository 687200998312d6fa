"""Where figures are put: at random, but never so that one hides too much of another."""

from __future__ import annotations

import numpy as np

from minicnn.data.shapes.colours import COLOURS
from minicnn.data.shapes.drawing import distance
from minicnn.data.shapes.figures import FIGURES
from minicnn.data.shapes.scene import Placed
from minicnn.kernels.types import Array

SMALL_RADII, LARGE_RADII = (0.14, 0.19), (0.25, 0.34)  # in shares of the picture's side; between them lies scene.LARGE
NAMES = tuple(COLOURS)
TRIES = 20

Layout = list[tuple[Placed, Array, Array]]
"""For each figure from the rearmost on: the figure, its distances, the mask of what can be seen of it."""


def arrange(rng: np.random.Generator, size: int, count: int, occlusion: float) -> Layout:
    """So many figures within a picture, of different colours, none of them hidden by more than the share `occlusion`.

    Half of them are large, fewer where there are more than three. A figure that hides too much is drawn anew, in the end a small one; if
    that is of no use, since those before it leave no room, all begins again.
    """
    while True:
        layout: Layout = []
        for colour in rng.permutation(len(COLOURS))[:count]:
            for tried in range(TRIES):
                large = rng.random() < min(0.5, 1.5 / count) and tried < TRIES // 2
                longer = _with(layout, _draw(rng, size, NAMES[colour], large), size, occlusion)
                if longer:
                    layout = longer
                    break
        if len(layout) == count:
            return layout


def _draw(rng: np.random.Generator, size: int, colour: str, large: bool) -> Placed:
    """A figure of any class, place and angle that lies within the picture."""
    label, filled = int(rng.integers(len(FIGURES))), bool(rng.integers(2))
    radius, x, y, turn = rng.random(4)
    least, most = LARGE_RADII if large else SMALL_RADII
    radius = size * (least + radius * (most - least))
    room = size - 2 * radius
    turns = FIGURES[label].turns
    angle = (2 * turn - 1) * np.pi / turns if turns else 0.0
    return Placed(label, colour, filled, radius + x * room, radius + y * room, radius, angle)


def _with(layout: Layout, figure: Placed, size: int, occlusion: float) -> Layout | None:
    """The layout with one more figure in front; None if it then hides too much of one behind it."""
    far = distance(figure, size)
    mask = far <= 0
    behind = [(other, its, seen & ~mask) for other, its, seen in layout]
    if any(seen.sum() < (1 - occlusion) * (its <= 0).sum() for _, its, seen in behind):
        return None
    return [*behind, (figure, far, mask)]
