"""What networks cost and what they give: error against operations, memory and time, as a table and as a picture.

The charts are those of Canziani, Culurciello & Paszke 2016, "An analysis of deep neural network models for practical
applications", figures 1, 2 and 6, for the networks here.
"""

import csv
import io
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from minicnn import models
from minicnn.analysis.published import IMAGENET, Published
from minicnn.analysis.summary import FLOAT, summarize
from minicnn.autograd import no_grad
from minicnn.backend import META, use_backend
from minicnn.creation import randn
from minicnn.errors import ArgumentError
from minicnn.models.registry import model_name
from minicnn.nn import Module
from minicnn.nn.mode import evaluating_untrained
from minicnn.nn.trace import image_shape

AUXILIARY = ("GoogLeNet", "GoogLeNetBN", "InceptionV3")  # have them unless told otherwise
REPEATS = 3  # timed runs, after one that compiles and warms up
FEW = 20  # networks whose names fit a picture that a page can show as it is
SIDES = ((1, 0), (0.7, 0.7), (0.7, -0.7), (-1, 0), (-0.7, 0.7), (-0.7, -0.7), (0, 1), (0, -1))  # of a bubble, where its name may stand


@dataclass(frozen=True)
class Entry:
    """One network in a comparison, for one image of its own size.

    Attributes:
        name: of the network.
        year: of its paper; None where no error was published.
        input: the image, "3x224x224".
        parameters, macs: as in a summary; without auxiliary classifiers, which are thrown away after training.
        memory: bytes of the weights and of the outputs of convolutions, linear layers and poolings for one image, in float32.
        top1, top5: published error in per cent, or None.
        milliseconds: measured time for one image here, or None.
        source: of the errors.
    """

    name: str
    year: int | None
    input: str
    parameters: int
    macs: int
    memory: int
    top1: float | None
    top5: float | None
    milliseconds: float | None
    source: str


def compare(names: Sequence[str] = (), *, timed: bool = False) -> list[Entry]:
    """Put networks side by side.

    Args:
        names: of networks; by default all whose error on ImageNet was published.
        timed: also measure the time of one image, in evaluation, on the active backend with random weights. That builds every
            network in memory.

    Raises:
        ArgumentError: no network has one of the names.

    Example:
        >>> [(entry.name, entry.parameters, entry.top1) for entry in compare(["ResNet18", "ResNet50"])]
        [('ResNet18', 11689512, 30.43), ('ResNet50', 25557032, 24.01)]
    """
    return [_entry(name, timed) for name in names or IMAGENET]


def _entry(name: str, timed: bool) -> Entry:
    name = model_name(name)
    options = {"aux": False} if name in AUXILIARY else {}
    with use_backend(META):
        summary = summarize(models.create(name, **options))
    published = IMAGENET.get(name)
    errors = published or Published(0, None, None, "")
    return Entry(
        name,
        published.year if published else None,
        "x".join(map(str, summary.input[1:])),
        summary.parameters,
        summary.macs,
        FLOAT * (summary.parameters + summary.activations),
        errors.top1,
        errors.top5,
        _milliseconds(models.create(name, **options)) if timed else None,
        errors.source,
    )


def _milliseconds(model: Module) -> float:
    """The median time of one image."""
    x = randn(1, *image_shape(model, None, "compare"))
    times = []
    with no_grad(), evaluating_untrained(model):
        for _ in range(1 + REPEATS):
            start = time.perf_counter()
            model(x)
            times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[1:])


def as_csv(entries: Sequence[Entry]) -> str:
    """The comparison as comma-separated values with a header; what is not known is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Entry)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in entries)
    return text.getvalue()


def picture(entries: Sequence[Entry], path: Path) -> Path:
    """The complexity charts: error against operations, with a bubble as large as the parameters; memory; and time, if measured.

    Raises:
        ArgumentError: Matplotlib is not installed, no network has a published error, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ArgumentError('a picture needs Matplotlib: pip install -e ".[viz]" in the checkout of minicnn') from None
    known = [entry for entry in entries if entry.top1 is not None]
    if not known:
        raise ArgumentError("compare: none of these networks has a published top-1 error on ImageNet to draw")
    timed = all(entry.milliseconds is not None for entry in known)
    charts = 3 if timed else 2
    width, height = (8, 5) if len(known) <= FEW else (14, 8)
    figure = Figure(figsize=(width, charts * height), layout="constrained")
    axes = figure.subplots(charts, 1)
    _bubbles(axes[0], known, [entry.macs / 1e9 for entry in known], "multiply-adds of one image / 10⁹")
    _bubbles(axes[1], known, [entry.memory / 1e6 for entry in known], "memory of weights and outputs / MB")
    if timed:
        _bubbles(axes[2], known, [entry.milliseconds or 0 for entry in known], "time of one image here / ms")
    figure.draw_without_rendering()  # now it is known where the bubbles are in the picture
    for chart in axes:
        _names(chart, known)
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise ArgumentError(f"compare: the picture {path} cannot be written: {error}") from None
    return path


def _bubbles(axes: Any, entries: Sequence[Entry], x: Sequence[float], label: str) -> None:
    """Error against x, on a logarithmic axis; as large as the parameters, coloured by the year."""
    errors = [entry.top1 or 0.0 for entry in entries]
    years = [entry.year or 0 for entry in entries]
    drawn = axes.scatter(x, errors, s=[entry.parameters / 1e5 for entry in entries], c=years, cmap="viridis", alpha=0.5)
    axes.figure.colorbar(drawn, ax=axes, label="year", format="%d")
    axes.set(xscale="log", xlabel=f"{label} (bubble: parameters)", ylabel="top-1 error / %")
    axes.tick_params(axis="x", which="minor", labelsize=7)
    axes.margins(0.12)
    axes.grid(alpha=0.3)


def _names(axes: Any, entries: Sequence[Entry]) -> None:
    """A name beside each bubble, at that side where it covers least of other names and bubbles."""
    from matplotlib.transforms import Bbox

    (bubbles,) = axes.collections
    at, per_point = bubbles.get_offset_transform().transform(bubbles.get_offsets()), axes.figure.dpi / 72
    radii = [per_point * math.sqrt(area / math.pi) for area in bubbles.get_sizes()]
    taken = [Bbox([point - radius, point + radius]) for point, radius in zip(at, radii, strict=True)]
    for entry, own, radius in zip(entries, list(taken), radii, strict=True):
        name = axes.annotate(entry.name, axes.transData.inverted().transform(own.p0 + radius), xytext=(0, 0), textcoords="offset points", fontsize=7, ha="center", va="center")
        size, choices = np.array(name.get_window_extent().size), []
        for side in SIDES:
            away = np.array(side) * (radius + 2) + np.sign(side) * size / 2
            middle = own.p0 + radius + away
            box = Bbox([middle - size / 2, middle + size / 2])
            hidden = size.prod() - _shared(box, axes.bbox) + sum(_shared(box, other) for other in taken)
            choices.append((hidden, tuple(away / per_point), box))
        _, name.xyann, box = min(choices, key=lambda choice: choice[0])
        taken.append(box)


def _shared(a: Any, b: Any) -> float:
    """How much two boxes overlap, in square pixels."""
    width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    return float(max(0, width) * max(0, height))
