"""Small filters against large ones that see as much (Simonyan & Zisserman 2014, sec. 2.3): three 3x3 for a 7x7, two for a 5x5."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from minicnn import nn
from minicnn.analysis import measure_receptive_field, summarize
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.figures import figures_or_named
from minicnn.experiments.images import SmallSet
from minicnn.experiments.over_seeds import Plan, Values, over_seeds, train
from minicnn.kernels.types import Array
from minicnn.train.curve import can_draw


@dataclass(frozen=True)
class Scale:
    """How large the experiment is: images and their size, channels of every block, seeds, and how each network is trained."""

    train: int
    test: int
    size: int
    channels: int
    seeds: int
    plan: Plan


MINUTES = Scale(train=500, test=500, size=16, channels=12, seeds=5, plan=Plan(epochs=12, batch=25, lr=0.05))
FULL = Scale(train=50_000, test=10_000, size=32, channels=64, seeds=3, plan=Plan(epochs=30, batch=128, lr=0.05, decay=5e-4))

ONE_7, THREE_3, LINEAR_3, ONE_5, TWO_3 = "one 7x7", "three 3x3", "three 3x3, one ReLU", "one 5x5", "two 3x3"
BLOCKS = {ONE_7: (7,), THREE_3: (3, 3, 3), LINEAR_3: (3, 3, 3), ONE_5: (5,), TWO_3: (3, 3)}


def block(name: str, C: int) -> nn.Sequential:
    """Convolutions of C channels that keep the size, each with batch norm and a ReLU; in `LINEAR_3` only the last one has a ReLU.

    Example:
        >>> [type(layer).__name__ for layer in block(LINEAR_3, 8)]
        ['Conv2d', 'BatchNorm2d', 'Conv2d', 'BatchNorm2d', 'Conv2d', 'BatchNorm2d', 'ReLU']
    """
    layers: list[nn.Module] = []
    for size in BLOCKS[name]:
        layers += [nn.Conv2d(C, C, size, padding=size // 2, bias=False), nn.BatchNorm2d(C)]
        if name != LINEAR_3:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers, *([nn.ReLU()] if name == LINEAR_3 else []))


def network(name: str, C: int, channels: int = 3, classes: int = 10) -> nn.Sequential:
    """A convolution from the colours to C channels; the block, at full size and at half of it; the mean over all pixels, a linear layer."""
    start = nn.Sequential(nn.Conv2d(channels, C, 3, padding=1, bias=False), nn.BatchNorm2d(C), nn.ReLU())
    end = nn.Sequential(nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(C, classes))
    return nn.Sequential(start, block(name, C), nn.MaxPool2d(2), block(name, C), end)


@dataclass(frozen=True)
class Row:
    """What a block costs and sees, and what the network with it gets wrong.

    Attributes:
        weights: of the block, without biases, in C^2.
        macs: multiply-adds of the network for an image.
        sees: height and width of its receptive field, by the gradient.
        reached: (15, 15), how much each pixel counts for the one in the middle; the sum is 1.
        errors, training_errors: in %, one for each seed.
    """

    weights: float
    macs: int
    sees: tuple[int, int]
    reached: Array
    errors: Values
    training_errors: Values

    @property
    def middle(self) -> float:
        """The share of the middle 3x3 pixels."""
        return float(self.reached[6:9, 6:9].sum())


def measure(name: str, images: SmallSet, scale: Scale, seed: int) -> Row:
    """Everything about one kind of block."""
    C = scale.channels

    def make() -> nn.Sequential:
        return network(name, C, images.channels, images.classes)

    seen = measure_receptive_field(block(name, C), (C, 15, 15))
    weights = sum(p.size for p in block(name, C).parameters() if p.ndim == 4) / C**2
    trained = [train(make, images, scale.plan, seed + i) for i in range(scale.seeds)]
    macs = summarize(make(), images.train[0][0].shape).macs
    reached = seen.map / seen.map.sum()
    return Row(weights, macs, seen.size, reached, over_seeds(trained, "test_error"), over_seeds(trained, "train_error"))


def run(settings: Settings) -> Report:
    """Train networks that differ in nothing but the filters of two blocks."""
    scale = FULL if settings.full else MINUTES
    images = figures_or_named(settings, scale.train, scale.test, scale.size)
    rows = {}
    for name in BLOCKS:
        settings.say(f"{name}: {scale.seeds} networks, {scale.plan.epochs} epochs each")
        rows[name] = measure(name, images, scale, settings.seed)
    if can_draw():
        _draw(rows, settings.out / "filters.png")
    return Report(
        ["block", "weights / C^2", "multiply-adds of the network", "sees", "middle 3x3 of it", "training error %", "test error %"],
        [
            [name, f"{r.weights:g}", f"{r.macs:,}", f"{r.sees[0]}x{r.sees[1]}", f"{r.middle:.0%}", r.training_errors, r.errors]
            for name, r in rows.items()
        ],
        _findings(rows),
        {name: {"weights": r.weights, "macs": r.macs, "sees": r.sees, "reached": r.reached.tolist(), "errors": r.errors.each} for name, r in rows.items()},
    )


def _findings(rows: dict[str, Row]) -> list[Finding]:
    found = []
    for small, large, side in ((THREE_3, ONE_7, 7), (TWO_3, ONE_5, 5)):
        s, big = rows[small], rows[large]
        found.append(Finding(f"{small} see {s.sees[0]}x{s.sees[1]} pixels, {large} sees {big.sees[0]}x{big.sees[1]}", s.sees == big.sees == (side, side)))
        found.append(_better(small, large, rows))
    found.append(_better(THREE_3, LINEAR_3, rows))
    return found


def _better(better: str, worse: str, rows: dict[str, Row]) -> Finding:
    """The first has fewer errors than the second; undecided, if the difference is not clear."""
    less = rows[worse].errors.minus(rows[better].errors)
    sentence = f"{better}: {rows[better].errors} % errors, {worse}: {rows[worse].errors} %; from seed to seed {less} points fewer"
    return Finding(sentence, less.is_above_zero())


def _draw(rows: dict[str, Row], path: Path) -> None:
    """What a pixel sees through a 7x7 and through three 3x3, and errors over multiply-adds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3, width_ratios=(1, 1, 1.5))
    for axes, name in zip(panels, (ONE_7, THREE_3), strict=False):
        axes.imshow(rows[name].reached, extent=(-7.5, 7.5, 7.5, -7.5))
        axes.set(title=f"{name}: {rows[name].weights:g} C² weights,\nmiddle 3x3 counts {rows[name].middle:.0%}")
    for i, (name, row) in enumerate(rows.items()):
        panels[2].errorbar(row.macs / 1e6, row.errors.mean, row.errors.deviation, fmt="o", color=f"C{i}", capsize=3, label=name)
    panels[2].set(title="errors over cost", xlabel="million multiply-adds for an image", ylabel="test error (%)", xlim=(0, None))
    panels[2].grid(alpha=0.3)
    panels[2].legend(fontsize=8)
    figure.savefig(path, dpi=90)
