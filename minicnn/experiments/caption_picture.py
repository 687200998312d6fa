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

COLUMNS, HEIGHTS = 4, (1.17, 1.17, 1.46)  # rows of pictures: two of one figure, and one of two, whose captions are longer
RIGHT, WRONG, TRUTH = "#11772d", "#c8102e", "#777777"
POINTS, LETTER, LINE = 7.0, 0.0312, 0.071  # of the font; width and height of its letters in sides of a picture


def draw_captions(images: Array, found: list[str], true: list[str], path: Path) -> None:
    """Save pictures with their captions, eight of one figure and four of two, as a PNG file. Without Matplotlib nothing is done.

    Under a wrong caption stands the true one, in grey.

    Args:
        images: (N, 3, H, W), normalised. The first half is of one figure, the second of two.
    """
    if not can_draw():
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.95 * COLUMNS, 7.0))
    FigureCanvasAgg(figure)
    margins = {"left": 0.01, "right": 0.99, "bottom": 0.0, "top": 0.995, "wspace": 0.05, "hspace": 0}
    grid = figure.subplots(len(HEIGHTS), COLUMNS, gridspec_kw={"height_ratios": HEIGHTS, **margins})
    half = len(true) // 2
    for i, axes in zip([*range(2 * COLUMNS), *range(half, half + COLUMNS)], grid.flat, strict=True):
        axes.axis("off")
        axes.set_anchor("N")
        axes.imshow(_colours(images[i]), interpolation="nearest")
        reference = nearest_reference(found[i], true[i])
        line = _write(axes, found[i], words_right(reference, found[i]), 0)
        if found[i] != reference:
            _write(axes, reference, None, line)
    figure.savefig(path, dpi=85, pil_kwargs={"optimize": True})


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
