"""Cells that were found on small images, enlarged for larger ones (Zoph et al. 2018): four ways to search on equal budgets, beside cells drawn at random."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from minicnn.draw import cells
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.figures import figure_set
from minicnn.experiments.nas import trained
from minicnn.experiments.over_seeds import Values, percent
from minicnn.experiments.picture import Line, Panel, draw_panels
from minicnn.search import Budget, Child, Found, Plan, SearchImages, train_child
from minicnn.search.images import final_images
from minicnn.search.loop import trained_by
from minicnn.search.picture import running_mean
from minicnn.search.plan import ENAS

DRAWN = "drawn at random"
STRATEGIES = {"random": "random search", "evolution": "evolution", "reinforce": "REINFORCE", ENAS: "ENAS"}
A_STEP = 12.0  # seconds that a training step may take; those of the full size need about one on one thread
NAMES = {DRAWN: DRAWN, **STRATEGIES}


@dataclass(frozen=True)
class Large:
    """What a cell is enlarged for: larger images, of other things; more cells and more filters.

    Attributes:
        dataset: to train on, and its test images to judge by; None for drawn figures.
        image_size, images, held_out: height and width, and how many there are; all test images of a dataset are held out.
        cells, filters: of the network.
        steps: that it is trained for.
    """

    dataset: str | None = None
    image_size: int = 16
    images: int = 1200
    held_out: int = 600
    cells: int = 2
    filters: int = 12
    steps: int = 300

    def make_images(self, seed: int) -> SearchImages:
        """To train on, and to judge by; figures are drawn by the seed."""
        if self.dataset is not None:
            return final_images(self.dataset, size=self.image_size, count=self.images)
        figures = figure_set(self.images, self.held_out, self.image_size, seed)
        return SearchImages("figures", figures.train, figures.test, figures.classes)

    @property
    def budget(self) -> Budget:
        """How a network is trained."""
        return Budget(self.steps, sizes={"cells": self.cells, "filters": self.filters}, seconds=max(3600.0, A_STEP * self.steps))


@dataclass(frozen=True)
class Scale:
    """How large the experiment is: the plan of every search, without strategy and seed; what cells are enlarged for; how many seeds."""

    plan: Plan
    large: Large = field(default_factory=Large)
    seeds: int = 3
    workers: int = max(1, min(8, os.cpu_count() or 1))


MINUTES = Scale(Plan(space="cells", children=40, steps=30))
FULL = Scale(
    Plan(space="cells", dataset="cifar10", images=10_000, blocks=5, cells=2, filters=16, children=500, steps=600),
    Large("cifar100", 32, 50_000, cells=4, filters=32, steps=20_000),
)
FOR_FINALISTS = 1.25  # what ENAS spends in all, for each step of its children


@dataclass(frozen=True)
class Enlarged:
    """A cell, where it comes from, and what came of it.

    Attributes:
        found: the search; None for a cell that was drawn.
        string: the cell.
        small: number of parameters of the network that was judged in the search.
        large: the enlarged network on the test images of the larger set.
    """

    found: Found | None
    string: str
    small: int
    large: Child


Cells: TypeAlias = Mapping[str, Sequence[Enlarged]]
"""By where they come from, one for each seed."""


def run(settings: Settings) -> Report:
    """Search from each seed in four ways, enlarge the winners, and train them on the larger images."""
    scale = FULL if settings.full else MINUTES
    images = scale.large.make_images(settings.seed)
    those: dict[str, list[Enlarged]] = {name: [] for name in NAMES}
    for seed in range(settings.seed, settings.seed + scale.seeds):
        found = {strategy: _search(scale, strategy, seed, settings) for strategy in STRATEGIES}
        cells_ = {DRAWN: found["random"].samples[0], **{strategy: search.best()[0] for strategy, search in found.items()}}
        train = partial(train_child, images=images, budget=scale.large.budget, seed=seed)
        with trained_by(scale.workers, train, scale.large.budget.seconds, settings.say) as enlarge:
            for (name, small), large in zip(cells_.items(), enlarge([sample.string for sample in cells_.values()]), strict=True):
                those[name].append(Enlarged(found.get(name), small.string, small.parameters, trained(large, small.string)))
                settings.say(f"seed {seed}, {NAMES[name]}: {small.string}: {small.parameters:,} parameters, enlarged {large.parameters:,}; {100 * large.reward:.1f} % of the test images")
    _draw(those, settings.out)
    return Report(
        ["cells", "training steps", "mean reward, last half %", "parameters", "enlarged", "test accuracy, enlarged %"],
        [_row(name, cells_) for name, cells_ in those.items()],
        _findings(those),
        {name: [_plain(cell) for cell in cells_] for name, cells_ in those.items()},
    )


def _search(scale: Scale, strategy: str, seed: int, settings: Settings) -> Found:
    plan = _plan(scale.plan, strategy, seed, settings)
    return plan.run(settings.record(f"cells-{strategy}-{seed}"), workers=scale.workers, say=lambda _: None)


def _plan(plan: Plan, strategy: str, seed: int, settings: Settings) -> Plan:
    """The plan of one search. ENAS trains its finalists from scratch, and so may have fewer children: all searches take as many training steps."""
    children = round(plan.children / FOR_FINALISTS) if strategy == ENAS else plan.children
    return dataclasses.replace(plan, strategy=strategy, seed=seed, children=children, dataset=settings.dataset or plan.dataset)


def _accuracy(those: Cells, name: str) -> Values:
    return percent([cell.large.reward for cell in those[name]])


def _rewards(those: Cells, name: str) -> Values:
    return percent([cell.found.last_half for cell in those[name] if cell.found is not None])


def _row(name: str, those: Sequence[Enlarged]) -> list[object]:
    searches = [cell.found for cell in those if cell.found is not None]
    sizes = [sorted(sizes) for sizes in ([cell.small for cell in those], [cell.large.parameters for cell in those])]
    return [
        NAMES[name],
        f"{sum(found.steps for found in searches) // len(searches):,}" if searches else "none",
        percent([found.last_half for found in searches]) if searches and name != ENAS else "",  # with shared weights a reward is another thing
        *(f"{low:,} to {high:,}" for low, *_, high in sizes),
        percent([cell.large.reward for cell in those]),
    ]


def _findings(those: Cells) -> list[Finding]:
    found = []
    for name in ("evolution", "reinforce"):
        gain = _rewards(those, name).minus(_rewards(those, "random"))
        sentence = f"in the last half of the samples, {NAMES[name]} proposes better cells than random search: {gain} points more"
        found.append(Finding(sentence, gain.is_above_zero()))
    for name in STRATEGIES:
        gain = _accuracy(those, name).minus(_accuracy(those, DRAWN))
        sentence = f"what {NAMES[name]} found on small images is better, enlarged and on other images, than a cell drawn at random: {gain} points more"
        found.append(Finding(sentence, gain.is_above_zero()))
    return found


def _plain(cell: Enlarged) -> dict[str, object]:
    """A cell as plain values."""
    samples = [] if cell.found is None else [{"string": sample.string, "reward": sample.reward, "new": sample.new} for sample in cell.found.samples]
    return {"string": cell.string, "parameters": cell.small, "enlarged": cell.large.parameters, "test_accuracy": cell.large.reward, "samples": samples}


def _draw(those: Cells, out: Path) -> None:
    """On the left the running means of the rewards, on the right the enlarged networks, a point a seed; and the cells of the first seed as drawings of their own."""
    means, points = {}, {}
    for i, (name, found) in enumerate(those.items()):
        points[NAMES[name]] = Line([float(i)] * len(found), [100 * cell.large.reward for cell in found], i, "o")
        for k, cell in enumerate(found):
            if cell.found is not None and name != ENAS:
                mean = list(running_mean([sample.reward for sample in cell.found.samples]))
                means[NAMES[name] if not k else f"_{name} {k}"] = Line(list(range(1, len(mean) + 1)), mean, i, "-")
        cells(found[0].string).save(out / f"cells-{name.replace(' ', '-')}.svg")
    left = Panel("running means of 16, all seeds", "sample", "reward: accuracy on validation images", means)
    draw_panels([left, Panel("enlarged, on larger images", "", "test accuracy (%)", points)], out / "cells.png")
