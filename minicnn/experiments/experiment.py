"""What all experiments share: their settings, what they report, and where it is written."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minicnn.errors import ArgumentError, nearest
from minicnn.io.atomic import write_atomically

EXPERIMENTS: dict[str, str] = {  # name: the claim; `minicnn/experiments/NAME.py` has the function `run`
    "localise": "one network says what the figure is and where: mean IoU above 0.8, class accuracy above 95 %",
    "detect": "a small Fast R-CNN finds several figures in a picture; RoI align places boxes better than RoI pool",
    "degradation": "a deeper plain network is worse even on its training images, a deeper residual network is not",
    "batch-norm": "batch norm: what differs between training and evaluation, higher learning rates, and too small batches",
    "auxiliary": "GoogLeNet's auxiliary classifiers bring larger gradients to the first layers",
    "dropout": "dropout closes the gap between training and test error; evaluation is like an average over many networks",
    "lrn": "what local response normalisation costs in time and memory, and whether it helps",
    "filters": "three 3x3 filters see what one 7x7 sees, with fewer weights and more non-linearities",
    "scaling": "a network is best made deeper, wider, and given larger images, all three at once",
    "nas": "a controller that learns by REINFORCE proposes better networks than random search",
    "cells": "cells that a search finds on small images are good, enlarged, on larger ones",
    "pretraining": "training from scratch catches up with pretraining, if there are images enough, but takes longer",
    "caption": "a network that sees and a recurrent one that speaks describe pictures in words",
}

DRAWN: dict[str, str] = {  # name: what the experiment needs that a dataset of pictures and classes does not have
    "localise": "pictures with boxes",
    "detect": "pictures with boxes",
    "scaling": "the same pictures in several sizes",
    "caption": "pictures with captions",
}


@dataclass(frozen=True)
class Settings:
    """How an experiment is to be done.

    Attributes:
        full: at the scale of the paper, which takes hours on a GPU; otherwise at one that takes minutes on two processor cores.
        seed: of everything that is drawn.
        out: folder for the picture and the figures.
        dataset: name or folder of images for those that can do with any; None for the experiment's own.
        say: told in a line what is done at the moment.
    """

    out: Path
    full: bool = False
    seed: int = 0
    dataset: str | None = None
    say: Callable[[str], None] = print

    def record(self, name: str) -> Path | None:
        """Folder in which a search keeps what it has sampled: one of days goes on after a break. None where it takes minutes, and begins anew."""
        return self.out / name if self.full else None


@dataclass(frozen=True)
class Finding:
    """A sentence with its figures, and whether it came out as claimed; None if the figures cannot tell: it is undecided."""

    sentence: str
    holds: bool | None

    @property
    def verdict(self) -> str:
        """In words."""
        return "undecided" if self.holds is None else "holds" if self.holds else "does not hold"


@dataclass(frozen=True)
class Report:
    """What came out.

    Attributes:
        columns, rows: the table.
        findings: what the lecture claims, each held against the table.
        data: all figures behind the picture, as plain values.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    findings: Sequence[Finding]
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Did nothing come out otherwise than claimed?"""
        return all(finding.holds is not False for finding in self.findings)


def run_experiment(name: str, settings: Settings) -> Report:
    """Run an experiment, and write NAME.json and NAME.png (if matplotlib is installed) into `settings.out`.

    Raises:
        ArgumentError: there is no such experiment, or the folder cannot be made; or a dataset is named, and the experiment draws its pictures itself.
        CheckpointError: a file cannot be written.
    """
    if name not in EXPERIMENTS:
        raise ArgumentError(f"unknown experiment {name!r}: {nearest(name, EXPERIMENTS)}")
    if settings.dataset is not None and name in DRAWN:
        raise ArgumentError(f"{name} needs {DRAWN[name]}, and draws them itself: leave out the dataset")
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"the folder {settings.out} cannot be made: {error.strerror}") from None
    module = importlib.import_module(f"minicnn.experiments.{name.replace('-', '_')}")
    report: Report = module.run(settings)
    kept = {"experiment": name, "full": settings.full, "seed": settings.seed, "dataset": settings.dataset, **dataclasses.asdict(report)}
    kept["findings"] = [{**dataclasses.asdict(finding), "verdict": finding.verdict} for finding in report.findings]
    write_atomically(settings.out / f"{name}.json", "report", [json.dumps(kept, indent=1).encode()])
    return report
