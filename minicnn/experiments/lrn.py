"""Local response normalisation (Krizhevsky et al. 2012, sec. 3.3): does it help, and what does it cost? Batch norm stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter

from minicnn import nn
from minicnn.analysis import summarize
from minicnn.autograd import Tensor
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.images import SmallSet, small_set
from minicnn.experiments.over_seeds import Plan, Values, over_seeds, train
from minicnn.experiments.picture import Line, Panel, draw_panels
from minicnn.models.alexnet import response_norm
from minicnn.ops import cross_entropy
from minicnn.optim import SGD


@dataclass(frozen=True)
class Scale:
    """How large the experiment is: images, channels of the first convolution, seeds, and how each network is trained.

    Attributes:
        turns: how often a step of each network is timed.
    """

    train: int
    test: int
    channels: int
    seeds: int
    plan: Plan
    turns: int


MINUTES = Scale(train=500, test=360, channels=8, seeds=3, plan=Plan(epochs=12, batch=25, lr=0.02), turns=50)
FULL = Scale(train=50_000, test=10_000, channels=64, seeds=3, plan=Plan(epochs=40, batch=128, lr=0.01, decay=5e-4), turns=100)

NONE, LRN, SCALED, BATCH = "no norm", "LRN", "times 2^-0.75", "batch norm"


class Shrink(nn.Module):
    """What LRN does to small numbers: where alpha times the sum of squares is far below k = 2, x / (k + ...)^0.75 is x times 2^-0.75."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return x * 2**-0.75


def normalised(name: str, channels: int) -> list[nn.Module]:
    """A ReLU with the norm: LRN stands behind it, as in AlexNet, batch norm before it."""
    layers: dict[str, list[nn.Module]] = {
        NONE: [nn.ReLU()],
        LRN: [nn.ReLU(), response_norm()],
        SCALED: [nn.ReLU(), Shrink()],
        BATCH: [nn.BatchNorm2d(channels), nn.ReLU()],
    }
    return layers[name]


def network(name: str, C: int, channels: int = 3, classes: int = 10) -> nn.Sequential:
    """AlexNet for images of 32x32: norms behind the first two convolutions, overlapping pooling behind the norms, dropout in front of the last layer."""
    return nn.Sequential(
        nn.Conv2d(channels, C, 5, padding=2), *normalised(name, C), nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(C, 2 * C, 5, padding=2), *normalised(name, 2 * C), nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(2 * C, 2 * C, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1),
        nn.Flatten(), nn.Linear(32 * C, 16 * C), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16 * C, classes),
    )  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What a norm gives and costs.

    Attributes:
        errors, training_errors: in %, one for each seed.
        milliseconds: the shortest of the steps that were timed.
        kilobytes: outputs of all layers and their gradients, for one image, in float32.
    """

    errors: Values
    training_errors: Values
    milliseconds: float
    kilobytes: float


def shortest_steps(networks: Mapping[str, nn.Module], images: SmallSet, batch: int, turns: int) -> dict[str, float]:
    """Milliseconds of a training step of each network: the shortest of so many, taken in turns, for what else the machine does only makes it longer."""
    x, labels = next(iter(images.batches(batch, 0)))
    optimizers = {name: SGD(model.parameters(), lr=1e-4) for name, model in networks.items()}
    best = dict.fromkeys(networks, float("inf"))
    for _ in range(turns):
        for name, model in networks.items():
            start = perf_counter()
            optimizers[name].zero_grad()
            loss = cross_entropy(model.train()(x), labels)
            loss.backward()
            optimizers[name].step()
            loss.item()
            best[name] = min(best[name], 1000 * (perf_counter() - start))
    return best


def run(settings: Settings) -> Report:
    """Train the four networks for equally many steps, and time a step of each."""
    scale = FULL if settings.full else MINUTES
    settings = replace(settings, dataset=settings.dataset or ("cifar10" if settings.full else None))
    images = small_set(settings, scale.train, scale.test, 32)
    trained = {}
    for name in (NONE, LRN, SCALED, BATCH):
        settings.say(f"{name}: {scale.seeds} networks, {scale.plan.epochs} epochs each")

        def make(name: str = name) -> nn.Sequential:
            return network(name, scale.channels, images.channels, images.classes)

        trained[name] = [train(make, images, scale.plan, settings.seed + i) for i in range(scale.seeds)]
    steps = shortest_steps({name: of[0].model for name, of in trained.items()}, images, scale.plan.batch, scale.turns)
    shape = images.train[0][0].shape
    rows = {
        name: Row(over_seeds(of, "test_error"), over_seeds(of, "train_error"), steps[name], summarize(of[0].model, shape).training_bytes / 1000)
        for name, of in trained.items()
    }
    _draw(rows, settings)
    return Report(
        ["network", "training error %", "test error %", "ms for a step", "kB for an image"],
        [[name, r.training_errors, r.errors, f"{r.milliseconds:.1f}", f"{r.kilobytes:.0f}"] for name, r in rows.items()],
        _findings(rows),
        {name: {"errors": r.errors.each, "milliseconds": r.milliseconds, "kilobytes": r.kilobytes} for name, r in rows.items()},
    )


def _findings(rows: Mapping[str, Row]) -> list[Finding]:
    plain, lrn = rows[NONE], rows[LRN]
    more = lrn.errors.minus(plain.errors)
    time = 100 * (lrn.milliseconds / plain.milliseconds - 1)
    return [
        Finding(
            f"LRN does not help: {lrn.errors} % errors with it, {plain.errors} % without; from seed to seed {more} points more",
            more.is_above_zero(),
        ),
        Finding(f"LRN costs time: a step takes {lrn.milliseconds:.1f} ms with it, {plain.milliseconds:.1f} ms without: {time:+.0f} %", time > 0),
    ]


def _draw(rows: Mapping[str, Row], settings: Settings) -> None:
    """Errors over the time of a step, a point for each seed."""
    lines = {name: Line([r.milliseconds] * len(r.errors.each), r.errors.each, i, "o") for i, (name, r) in enumerate(rows.items())}
    memory = {name: Line([r.kilobytes] * len(r.errors.each), r.errors.each, i, "o") for i, (name, r) in enumerate(rows.items())}
    panels = [
        Panel("errors over time, a point a seed", "milliseconds for a step", "test error (%)", lines),
        Panel("errors over memory", "kilobytes for an image in training", "test error (%)", memory),
    ]
    draw_panels(panels, settings.out / "lrn.png")
