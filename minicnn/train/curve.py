"""The learning curve as a picture."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from minicnn.train.epoch import Epoch


def can_draw() -> bool:
    """Is matplotlib installed?"""
    return importlib.util.find_spec("matplotlib") is not None


def draw_curve(epochs: Sequence[Epoch], path: Path, title: str) -> None:
    """Save loss (left) and error rate (right) by epoch, for training and held-out images, as a PNG file.

    The error rate is on a logarithmic axis: from 2 % to 1 % is as far as from 20 % to 10 %.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    x = [e.epoch for e in epochs]
    left, right = figure.subplots(1, 2)
    for axes, name, train, test in (
        (left, "loss (cross-entropy)", [e.train_loss for e in epochs], [e.test_loss for e in epochs]),
        (right, "error rate (%)", [_error(e.train_accuracy) for e in epochs], [_error(e.test_accuracy) for e in epochs]),
    ):
        axes.plot(x, train, ".-", label="training")
        axes.plot(x, test, ".-", label="held out")
        axes.set(xlabel="epoch", title=name, yscale="log")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.3, which="both")
    left.legend()
    figure.suptitle(title)
    figure.savefig(path, dpi=120)


def _error(accuracy: float) -> float:
    return max(100 * (1 - accuracy), 0.01)  # a logarithm has no place for 0
