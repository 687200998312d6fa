"""Pictures with boxes in them, drawn with Matplotlib where it is installed."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from minicnn.detection import Boxes
from minicnn.kernels.types import Array

TRUE, FOUND = "white", "red"  # colours of boxes


def can_draw() -> bool:
    """Is Matplotlib there?"""
    return find_spec("matplotlib") is not None


def panels(rows: int, columns: int) -> tuple[Any, list[Any]]:
    """A figure, and its empty panels row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.5 * columns, 1.7 * rows), layout="constrained")
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
    """Draw boxes, each with its name above it if there are names."""
    from matplotlib.patches import Rectangle

    for (left, top, width, height), name in zip(boxes.xywh, [*names] or [""] * len(boxes), strict=True):
        axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=1.2, linestyle=style))
        if name:
            axes.text(left, top - 1, name, fontsize=5.5, color="black", backgroundcolor=(1, 1, 1, 0.6), verticalalignment="bottom")


def save(figure: Any, path: Path) -> None:
    """Write the figure."""
    figure.savefig(path, dpi=100)
