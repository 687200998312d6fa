"""Pictures with boxes in them, drawn with Matplotlib where it is installed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minicnn.detection import Boxes
from minicnn.kernels.types import Array

TRUE, FOUND = "white", "red"  # colours of boxes


def panels(rows: int, columns: int, side: float = 1.5) -> tuple[Any, list[Any]]:
    """A figure, and its empty panels row by row; a panel is about `side` inches wide and high."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(side * columns, (side + 0.2) * rows), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in grid:
        axes.axis("off")
    return figure, grid


def show(axes: Any, image: Array, title: str = "") -> None:
    """Put a picture (C, H, W) in 0 .. 1 into a panel; its left and upper border are at 0, as for boxes."""
    height, width = image.shape[1:]
    axes.imshow(image.transpose(1, 2, 0).clip(0, 1), extent=(0, width, height, 0), interpolation="nearest")
    axes.set_title(title, fontsize=7)


def outline(axes: Any, boxes: Boxes, colour: str, names: Iterable[str] = (), style: str = "-") -> None:
    """Draw boxes on any ground, each with its name at its upper left corner if there are names."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    edge = [withStroke(linewidth=2.2, foreground="black")]  # white is seen on white, too
    for (left, top, width, height), name in zip(boxes.xywh, [*names] or [""] * len(boxes), strict=True):
        axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=1.2, linestyle=style, path_effects=edge if style == "-" else None))
        if name:
            axes.text(left, max(top, 3), name, fontsize=6, color="white", verticalalignment="bottom", path_effects=edge, clip_on=True)


def save(figure: Any, path: Path) -> None:
    """Write the figure."""
    figure.savefig(path, dpi=90)
