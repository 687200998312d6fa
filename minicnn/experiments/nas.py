"""A controller that learns by REINFORCE proposes better networks than chance does (Zoph & Le 2017): searches on equal budgets."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from minicnn.errors import DataError
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.over_seeds import Values, percent
from minicnn.experiments.picture import Line, Panel, draw_panels
from minicnn.search import Child, Found, Plan, Sample, train_child
from minicnn.search.loop import trained_by
from minicnn.search.picture import running_mean

STRATEGIES = {"random": "random search", "reinforce": "REINFORCE", "evolution": "evolution"}


@dataclass(frozen=True)
class Scale:
    """How large the experiment is.

    Attributes:
        plan: of every search, without strategy and seed.
        seeds: searches of each strategy.
        final_steps: training steps of each winner, on all training images, before the test images judge it.
        workers: processes that train.
    """

    plan: Plan
    seeds: int
    final_steps: int
    workers: int = max(1, min(8, os.cpu_count() or 1))


MINUTES = Scale(Plan(children=96), seeds=3, final_steps=400)
FULL = Scale(Plan(dataset="cifar10", images=20_000, children=1000, layers=8, steps=600), seeds=3, final_steps=10_000)


@dataclass(frozen=True)
class Searched:
    """A search, and what came of its winner on the test images."""

    found: Found
    winner: Sample
    final: Child


Searches: TypeAlias = Mapping[str, Sequence[Searched]]
"""By strategy, one for each seed."""


def run(settings: Settings) -> Report:
    """Search with each strategy from each seed, train the winners for longer, and compare."""
    scale = FULL if settings.full else MINUTES
    searches: dict[str, list[Searched]] = {name: [] for name in STRATEGIES}
    for seed in range(settings.seed, settings.seed + scale.seeds):
        for strategy in STRATEGIES:
            plan = dataclasses.replace(scale.plan, strategy=strategy, seed=seed, dataset=settings.dataset or scale.plan.dataset)
            searches[strategy].append(_search(plan, scale, settings))
    _draw(searches, settings.out / "nas.png")
    return Report(
        ["strategy", "networks trained", "first quarter %", "last half %", "best %", "winner's parameters", "winner's test accuracy %"],
        [_row(name, those) for name, those in searches.items()],
        _findings(searches),
        {name: [_plain(search) for search in those] for name, those in searches.items()},
    )


def _search(plan: Plan, scale: Scale, settings: Settings) -> Searched:
    """A search, and the winner trained anew; the test images are looked at when all is decided."""
    found = plan.run(settings.record(f"nas-{plan.strategy}-{plan.seed}"), workers=scale.workers, say=lambda _: None)
    winner = found.best()[0]
    budget = dataclasses.replace(plan.budget, steps=scale.final_steps, seconds=100 * plan.seconds)
    train = partial(train_child, images=plan.make_final_images(), budget=budget, seed=plan.seed)
    with trained_by(min(1, scale.workers), train, budget.seconds, settings.say) as from_scratch:
        (final,) = from_scratch([winner.string])
    settings.say(
        f"{STRATEGIES[plan.strategy]}, seed {plan.seed}: mean reward of the first quarter {found.first_quarter:.3f}, of the last {found.last_quarter:.3f}; "
        f"best {winner.reward:.3f}, {winner.string}; on the test images {final.reward:.3f}"
    )
    return Searched(found, winner, trained(final, winner.string))


def trained(child: Child, string: str) -> Child:
    """The child of a string, whose accuracy is a figure of the experiment.

    Raises:
        DataError: it failed, and its accuracy would say nothing.
    """
    if child.error is not None:
        raise DataError(f"the winner {string!r} could not be trained for longer: {child.error}")
    return child


def _of_founds(those: Sequence[Searched], name: str) -> Values:
    """An attribute of the searches, in %."""
    return percent([getattr(search.found, name) for search in those])


def _row(name: str, those: Sequence[Searched]) -> list[object]:
    trained = sum(search.found.new for search in those) / len(those)
    parameters = sorted(search.winner.parameters for search in those)
    return [
        STRATEGIES[name],
        f"{trained:.0f} of {len(those[0].found.samples)}",
        _of_founds(those, "first_quarter"),
        _of_founds(those, "last_half"),
        percent([search.winner.reward for search in those]),
        f"{parameters[0]:,} to {parameters[-1]:,}",
        percent([search.final.reward for search in those]),
    ]


def _findings(searches: Searches) -> list[Finding]:
    half = {name: _of_founds(those, "last_half") for name, those in searches.items()}
    rise = {name: _of_founds(those, "last_quarter").minus(_of_founds(those, "first_quarter")) for name, those in searches.items()}
    final = {name: percent([search.final.reward for search in those]) for name, those in searches.items()}
    found = []
    for name in ("reinforce", "evolution"):
        gain = half[name].minus(half["random"])
        sentence = f"in the last half of the samples, {STRATEGIES[name]} proposes better networks than random search: rewards of {half[name]} % against {half['random']} %, {gain} points more"
        found.append(Finding(sentence, gain.is_above_zero()))
    found.append(Finding(f"REINFORCE learns: from the first to the last quarter of its samples, the mean reward rises by {rise['reinforce']} points", rise["reinforce"].is_above_zero()))
    found.append(Finding(f"random search learns nothing: there, the change is {rise['random']} points", not rise["random"].is_clear()))
    gain = final["reinforce"].minus(final["random"])
    sentence = f"REINFORCE's winner, trained for longer, is better on the test images than random search's: {final['reinforce']} % against {final['random']} %, {gain} points more"
    found.append(Finding(sentence, gain.is_above_zero()))
    return found


def _plain(search: Searched) -> dict[str, object]:
    """A search as plain values."""
    samples = [{"string": sample.string, "reward": sample.reward, "new": sample.new} for sample in search.found.samples]
    return {"samples": samples, "steps": search.found.steps, "seconds": search.found.seconds, "winner": search.winner.string, "test_accuracy": search.final.reward}


def _draw(searches: Searches, path: Path) -> None:
    """On the left the rewards of the first seed, a dot a sample, with running means; on the right the running means of all seeds."""
    dots, means = {}, {}
    for i, (name, those) in enumerate(searches.items()):
        for k, search in enumerate(those):
            rewards = [sample.reward for sample in search.found.samples]
            x, mean = list(range(1, len(rewards) + 1)), list(running_mean(rewards))
            if not k:
                dots[f"_{name}"] = Line(x, rewards, i, ".")
                dots[STRATEGIES[name]] = Line(x, mean, i, "-")
            means[STRATEGIES[name] if not k else f"_{name} {k}"] = Line(x, mean, i, "-")
    labels = "sample", "reward: accuracy on validation images"
    draw_panels([Panel("one search each, with running means", *labels, dots), Panel("running means of all seeds", *labels, means)], path)
