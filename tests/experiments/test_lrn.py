"""Local response normalisation: the networks differ in it alone, and the experiment runs."""

import numpy as np
import pytest

from minicnn import nn
from minicnn.analysis import summarize
from minicnn.autograd import Tensor
from minicnn.backend import use_backend
from minicnn.experiments import Settings, lrn, run_experiment
from minicnn.experiments.lrn import BATCH, LRN, NONE, SCALED, Row, Scale, Shrink, network
from minicnn.experiments.over_seeds import Plan, Values
from minicnn.models.alexnet import response_norm


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


def test_lrn_learns_nothing_has_the_constants_of_the_paper_and_puts_out_as_much_as_it_takes_in():
    plain, with_lrn = network(NONE, 4), network(LRN, 4)
    layers = [m for m in with_lrn if isinstance(m, nn.LocalResponseNorm)]
    assert [(m.size, m.alpha, m.beta, m.k, m.convention) for m in layers] == 2 * [(5, 1e-4, 0.75, 2, "paper")]
    assert [type(m) for m in with_lrn if m not in layers] == [type(m) for m in plain]
    more = summarize(with_lrn, (3, 32, 32)).training_bytes - summarize(plain, (3, 32, 32)).training_bytes
    assert more == 2 * 4 * (4 * 32 * 32 + 8 * 16 * 16)
    assert [p.shape for p in with_lrn.parameters()] == [p.shape for p in plain.parameters()]


def test_on_small_numbers_lrn_is_a_factor():
    x = Tensor(np.random.default_rng(0).standard_normal((1, 8, 2, 2)))
    assert np.abs(Shrink()(x).numpy() / response_norm()(x).numpy() - 1).max() < 0.002


def findings(with_lrn, without, milliseconds):
    rows = {NONE: Row(Values(without), Values(without), 10, 100), LRN: Row(Values(with_lrn), Values(with_lrn), milliseconds, 120)}
    return [finding.holds for finding in lrn._findings(rows)]


def test_the_findings_say_no_where_lrn_helps_or_is_free():
    assert findings((5.0, 6.0), (4.0, 5.0), 12) == [True, True]
    assert findings((5.0, 6.0), (7.0, 8.0), 9) == [False, False]
    assert findings((5.0, 6.0), (5.0, 5.5), 12) == [None, True]


def test_the_experiment_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(lrn, "MINUTES", Scale(train=10, test=10, channels=2, seeds=2, plan=Plan(epochs=1, batch=5, lr=0.01), turns=2))
    report = run_experiment("lrn", Settings(tmp_path, say=lambda line: None))
    assert [row[0] for row in report.rows] == [NONE, LRN, SCALED, BATCH]
    assert all(of["milliseconds"] > 0 and len(of["errors"]) == 2 for of in report.data.values())
    assert (tmp_path / "lrn.json").stat().st_size > 500
    assert (tmp_path / "lrn.png").stat().st_size > 5000
