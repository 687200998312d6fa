"""The picture of the experiment `caption`: held-out pictures with what was said of them, right words in green, wrong ones in red."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.captioning.score import nearest_reference, words_right
from minicnn.data import Shapes
from minicnn.data.shapes.caption import RELATIONS
from minicnn.kernels.types import Array
from minicnn.train.curve import can_draw

COLUMNS, ROWS = 5, 4
RIGHT, WRONG, TRUTH = "#11772d", "#c8102e", "#777777"
POINTS, LETTER, LINE = 6.0, 0.0305, 0.082  # of the font; width and height of its letters in sides of a picture


def draw_captions(images: Array, found: list[str], true: list[str], path: Path) -> None:
    """Save the first pictures of each half with their captions as a PNG file; under a wrong one stands the true one, in grey. Without Matplotlib nothing is done.

    Args:
        images: (N, 3, H, W), normalised. The first half is of one figure, the second of two.
    """
    if not can_draw():
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.0 * COLUMNS, 2.75 * ROWS))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(0.01, 0.1, 0.99, 0.995, wspace=0.06, hspace=0.42)
    half, shown = len(true) // 2, COLUMNS * ROWS // 2
    for i, axes in zip([*range(shown), *range(half, half + shown)], figure.subplots(ROWS, COLUMNS).flat, strict=True):
        axes.axis("off")
        axes.imshow(_colours(images[i]), interpolation="nearest")
        reference = nearest_reference(found[i], true[i])
        line = _write(axes, found[i], words_right(reference, found[i]), 0)
        if found[i] != reference:
            _write(axes, reference, None, line)
    figure.savefig(path, dpi=80, pil_kwargs={"optimize": True})


def _colours(image: Array) -> Array:
    """A normalised image (3, H, W) as colours (H, W, 3)."""
    return np.clip(image.transpose(1, 2, 0) * np.array(Shapes.std) + np.array(Shapes.mean), 0, 1)


def _write(axes: Any, caption: str, right: list[bool] | None, line: int) -> int:
    """A caption under a picture, from a line on, each figure and each relation in a line of its own; returns the next free line."""
    place = 0
    for text in re.split(f" ({'|'.join(RELATIONS)}) ", caption):
        column = 0
        for word in text.split():
            colour = TRUTH if right is None else RIGHT if right[place] else WRONG
            axes.text(column * LETTER, -0.02 - line * LINE, word, color=colour, fontsize=POINTS, family="monospace", va="top", transform=axes.transAxes)
            column, place = column + len(word) + 1, place + 1
        line += 1
    return line
