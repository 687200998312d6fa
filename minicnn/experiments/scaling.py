"""Deeper, wider, larger images, or all three (Tan & Le 2019, sec. 3): what is the best use of twice and four times the multiply-adds?"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np

from minicnn import nn
from minicnn.analysis import summarize
from minicnn.autograd import Tensor
from minicnn.backend import use_backend
from minicnn.data import ArrayDataset
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.figures import figure_set
from minicnn.experiments.images import SmallSet
from minicnn.experiments.over_seeds import Plan, Values, over_seeds, train
from minicnn.experiments.picture import Line, Panel, draw_panels
from minicnn.models.residual_block import BasicBlock
from minicnn.ops import max_pool2d
from minicnn.search import Ranked, grid_search


@dataclass(frozen=True)
class Scale:
    """How large the experiment is: images, seeds (and `trials` of them in the search), how each network is trained, and the network that is scaled.

    Attributes:
        blocks, width, side: of that network.
        budgets: multiply-adds of the scaled networks, as multiples of its own.
    """

    train: int
    test: int
    seeds: int
    trials: int
    plan: Plan
    blocks: int
    width: int
    side: int
    budgets: tuple[int, ...] = (2, 4)


MINUTES = Scale(train=800, test=500, seeds=3, trials=2, plan=Plan(epochs=10, batch=40, lr=0.1, decay=5e-4), blocks=3, width=6, side=12)
FULL = Scale(train=20_000, test=5_000, seeds=3, trials=2, plan=Plan(epochs=30, batch=64, lr=0.05, decay=1e-4), blocks=10, width=16, side=24)

CANDIDATES = ((1.3, 1.0), (1.0, 1.15), (1.3, 1.15), (1.0, 1.25))  # alpha, of depth, and gamma, of the image's side
BASE, DEPTH, WIDTH, SIDE, COMPOUND = "baseline", "depth", "width", "resolution", "compound"


@dataclass(frozen=True)
class Form:
    """How a network is scaled.

    Attributes:
        blocks: residual blocks of two 3x3 convolutions, over all three stages.
        width: channels of the first stage; the next have two and four times as many.
        side: height and width of the image.
    """

    blocks: int
    width: int
    side: int

    def build(self) -> Scalable:
        """The network, with random weights."""
        return Scalable(self.blocks, self.width)

    def macs(self) -> int:
        """Multiply-adds for an image."""
        return _macs(self)

    def __str__(self) -> str:
        return f"{self.blocks} blocks, {self.width} channels, {self.side}x{self.side}"


@cache
def _macs(form: Form) -> int:
    with use_backend("meta"):
        return summarize(form.build(), (3, form.side, form.side)).macs


class Halve(nn.Module):
    """The largest of each 2x2 pixels; of an odd number of rows or columns the last is left out."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H // 2, W // 2)."""
        H, W = x.shape[2:]
        return max_pool2d(x[:, :, : H // 2 * 2, : W // 2 * 2], 2)


class Scalable(nn.Module):
    """A small residual network of any depth and width: a convolution, three stages of half the side each, a global average, a linear layer.

    Args:
        blocks: in all; if three do not divide it, the later stages have one more.
        width: channels of the first stage.

    Example:
        >>> [len(stage) for stage in Scalable(blocks=5, width=8).stages.children()]
        [1, 3, 3]
    """

    def __init__(self, blocks: int, width: int, classes: int = 10) -> None:
        super().__init__()
        self.start = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        stages, channels = [], width
        for i in range(3):
            stage: list[nn.Module] = [Halve()] if i else []
            for _ in range((blocks + i) // 3):
                stage.append(BasicBlock(channels, width * 2**i))
                channels = width * 2**i
            stages.append(nn.Sequential(*stage))
        self.stages = nn.Sequential(*stages)
        self.end = nn.Sequential(nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(channels, classes))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to scores (N, classes)."""
        return self.end(self.stages(self.start(x)))


def closest(forms: Iterable[Form], macs: int) -> Form:
    """Of forms that cost more and more, the one whose cost is nearest to a budget."""
    before = None
    for form in forms:
        if form.macs() >= macs:
            break
        before = form
    return form if before is None or form.macs() - macs <= macs - before.macs() else before


def one_dimension(base: Form, kind: str, budget: int) -> Form:
    """`base` made deeper, wider, or for larger images, to cost `budget` times as much, and nothing else changed."""
    field = {DEPTH: "blocks", WIDTH: "width", SIDE: "side"}[kind]
    return closest((replace(base, **{field: size}) for size in itertools.count(getattr(base, field))), budget * base.macs())


def compound(base: Form, alpha: float, gamma: float, budget: int) -> Form:
    """alpha^phi times the blocks, gamma^phi times the side, with phi = log2 of the budget; the width takes what is left of it.

    That is the paper's alpha beta^2 gamma^2 = 2, solved for beta, with all three numbers rounded to what can be built.
    """
    phi = math.log2(budget)
    blocks, side = round(base.blocks * alpha**phi), round(base.side * gamma**phi)
    return closest((Form(blocks, width, side) for width in itertools.count(base.width)), budget * base.macs())


@dataclass(frozen=True)
class Point:
    """A network of the picture: its form, cost, parameters, and errors in %, one for each seed."""

    form: Form
    macs: int
    parameters: int
    errors: Values


class Lab:
    """Trains networks of any form on pictures of its size, which are drawn once."""

    def __init__(self, settings: Settings, scale: Scale) -> None:
        self.settings, self.scale = settings, scale
        self.images: dict[int, SmallSet] = {}

    def draw(self, side: int) -> SmallSet:
        """The pictures of a size; at every size they show the same scenes."""
        if side not in self.images:
            self.images[side] = figure_set(self.scale.train, self.scale.test, side, self.settings.seed)
        return self.images[side]

    def try_out(self, form: Form) -> float:
        """Error in %, over `trials` seeds, on a quarter of the training images after training on the rest: the test images choose nothing."""
        drawn = self.draw(form.side)
        rest, aside = (ArrayDataset(*arrays) for arrays in zip(*(np.split(a, [3 * len(a) // 4]) for a in drawn.train.arrays), strict=True))
        images = replace(drawn, train=rest, test=aside)
        return self._errors(form, images, self.scale.trials).mean

    def measure(self, form: Form) -> Point:
        """The point of a form in the picture."""
        parameters = sum(p.size for p in form.build().parameters())
        return Point(form, form.macs(), parameters, self._errors(form, self.draw(form.side), self.scale.seeds))

    def _errors(self, form: Form, images: SmallSet, seeds: int) -> Values:
        first = self.settings.seed
        return over_seeds([train(form.build, images, self.scale.plan, seed) for seed in range(first, first + seeds)], "test_error")


def search(lab: Lab, base: Form) -> list[Ranked[tuple[float, float]]]:
    """The candidates for alpha and gamma, ranked by their errors at twice the cost: the fewer, the better."""

    def reward(candidate: tuple[float, float]) -> float:
        alpha, gamma = candidate
        form = compound(base, alpha, gamma, 2)
        error = lab.try_out(form)
        lab.settings.say(f"search: alpha {alpha:g}, gamma {gamma:g}: {form}: {error:.1f} % errors")
        return -error

    return grid_search(CANDIDATES, reward)


def run(settings: Settings) -> Report:
    """Search for the ratios at twice the cost, then scale the baseline in all four ways to each budget."""
    scale = FULL if settings.full else MINUTES
    lab, base = Lab(settings, scale), Form(scale.blocks, scale.width, scale.side)
    ranking = search(lab, base)
    alpha, gamma = ranking[0].candidate
    points = {BASE: {1: lab.measure(base)}}
    for budget in scale.budgets:
        forms = {kind: one_dimension(base, kind, budget) for kind in (DEPTH, WIDTH, SIDE)}
        for kind, form in {**forms, COMPOUND: compound(base, alpha, gamma, budget)}.items():
            settings.say(f"{kind} x{budget}: {form}")
            points.setdefault(kind, {})[budget] = lab.measure(form)
    _draw(points, settings.out / "scaling.png")
    rows = [
        [kind, f"x{budget}", p.form, f"{p.macs / 1e6:.2f}", f"{p.parameters:,}", p.errors]
        for kind, of_kind in points.items()
        for budget, p in of_kind.items()
    ]
    return Report(
        ["scaled", "cost", "network", "million multiply-adds", "parameters", "test error %"],
        rows,
        _findings(points, scale.budgets),
        {
            "search": [{"alpha": alpha, "gamma": gamma, "error": -reward} for (alpha, gamma), reward in ranking],
            "points": [{"scaled": k, "budget": b, **dataclasses.asdict(p)} for k, of_kind in points.items() for b, p in of_kind.items()],
        },
    )


Points: TypeAlias = Mapping[str, Mapping[int, Point]]
"""By kind of scaling and budget."""


def _findings(points: Points, budgets: Sequence[int]) -> list[Finding]:
    found = []
    for budget in budgets:
        ours = points[COMPOUND][budget]
        singles = {kind: points[kind][budget] for kind in (DEPTH, WIDTH, SIDE)}
        macs = [p.macs / points[BASE][1].macs for p in (ours, *singles.values())]
        found.append(Finding(f"all four cost {min(macs):.2f} to {max(macs):.2f} times the baseline where {budget} is meant", max(macs) < 1.25 * min(macs)))
        best = min(singles, key=lambda kind: singles[kind].errors.mean)
        fewer = singles[best].errors.minus(ours.errors)
        sentence = (
            f"at x{budget} compound scaling is better than the best single dimension, {best}: "
            f"{ours.errors} % errors against {singles[best].errors} %, from seed to seed {fewer} points fewer"
        )
        found.append(Finding(sentence, fewer.is_above_zero()))
    return found


def _draw(points: Points, path: Path) -> None:
    """Errors over multiply-adds: on the left the means of each kind, on the right each seed."""
    means, seeds = {}, {}
    for i, kind in enumerate((DEPTH, WIDTH, SIDE, COMPOUND)):
        on_it = [points[BASE][1], *points[kind].values()]
        means[kind] = Line([p.macs / 1e6 for p in on_it], [p.errors.mean for p in on_it], i, "o-")
        each = [(p.macs / 1e6, error) for p in on_it for error in p.errors.each]
        seeds[kind] = Line([x for x, _ in each], [y for _, y in each], i, "o")
    labels = "million multiply-adds for an image", "test error (%)"
    draw_panels([Panel("mean over seeds", *labels, means), Panel("a point a seed", *labels, seeds)], path)
