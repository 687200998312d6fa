"""Cells that are enlarged: verdicts follow from the figures, and the experiment runs."""

import pytest

from minicnn.backend import use_backend
from minicnn.experiments import Settings, cells, run_experiment
from minicnn.experiments.cells import DRAWN, Enlarged, Large, Scale
from minicnn.search import Child, Found, Plan, Sample


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


def enlarged(reward, accuracy, searched=True):
    """A search whose rewards are `reward` in the last half, and the accuracy of its winner, enlarged."""
    samples = tuple(Sample((), f"net {i}", 0.1 if i < 4 else reward) for i in range(8))
    return Enlarged(Found(samples) if searched else None, "cells", 10, Child(accuracy))


def those(gain, better):
    """Three seeds; evolution and REINFORCE propose cells that are `gain` better, and every winner, enlarged, is `better` than chance."""
    table = {name: [enlarged(0.5 + (gain if name in ("evolution", "reinforce") else 0) + i / 100, 0.6 + better + i / 99) for i in range(3)] for name in cells.STRATEGIES}
    return {**table, DRAWN: [enlarged(0, 0.6 + i / 100, searched=False) for i in range(3)]}


@pytest.mark.parametrize(
    ("gain", "better", "holds"),
    [(0.2, 0.1, [True] * 6), (-0.2, 0.1, [False] * 2 + [True] * 4), (0.2, -0.1, [True] * 2 + [False] * 4), (0.0, 0.0, [None] * 6)],
)
def test_verdicts(gain, better, holds):
    assert [finding.holds for finding in cells._findings(those(gain, better))] == holds


def test_the_gain_is_taken_from_seed_to_seed():
    sentences = [finding.sentence for finding in cells._findings(those(0.2, 0.1))]
    assert sentences[0] == "in the last half of the samples, evolution proposes better cells than random search: 20.0 ± 0.0 points more"
    assert sentences[-1].startswith("what ENAS found on small images is better, enlarged and on other images, than a cell drawn at random: 10.0 ± 0.0 points more")


def test_all_searches_take_as_many_training_steps(tmp_path):
    plan = Plan(space="cells", children=20, batch=4, steps=2, batch_size=8, images=40, blocks=1, filters=4)
    for seed in range(2):
        enas = cells._plan(plan, "enas", seed, Settings(tmp_path)).run(workers=0, say=lambda _: None)
        assert enas.steps == pytest.approx(cells._plan(plan, "random", seed, Settings(tmp_path)).children * plan.steps, rel=0.05)


def test_a_large_network_has_time_for_all_its_steps():
    assert (Large(steps=10).budget.seconds, cells.FULL.large.budget.seconds / cells.FULL.large.steps) == (3600, 12)


def test_figures_are_drawn_for_the_large_networks():
    images = Large(image_size=12, images=6, held_out=4).make_images(3)
    assert (images.shape, len(images.train), len(images.validation), images.classes) == ((3, 12, 12), 6, 4, 10)


@pytest.mark.parametrize("full", [False, True])
def test_the_experiment_runs(tmp_path, monkeypatch, full):
    plan = Plan(space="cells", children=4, batch=2, steps=1, batch_size=8, images=40, blocks=1, filters=4)
    monkeypatch.setattr(cells, "FULL" if full else "MINUTES", Scale(plan, Large("digits", 8, 20, cells=2, filters=6, steps=2), seeds=2, workers=0))
    said = []
    report = run_experiment("cells", Settings(tmp_path, full=full, seed=5, say=said.append))
    assert [row[0] for row in report.rows] == ["drawn at random", "random search", "evolution", "REINFORCE", "ENAS"]
    assert [line.partition(":")[0] for line in said] == [f"seed {seed}, {row[0]}" for seed in (5, 6) for row in report.rows]
    drawn, searched = report.data[DRAWN], report.data["random"]
    for k in range(2):
        assert drawn[k]["string"] == searched[k]["samples"][0]["string"], "a cell that nobody has selected"
        assert searched[k]["string"] in {sample["string"] for sample in searched[k]["samples"]}
    assert all(cell["enlarged"] > cell["parameters"] for found in report.data.values() for cell in found)
    assert [path.name for path in sorted(tmp_path.iterdir()) if path.is_dir()] == ([f"cells-{name}-{seed}" for name in sorted(cells.STRATEGIES) for seed in (5, 6)] if full else [])
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "cells-drawn-at-random.svg", "cells-enas.svg", "cells-evolution.svg", "cells-random.svg", "cells-reinforce.svg", "cells.json", "cells.png",
    ]  # fmt: skip
