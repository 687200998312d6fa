"""Drawing: small pictures tiled to a large one, pictures beside each other, heat laid over a picture."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.errors import ArgumentError, ShapeError, install
from minicnn.kernels.types import Array

INCHES, OPACITY = 2.6, 0.5  # of a panel; of the heat over a picture


@dataclass(frozen=True)
class Panel:
    """One picture in a drawing.

    Attributes:
        picture: (H, W) in any units, (H, W, 1), or colours (H, W, 3) in 0..1.
        title: above it.
        heat: (H, W), drawn over the picture in colours from blue to red.
        colours: Matplotlib's name of the colours of a picture (H, W).
        limits: the values of the first and the last colour of that picture; by default its smallest and its largest.
    """

    picture: Array
    title: str = ""
    heat: Array | None = None
    colours: str = "gray"
    limits: tuple[float, float] | None = None


def draw(rows: Sequence[Sequence[Panel]], path: str | os.PathLike[str]) -> None:
    """Save panels in rows as a picture: PNG, SVG or PDF, by the ending of the name.

    Raises:
        ArgumentError: there is nothing to draw, Matplotlib is not installed, or the file cannot be written.
    """
    if not any(rows):
        raise ArgumentError("draw: there is no panel to draw")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ArgumentError(f"a picture needs Matplotlib: {install('viz')}") from None
    columns = max(map(len, rows))
    figure = Figure(figsize=(INCHES * max(columns, 2), (INCHES + 0.3) * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for row, line in zip(rows, grid, strict=True):
        for panel, axes in zip(row, line, strict=False):
            _show(panel, axes)
    try:
        figure.savefig(path, dpi=100)
    except (OSError, ValueError) as error:
        raise ArgumentError(f"the picture {path} cannot be written: {error}") from None


def _show(panel: Panel, axes: Any) -> None:
    picture = panel.picture[..., 0] if panel.picture.shape[2:] == (1,) else panel.picture
    low, high = panel.limits or (None, None)
    axes.imshow(picture, cmap=panel.colours, vmin=low, vmax=high, interpolation="nearest")
    if panel.heat is not None:
        axes.imshow(panel.heat, cmap="jet", alpha=OPACITY, interpolation="bilinear")
    axes.set_title(panel.title, fontsize=8)


def mosaic(tiles: Array, columns: int | None = None) -> Array:
    """Small pictures side by side in one, with a line of NaN (which is drawn as nothing) between them.

    Args:
        tiles: (T, h, w) or (T, h, w, C).
        columns: of tiles; by default about as many as rows.

    Raises:
        ShapeError: `tiles` has other axes.

    Example:
        >>> mosaic(np.ones((3, 2, 2)), columns=2).shape
        (5, 5)
    """
    if tiles.ndim not in (3, 4) or not len(tiles):
        raise ShapeError(f"mosaic: tiles must be (T, h, w) or (T, h, w, C), at least one, not {tiles.shape}")
    T, h, w = tiles.shape[:3]
    columns = columns or math.ceil(math.sqrt(T))
    rows = math.ceil(T / columns)
    large = np.full((rows * (h + 1) - 1, columns * (w + 1) - 1, *tiles.shape[3:]), np.nan, np.float32)
    for t, tile in enumerate(tiles):
        top, left = t // columns * (h + 1), t % columns * (w + 1)
        large[top : top + h, left : left + w] = tile
    return large
