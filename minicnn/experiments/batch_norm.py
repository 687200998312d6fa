"""Batch norm: its two modes, the learning rates that it bears, and what becomes of it in small batches (Ioffe & Szegedy 2015; Wu & He 2018)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn import nn, optim
from minicnn.autograd import Tensor, no_grad
from minicnn.backend import manual_seed
from minicnn.errors import NonFiniteError
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.images import SmallSet, small_set
from minicnn.experiments.picture import Line, Panel, draw_panels
from minicnn.nn.mode import evaluating
from minicnn.ops import cross_entropy
from minicnn.train import Callback, Metrics, Trainer

NORMS: dict[str, Callable[[int], list[nn.Module]]] = {
    "none": lambda channels: [],  # noqa: ARG005 - called like the others
    "batch norm": lambda channels: [nn.BatchNorm2d(channels)],
    "group norm": lambda channels: [nn.GroupNorm(4, channels)],
}
STAGES, WIDTH, CONVOLUTIONS = 3, 8, 2  # the channels double from stage to stage
IMAGES, HELD_OUT, SIZE = 1437, 360, 16  # all digits
BATCH = 64
EPOCHS, EPOCHS_OF_BATCHES = 6, 3  # of the learning rates and the modes, and of the sizes of batches
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
BATCHES = (2, 4, 16, 64)
RATE = 0.1  # in batches of 64, with momentum 0.9; in proportion in smaller ones
LOOKS, LOOKED_AT = (1, 2, 4, 8, 16, 32, 64, 128), 128  # after so many steps both modes are compared, on so many images
LEARNED = 0.5 * math.log(10)  # half the loss of guessing among ten classes


@dataclass(frozen=True)
class Course:
    """Where a run ended: the mean training loss of its last epoch and the error on held-out images; NaN if it diverged."""

    loss: float
    error: float

    def __str__(self) -> str:
        return "diverged" if math.isnan(self.loss) else f"{self.loss:.3f}"


class BothModes(Callback):
    """The loss on the same images in training and in evaluation mode, after some of the steps. Nothing is learned from it."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels
        self.losses: dict[int, tuple[float, float]] = {}

    def on_step(self, trainer: Trainer, metrics: Metrics) -> None:  # noqa: ARG002 - called like every callback
        if trainer.steps in LOOKS:
            self.losses[trainer.steps] = both_losses(trainer.model, self.images, self.labels)


def both_losses(net: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """The loss in training mode and in evaluation mode. The running statistics are afterwards as they were."""
    before = net.state_dict()
    with no_grad():
        training = cross_entropy(net(images), labels).item()
        net.load_state_dict(before)
        with evaluating(net):
            return training, cross_entropy(net(images), labels).item()


def small_vgg(norm: str, images: SmallSet) -> nn.Sequential:
    """3x3 convolutions as in VGG, each followed by the norm (one of `NORMS`) and a ReLU; a maximum over 2x2 pixels between stages.

    Example:
        >>> from pathlib import Path
        >>> images = small_set(Settings(Path()), train=4, test=4, size=16)
        >>> small_vgg("group norm", images)(Tensor(images.test.arrays[0])).shape
        (4, 10)
    """
    layers: list[nn.Module] = []
    channels = images.channels
    for stage in range(STAGES):
        for _ in range(CONVOLUTIONS):
            out = WIDTH * 2**stage
            layers += [nn.Conv2d(channels, out, 3, padding=1), *NORMS[norm](out), nn.ReLU()]
            channels = out
        layers.append(nn.MaxPool2d(2) if stage < STAGES - 1 else nn.GlobalAvgPool2d())
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels, images.classes))


def run(settings: Settings) -> Report:
    """All three parts; `full` makes the runs ten times as long."""
    images = small_set(settings, IMAGES, HELD_OUT, SIZE)
    longer = 10 if settings.full else 1

    def course(norm: str, batch: int, lr: float, epochs: int, momentum: float = 0.0) -> Course:
        manual_seed(settings.seed)
        found = train(small_vgg(norm, images), images, batch, lr, momentum, epochs * longer, settings.seed)
        settings.say(f"{norm}, batches of {batch}, rate {lr:g}: {found}")
        return found

    manual_seed(settings.seed)
    looks = BothModes(*next(iter(images.batches(LOOKED_AT, settings.seed + 1))))
    net = small_vgg("batch norm", images)
    train(net, images, BATCH, RATE, 0.9, EPOCHS * longer, settings.seed, [looks])
    rates = {norm: {lr: course(norm, BATCH, lr, EPOCHS) for lr in RATES} for norm in ("none", "batch norm")}
    batches = {
        norm: {n: course(norm, n, RATE * n / BATCH, EPOCHS_OF_BATCHES, 0.9) for n in BATCHES} for norm in ("batch norm", "group norm")
    }
    _draw(looks.losses, rates, batches, settings)
    data = {"loss in training and evaluation mode, by step": looks.losses, "rates": _plain(rates), "batches": _plain(batches)}
    return Report(
        ["", *NORMS],
        [
            *([f"training loss at the rate {lr:g}", *(str(rates[norm][lr]) if norm in rates else "" for norm in NORMS)] for lr in RATES),
            *([f"training loss in batches of {n}", *(str(batches[norm][n]) if norm in batches else "" for norm in NORMS)] for n in BATCHES),
            *([f"test error in batches of {n}", *(f"{100 * batches[norm][n].error:.1f} %" if norm in batches else "" for norm in NORMS)] for n in BATCHES),
            *([f"evaluation : training mode, step {step}", "", f"{b:.3f} : {a:.3f}", ""] for step, (a, b) in looks.losses.items()),
        ],
        [*_modes(looks.losses, net, images), *_higher_rates(rates), *_small_batches(batches)],
        data,
    )


def train(
    net: nn.Module,
    images: SmallSet,
    batch: int,
    lr: float,
    momentum: float,
    epochs: int,
    seed: int,
    callbacks: Sequence[Callback] = (),
) -> Course:
    """Fit a network by SGD with a constant learning rate; what diverges has a course of its own."""
    trainer = Trainer(net, optim.SGD(net.parameters(), lr=lr, momentum=momentum))
    try:
        last = trainer.fit(images.batches(batch, seed), images.held_out(), epochs, callbacks=callbacks)[-1]
    except NonFiniteError:
        return Course(math.nan, math.nan)
    return Course(last.train_loss, 1 - last.test_accuracy)


def on_company(net: nn.Module, images: Tensor) -> float:
    """The largest change of the first image's scores when the other half of its batch is left away, in the mode that the network is in.

    The running statistics are afterwards as they were.
    """
    before = net.state_dict()
    with no_grad():
        scores = [net(images[: len(images) // part]).numpy()[0] for part in (1, 2)]
    net.load_state_dict(before)
    return float(np.abs(scores[0] - scores[1]).max())


def _modes(losses: Mapping[int, tuple[float, float]], net: nn.Module, images: SmallSet) -> list[Finding]:
    worst = max(losses, key=lambda step: losses[step][1] - losses[step][0])
    last = max(losses)
    some, _ = next(iter(images.held_out()))
    training, evaluation = on_company(net.train(), some), on_company(net.eval(), some)
    return [
        Finding(
            f"the same network on the same images: after {worst} steps the loss is {losses[worst][0]:.2f} in training mode and {losses[worst][1]:.2f} in evaluation "
            f"mode, whose running statistics lag behind; after {last} steps it is {losses[last][0]:.3f} and {losses[last][1]:.3f}",
            losses[worst][1] - losses[worst][0] > 10 * abs(losses[last][1] - losses[last][0]),
        ),
        Finding(
            f"in training mode the scores of an image change by up to {training:.2g} when half of the others leave its batch, in evaluation mode by {evaluation:.1g}",
            training > 1000 * evaluation,
        ),
    ]


def _higher_rates(rates: Mapping[str, Mapping[float, Course]]) -> list[Finding]:
    learned = {norm: [lr for lr, course in of.items() if course.loss < LEARNED] for norm, of in rates.items()}
    without, with_norm = learned["none"], learned["batch norm"]
    highest = {norm: of[RATES[-1]] for norm, of in rates.items()}
    lists = {norm: ", ".join(f"{lr:g}" for lr in found) or "none" for norm, found in learned.items()}
    return [
        Finding(
            f"rates from {RATES[0]:g} to {RATES[-1]:g} that bring the training loss below {LEARNED:.2f}, half that of guessing: {lists['batch norm']} with batch norm, "
            f"{lists['none']} without; the highest is to be ten times as high",
            bool(with_norm) and max(with_norm) >= 9.99 * max(without, default=RATES[0]),
        ),
        Finding(
            f"training loss at the rate {RATES[-1]:g}: {highest['batch norm']} with batch norm, {highest['none']} without; guessing has {math.log(10):.3f}",
            highest["batch norm"].loss < LEARNED and not highest["none"].loss < LEARNED,  # what diverged has NaN, which is not less
        ),
    ]


def _small_batches(batches: Mapping[str, Mapping[int, Course]]) -> list[Finding]:
    smallest, largest = min(BATCHES), max(BATCHES)
    (b2, b64), (g2, g64) = ([batches[norm][n].loss for n in (smallest, largest)] for norm in ("batch norm", "group norm"))
    return [
        Finding(f"with batch norm the training loss grows from {b64:.3f} in batches of {largest} to {b2:.3f} in batches of {smallest}", b2 > b64),
        Finding(f"with group norm, which knows no batches, it does not: {g64:.3f} and {g2:.3f}", g2 <= g64),
        Finding(f"in batches of {smallest} group norm has the lower one: {g2:.3f} against {b2:.3f}", g2 < b2),
    ]


def _plain(courses: Mapping[str, Mapping[Any, Course]]) -> dict[str, Any]:
    """For JSON, which has no NaN."""
    return {
        norm: {key: None if math.isnan(course.loss) else {"loss": course.loss, "error": course.error} for key, course in of.items()}
        for norm, of in courses.items()
    }


def _draw(
    losses: Mapping[int, tuple[float, float]],
    rates: Mapping[str, Mapping[float, Course]],
    batches: Mapping[str, Mapping[int, Course]],
    settings: Settings,
) -> None:
    steps = list(losses)
    modes = {
        "training mode": Line(steps, [losses[step][0] for step in steps], 0),
        "evaluation mode": Line(steps, [losses[step][1] for step in steps], 1),
    }
    colours = dict(zip(NORMS, range(len(NORMS)), strict=True))
    by_rate = {norm: Line(list(of), [course.loss for course in of.values()], colours[norm]) for norm, of in rates.items()}
    by_batch = {norm: Line(list(of), [course.loss for course in of.values()], colours[norm]) for norm, of in batches.items()}
    panels = [
        Panel("two modes", "steps", "loss on the same images", modes, log="xy"),
        Panel("learning rates (a gap: diverged)", "learning rate", "training loss", by_rate, log="x"),
        Panel("small batches", "images in a batch", "training loss", by_batch, log="x"),
    ]
    draw_panels(panels, settings.out / "batch-norm.png")
