"""The picture of an experiment: panels with lines in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from minicnn.train.curve import can_draw


@dataclass(frozen=True)
class Line:
    """Figures y over x, in a colour of Matplotlib's cycle (0, 1, ...) and a style of Matplotlib's ("-", "--", "o-")."""

    x: Sequence[float]
    y: Sequence[float]
    colour: int
    style: str = ".-"


@dataclass(frozen=True)
class Panel:
    """Lines by their names; a name that begins with "_" is not in the legend.

    Attributes:
        log: the axes that are logarithmic: "", "x", "y" or "xy".
    """

    title: str
    xlabel: str
    ylabel: str
    lines: Mapping[str, Line]
    log: str = ""


def draw_panels(panels: Sequence[Panel], path: Path) -> None:
    """Save panels beside each other as a PNG file; without Matplotlib nothing is done."""
    if not can_draw():
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(panels), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        for name, line in panel.lines.items():
            axes.plot(line.x, line.y, line.style, color=f"C{line.colour}", label=name, markersize=4)
        axes.set(title=panel.title, xlabel=panel.xlabel, ylabel=panel.ylabel)
        axes.set(**{f"{axis}scale": "log" for axis in panel.log})
        if "x" in panel.log:
            x = next(iter(panel.lines.values())).x
            axes.set_xticks(x, [f"{value:g}" for value in x])
            axes.set_xticks([], minor=True)
        elif all(float(value).is_integer() for line in panel.lines.values() for value in line.x):
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=90)
