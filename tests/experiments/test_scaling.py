"""Compound scaling: forms that cost what they shall, the same figures at every size, and the experiment runs."""

import numpy as np
import pytest

from minicnn.backend import use_backend
from minicnn.data.transforms import resize
from minicnn.experiments import Settings, run_experiment, scaling
from minicnn.experiments.figures import figure_set
from minicnn.experiments.over_seeds import Plan, Values
from minicnn.experiments.scaling import (
    BASE,
    COMPOUND,
    DEPTH,
    SIDE,
    WIDTH,
    Form,
    Point,
    Scale,
    closest,
    compound,
    one_dimension,
)

BASELINE = Form(3, 8, 8)


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


def test_the_cost_of_a_form_is_that_of_its_convolutions():
    start, pixels = 27 * 4 * 64, (64, 16, 4)
    stages = 2 * 9 * 4 * 4 * pixels[0] + (9 + 1) * 4 * 8 * pixels[1] + 9 * 8 * 8 * pixels[1] + (9 + 1) * 8 * 16 * pixels[2] + 9 * 16 * 16 * pixels[2]
    assert Form(3, 4, 8).macs() == start + stages + 16 * 10


@pytest.mark.parametrize("budget", [2, 4])
@pytest.mark.parametrize(("kind", "field"), [(DEPTH, "blocks"), (WIDTH, "width"), (SIDE, "side")])
def test_one_dimension_grows_alone_and_to_the_budget(kind, field, budget):
    form = one_dimension(BASELINE, kind, budget)
    assert [name for name in vars(form) if getattr(form, name) != getattr(BASELINE, name)] == [field]
    assert form.macs() == pytest.approx(budget * BASELINE.macs(), rel=0.13)


def test_compound_grows_all_three_by_their_ratios_and_to_the_budget():
    form = compound(BASELINE, 1.3, 1.15, 4)
    assert (form.blocks, form.side) == (5, 11)  # 3 * 1.3², 8 * 1.15²
    assert form.width > BASELINE.width
    assert form.macs() == pytest.approx(4 * BASELINE.macs(), rel=0.13)


def test_the_closest_is_the_nearer_of_those_below_and_above():
    forms = [Form(3, w, 8) for w in (2, 4, 6)]
    below, _, above = (form.macs() for form in forms)
    assert [closest(forms, macs).width for macs in (1, below + 1, above - 1, 10 * above)] == [2, 2, 6, 6]


def test_a_figure_is_the_same_at_every_size():
    small, large = (figure_set(6, 1, side, seed=1).train for side in (8, 16))
    assert (small.arrays[1] == large.arrays[1]).all()
    assert np.abs(resize(large.arrays[0], (8, 8)) - small.arrays[0]).mean() < 0.25 * np.abs(small.arrays[0]).mean()


def test_the_search_prefers_few_errors(tmp_path, monkeypatch):
    errors = dict(zip(scaling.CANDIDATES, (20.0, 15.0, 30.0, 15.0), strict=True))
    forms = {compound(BASELINE, *candidate, 2): error for candidate, error in errors.items()}
    lab = scaling.Lab(Settings(tmp_path, say=lambda line: None), scaling.MINUTES)
    monkeypatch.setattr(lab, "try_out", forms.get)
    assert len(forms) == 4
    assert [(ranked.candidate, -ranked.reward) for ranked in scaling.search(lab, BASELINE)] == sorted(errors.items(), key=lambda item: item[1])


def point(*errors, macs=2):
    return Point(BASELINE, macs, 1, Values(errors))


def test_compound_must_be_clearly_better_or_clearly_worse_than_the_best_dimension():
    singles = {BASE: {1: point(30.0, 30.0, macs=1)}, DEPTH: {2: point(20.0, 22.0)}, WIDTH: {2: point(25.0, 25.0)}, SIDE: {2: point(30.0, 20.0)}}
    for errors, holds in (((19.0, 21.0), True), ((19.0, 24.0), None), ((24.0, 26.0), False)):
        assert [f.holds for f in scaling._findings({**singles, COMPOUND: {2: point(*errors)}}, [2])] == [True, holds]
    assert not scaling._findings({**singles, COMPOUND: {2: point(20.0, 22.0, macs=3)}}, [2])[0].holds


def test_the_experiment_runs_and_draws_its_own_pictures(tmp_path, monkeypatch):
    tiny = Scale(train=16, test=8, seeds=2, trials=1, plan=Plan(epochs=1, batch=8, lr=0.01), blocks=3, width=3, side=8, budgets=(2,))
    monkeypatch.setattr(scaling, "MINUTES", tiny)
    monkeypatch.setattr(scaling, "CANDIDATES", ((1.3, 1.1), (1.0, 1.2)))
    report = run_experiment("scaling", Settings(tmp_path, say=lambda line: None))
    assert [row[:2] for row in report.rows] == [[BASE, "x1"], [DEPTH, "x2"], [WIDTH, "x2"], [SIDE, "x2"], [COMPOUND, "x2"]]
    assert len(report.data["search"]) == 2
    assert (tmp_path / "scaling.json").stat().st_size > 500
    assert (tmp_path / "scaling.png").stat().st_size > 5000
