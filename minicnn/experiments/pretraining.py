"""Pretraining saves steps; with enough images, training from scratch ends where it does (He, Girshick & Dollar 2018, "Rethinking ImageNet pre-training")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minicnn import models, optim
from minicnn.backend import manual_seed
from minicnn.data import ArrayDataset, DataLoader, Dataset, Shapes, of_each_class
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.figures import figure_set
from minicnn.experiments.picture import Line, Panel, draw_panels
from minicnn.nn import Module
from minicnn.train import Epoch, Trainer
from minicnn.train.datasets import load_dataset
from minicnn.transfer import replace_head

BATCH = 32
LR = 0.05  # in all runs
DROP_AFTER = 0.75  # of a run; then the rate is a tenth
LONGER = 1.5  # times as many epochs
CLOSE = 0.03  # accuracies that differ by less count as about equal


@dataclass(frozen=True)
class Scale:
    """How much is computed: images of each class and passes over them."""

    size: int
    depth: int
    width: int
    source: int
    source_epochs: int
    enough: int
    enough_epochs: int
    few: int
    few_epochs: int
    draws: int  # of few images, for whose accuracies the mean is taken
    held_out: int


SMALL = Scale(size=24, depth=8, width=8, source=1000, source_epochs=12, enough=200, enough_epochs=24, few=5, few_epochs=60, draws=5, held_out=200)
FULL = Scale(size=32, depth=20, width=16, source=5000, source_epochs=60, enough=4000, enough_epochs=100, few=20, few_epochs=400, draws=5, held_out=1000)


@dataclass(frozen=True)
class Task:
    """Some classes of a dataset: their images to train on and those held out."""

    train: Dataset
    test: Dataset
    classes: int


def run(settings: Settings) -> Report:
    """Pretrain on half of the classes; train on the other half from there and from scratch, with enough images and with few."""
    scale = FULL if settings.full else SMALL
    source, target = tasks(settings, scale)
    manual_seed(settings.seed)
    body = _network(source, scale)
    learned = _fit(body, source, scale.source_epochs, settings.seed)
    settings.say(f"pretrained on {source.classes} classes: test accuracy {learned[-1].test_accuracy:.3f}")
    accuracies = {}
    for data, count, epochs, draws in (("enough", scale.enough, scale.enough_epochs, 1), ("few", scale.few, scale.few_epochs, scale.draws)):
        for start in ("pretrained", "from scratch"):
            starts = body if start == "pretrained" else None
            courses = [_course(starts, source, target, count, epochs, settings.seed + draw, scale) for draw in range(draws)]
            accuracies[f"{data}, {start}"] = np.mean(courses, axis=0).tolist()
            settings.say(f"{count} images of each class, {start}: test accuracy {accuracies[f'{data}, {start}'][-1]:.3f}")
    return _report(settings, scale, accuracies)


def _course(body: Module | None, source: Task, target: Task, count: int, epochs: int, seed: int, scale: Scale) -> list[float]:
    """Test accuracies by epoch of a network that starts from a pretrained one, or from random weights, on so many images of each class."""
    task = Task(of_each_class(target.train, count, seed), target.test, target.classes)
    manual_seed(seed + 1)
    net = _network(source, scale)  # which may have other classes, and another number of them
    if body is not None:
        net.load_state_dict(body.state_dict())
    replace_head(net, task.classes, _image(task))
    return [epoch.test_accuracy for epoch in _fit(net, task, epochs, seed)]


def tasks(settings: Settings, scale: Scale) -> tuple[Task, Task]:
    """Two tasks that share no class: the first half of the classes of a dataset, and the others."""
    train, test, classes = _images(settings, scale)
    half = classes // 2
    return tuple(Task(_of(train, labels), _of(test, labels), len(labels)) for labels in (range(half), range(half, classes)))  # type: ignore[return-value]


def _images(settings: Settings, scale: Scale) -> tuple[ArrayDataset, ArrayDataset, int]:
    """All images, prepared."""
    if settings.dataset is None:
        drawn = figure_set(scale.source * len(Shapes.classes), scale.held_out * len(Shapes.classes), scale.size, settings.seed)
        return drawn.train, drawn.test, drawn.classes
    sized = scale.size if Path(settings.dataset).exists() else None
    images = load_dataset(settings.dataset, size=sized)
    some = of_each_class(images.train, scale.source, settings.seed), of_each_class(images.test, scale.held_out, settings.seed)
    return _prepared(some[0], images.prepare), _prepared(some[1], images.prepare), len(images.classes)


def _prepared(dataset: Dataset, prepare: object) -> ArrayDataset:
    batches = [(x.numpy(), y.numpy()) for x, y in DataLoader(dataset, 100, transform=prepare)]  # type: ignore[arg-type]
    return ArrayDataset(*(np.concatenate(arrays) for arrays in zip(*batches, strict=True)))


def _of(dataset: ArrayDataset, classes: range) -> ArrayDataset:
    """The images of some classes, which are numbered anew from 0."""
    images, labels = dataset.arrays
    chosen = np.isin(labels, list(classes))
    return ArrayDataset(images[chosen], labels[chosen] - classes.start)


def _image(task: Task) -> tuple[int, int, int]:
    C, H, W = task.train[0][0].shape
    return C, H, W


def _network(task: Task, scale: Scale) -> Module:
    return models.ResNetCIFAR(scale.depth, num_classes=task.classes, in_channels=_image(task)[0], width=scale.width)


def _fit(net: Module, task: Task, epochs: int, seed: int) -> list[Epoch]:
    train = DataLoader(task.train, BATCH, shuffle=True, seed=seed)
    optimizer = optim.SGD(net.parameters(), lr=LR, momentum=0.9, weight_decay=1e-3)
    schedule = optim.MultiStepLR(optimizer, [round(DROP_AFTER * epochs) * len(train)])
    return Trainer(net, optimizer, schedule).fit(train, DataLoader(task.test, 250), epochs)


def epochs_to(course: Sequence[float], accuracy: float) -> int | None:
    """The first epoch after which so many held-out images are right; None if there is none."""
    return next((epoch for epoch, reached in enumerate(course, 1) if reached >= accuracy), None)


def _report(settings: Settings, scale: Scale, accuracies: dict[str, list[float]]) -> Report:
    _draw(accuracies, settings)
    last = {name: values[-1] for name, values in accuracies.items()}
    goal = last["enough, pretrained"] - CLOSE
    needed = {start: epochs_to(accuracies[f"enough, {start}"], goal) for start in ("pretrained", "from scratch")}
    rows = []
    for name, values in accuracies.items():
        data, _, start = name.partition(", ")
        count = scale.enough if data == "enough" else scale.few
        to_goal = (needed[start] or "never") if data == "enough" else ""
        rows.append([count, start, f"{100 * values[0]:.1f} %", f"{100 * values[len(values) // 4 - 1]:.1f} %", f"{100 * values[-1]:.1f} %", to_goal])
    columns = ["images of each class", "start", "after 1 epoch", "after a quarter", "at the end", f"epochs to {100 * goal:.1f} %"]
    first = {start: accuracies[f"enough, {start}"][0] for start in needed}
    gap, few_gap = (last[f"{data}, pretrained"] - last[f"{data}, from scratch"] for data in ("enough", "few"))
    fast, slow = needed["pretrained"], needed["from scratch"]
    findings = [
        Finding(f"pretrained is ahead after one epoch: {first['pretrained']:.1%} against {first['from scratch']:.1%}", first["pretrained"] > first["from scratch"]),
        Finding(f"from scratch ends at about the same accuracy, within {CLOSE:.0%}: {last['enough, from scratch']:.1%} against {last['enough, pretrained']:.1%}", abs(gap) <= CLOSE),
        Finding(
            f"but takes at least {LONGER} times as long to {goal:.1%}: {slow or 'more than all'} epochs against {fast}",
            fast is not None and (slow is None or slow >= LONGER * fast),
        ),
        Finding(
            f"with {scale.few} images of each class it stays behind, on average over {scale.draws} draws: {last['few, from scratch']:.1%} against {last['few, pretrained']:.1%}",
            few_gap > 2 * CLOSE,
        ),
    ]
    return Report(columns, rows, findings, accuracies)


def _draw(accuracies: dict[str, list[float]], settings: Settings) -> None:
    panels = []
    for data in ("enough", "few"):
        lines = {}
        for colour, start in enumerate(("pretrained", "from scratch")):
            values = accuracies[f"{data}, {start}"]
            lines[start] = Line(range(1, len(values) + 1), [100 * value for value in values], colour)
        panels.append(Panel(f"{data} images", "epoch", "held-out accuracy (%)", lines))
    draw_panels(panels, settings.out / "pretraining.png")
