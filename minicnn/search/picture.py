"""The picture of searches: each sample a dot, and where the mean is going."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from minicnn.kernels.types import Array
from minicnn.search.found import Found
from minicnn.train.curve import can_draw

WINDOW = 16  # samples in a running mean


def running_mean(rewards: Sequence[float] | Array, window: int = WINDOW) -> Array:
    """The mean of each value and those before it, `window` at most: (N,) to (N,).

    >>> running_mean([1.0, 3.0, 5.0, 7.0], window=2).tolist()
    [1.0, 2.0, 4.0, 6.0]
    """
    sums = np.concatenate([[0.0], np.cumsum(rewards)])
    ends = np.arange(1, len(sums))
    begins = np.maximum(ends - window, 0)
    return (sums[ends] - sums[begins]) / (ends - begins)


def draw_search(found: Mapping[str, Found], path: Path, title: str = "") -> bool:
    """Save the rewards over the samples of some searches, by their names, as a PNG file; without Matplotlib nothing is done.

    Returns:
        whether there is a picture.
    """
    if not can_draw():
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for i, (name, search) in enumerate(found.items()):
        rewards = np.array([sample.reward for sample in search.samples])
        x = np.arange(1, len(rewards) + 1)
        axes.plot(x, rewards, ".", color=f"C{i}", alpha=0.35, markersize=5)
        axes.plot(x, running_mean(rewards), "-", color=f"C{i}", label=f"{name}, mean of {WINDOW}")
    axes.set(title=title, xlabel="sample", ylabel="reward: accuracy on validation images")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    return True
