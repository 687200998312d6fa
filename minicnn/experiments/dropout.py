"""Dropout (Srivastava et al. 2014): it closes the gap between training and test, and evaluation is an average over many networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from minicnn import nn
from minicnn.autograd import Tensor, no_grad
from minicnn.backend import manual_seed
from minicnn.data import ArrayDataset
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.images import SmallSet, small_set
from minicnn.experiments.over_seeds import Plan, Trained, Values, over_seeds, train
from minicnn.experiments.picture import Line, Panel, draw_panels
from minicnn.kernels.types import Array
from minicnn.nn.mode import evaluating


@dataclass(frozen=True)
class Scale:
    """How large the experiment is: images and their size, units of a hidden layer, seeds, how each network is trained, passes that are averaged.

    Attributes:
        wrong: the share of training images whose label is a wrong one.
    """

    train: int
    test: int
    size: int
    wrong: float
    hidden: int
    seeds: int
    plan: Plan
    passes: tuple[int, ...]


MINUTES = Scale(train=400, test=360, size=8, wrong=0.2, hidden=256, seeds=5, plan=Plan(epochs=30, batch=25, lr=0.05), passes=(1, 4, 16, 64, 256))
FULL = Scale(train=5_000, test=10_000, size=32, wrong=0.2, hidden=2048, seeds=3, plan=Plan(epochs=100, batch=128, lr=0.02), passes=(1, 4, 16, 64, 256))
CHANCES = (0.0, 0.25, 0.5)


def network(p: float, hidden: int, shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Three linear layers for images (C, H, W), with dropout behind the first two, as AlexNet ends."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(int(np.prod(shape)), hidden), nn.ReLU(), nn.Dropout(p),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(p),
        nn.Linear(hidden, classes),
    )  # fmt: skip


def with_wrong_labels(images: SmallSet, share: float, seed: int) -> SmallSet:
    """The same images, but of those to train on a share, chosen at random, has another label than its own: something to learn by heart."""
    rng = np.random.default_rng(seed)
    pictures, labels = images.train.arrays
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    labels = labels.copy()
    labels[chosen] = (labels[chosen] + rng.integers(1, images.classes, len(chosen))) % images.classes
    return replace(images, train=ArrayDataset(pictures, labels))


@dataclass(frozen=True)
class Averaged:
    """The mean scores of so many passes with dropout, held against those of the one pass without it.

    Attributes:
        distance: root mean square of the difference, as a share of that of the scores themselves.
        agreement: for how many of the images both choose the same class.
    """

    passes: int
    distance: float
    agreement: float


def average_passes(model: nn.Module, images: Array, counts: Sequence[int], seed: int = 0) -> list[Averaged]:
    """Average ever more stochastic passes of a network.

    The mean of scores is meant, before the softmax: its softmax is the geometric mean of the passes' predictions, of which the paper
    says that the pass without dropout comes near it.

    Args:
        images: (N, C, H, W).
        counts: of passes, growing.
    """
    x, found, total = Tensor(images), [], 0.0
    with no_grad():
        with evaluating(model):
            whole = model(x).numpy()
        manual_seed(seed)
        model.train()
        for done in range(1, counts[-1] + 1):
            total = total + model(x).numpy()
            if done in counts:
                mean = total / done
                distance = float(np.sqrt(((mean - whole) ** 2).mean() / (whole**2).mean()))
                found.append(Averaged(done, distance, float((mean.argmax(axis=1) == whole.argmax(axis=1)).mean())))
    return found


def run(settings: Settings) -> Report:
    """Train networks on few images, some with a wrong label, with more and more dropout, then average passes of one of them."""
    scale = FULL if settings.full else MINUTES
    settings = replace(settings, dataset=settings.dataset or ("cifar10" if settings.full else None))
    images = with_wrong_labels(small_set(settings, scale.train, scale.test, scale.size), scale.wrong, settings.seed)
    trained = {p: _train(p, images, scale, settings) for p in CHANCES}
    averages = average_passes(trained[0.5][0].model, images.test.arrays[0], scale.passes, settings.seed)
    figures = {p: {name: over_seeds(of, name) for name in NAMES} for p, of in trained.items()}
    _draw(figures, averages, settings)
    rows = [[p, *(_row(of)), of["test_error"].minus(of["train_error"])] for p, of in figures.items()]
    return Report(
        ["p", "training loss", "training error %", "test loss", "test error %", "gap %"],
        rows,
        [*_on_errors(figures), _on_averages(averages)],
        {
            "seeds": {str(p): {name: values.each for name, values in of.items()} for p, of in figures.items()},
            "averages": [vars(average) for average in averages],
        },
    )


NAMES = ("train_loss", "train_error", "test_loss", "test_error")


def _train(p: float, images: SmallSet, scale: Scale, settings: Settings) -> list[Trained]:
    settings.say(f"p = {p}: {scale.seeds} networks, {scale.plan.epochs} epochs each")
    shape = images.train[0][0].shape
    return [train(lambda: network(p, scale.hidden, shape, images.classes), images, scale.plan, settings.seed + i) for i in range(scale.seeds)]


def _row(of: Mapping[str, Values]) -> list[str]:
    return [f"{of[name].mean:.3f}" if name.endswith("loss") else str(of[name]) for name in NAMES]


def _on_errors(figures: Mapping[float, Mapping[str, Values]]) -> list[Finding]:
    without, half = figures[0.0], figures[0.5]
    more = half["train_error"].minus(without["train_error"])
    fewer = without["test_error"].minus(half["test_error"])
    gap, closed = (of["test_error"].minus(of["train_error"]) for of in (without, half))
    return [
        Finding(
            f"without dropout the training error is lower: {without['train_error']} % against {half['train_error']} % with p = 0.5",
            more.is_above_zero(),
        ),
        Finding(
            f"without dropout the test error is higher: {without['test_error']} % against {half['test_error']} %, from seed to seed {fewer} points",
            fewer.is_above_zero(),
        ),
        Finding(
            f"dropout closes the gap of test above training error: it is {gap} points without and {closed} with p = 0.5",
            gap.minus(closed).is_above_zero(),
        ),
    ]


def _on_averages(averages: Sequence[Averaged]) -> Finding:
    first, last = averages[0], averages[-1]
    return Finding(
        f"the mean of {last.passes} passes with dropout is near the one pass without: {last.distance:.0%} away, a single pass {first.distance:.0%}; "
        f"both choose the same class for {last.agreement:.1%} of the images",
        last.distance < first.distance / 3 and last.agreement > 0.95,
    )


def _draw(figures: Mapping[float, Mapping[str, Values]], averages: Sequence[Averaged], settings: Settings) -> None:
    chances, passes = list(figures), [a.passes for a in averages]

    def line(name: str, colour: int) -> Line:
        return Line(chances, [of[name].mean for of in figures.values()], colour, "o-")

    distances = {
        "to the pass without dropout": Line(passes, [a.distance for a in averages], 2, "o-"),
        "like 1/√passes": Line(passes, [averages[0].distance / n**0.5 for n in passes], 7, "--"),
    }
    panels = [
        Panel("error, mean over seeds", "p", "error (%)", {"training": line("train_error", 0), "test": line("test_error", 1)}),
        Panel("loss, mean over seeds", "p", "cross-entropy", {"training": line("train_loss", 0), "test": line("test_loss", 1)}),
        Panel("distance of the mean scores", "passes averaged", "share of the scores", distances, log="xy"),
    ]
    draw_panels(panels, settings.out / "dropout.png")
