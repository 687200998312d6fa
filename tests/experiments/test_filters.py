"""Small against large filters: what the claim says is exact, and the experiment runs."""

import numpy as np
import pytest

from minicnn.analysis import measure_receptive_field, summarize
from minicnn.backend import use_backend
from minicnn.experiments import Settings, filters, run_experiment
from minicnn.experiments.filters import BLOCKS, LINEAR_3, ONE_5, ONE_7, THREE_3, TWO_3, Row, Scale, block
from minicnn.experiments.over_seeds import Plan, Values


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


@pytest.mark.parametrize(("name", "weights", "sees"), [(ONE_7, 49, 7), (THREE_3, 27, 7), (LINEAR_3, 27, 7), (ONE_5, 25, 5), (TWO_3, 18, 5)])
def test_weights_multiply_adds_and_receptive_fields_are_those_of_the_paper(name, weights, sees):
    C = 3
    summary = summarize(block(name, C), (C, 8, 6))
    assert summary.macs == weights * C**2 * 8 * 6
    assert sum(p.size for p in block(name, C).parameters() if p.ndim == 4) == weights * C**2
    assert measure_receptive_field(block(name, C), (C, 15, 15)).size == (sees, sees)
    assert len([layer for layer in summary.layers if "ReLU" in layer.kind]) == (1 if name == LINEAR_3 else len(BLOCKS[name]))


def row(weights, sees, errors):
    return Row(weights, 1, (sees, sees), np.full((15, 15), 1 / 225), Values(errors), Values(errors))


def test_the_findings_tell_the_better_from_the_worse():
    rows = {ONE_7: row(49, 7, (5.0, 6.0)), THREE_3: row(27, 7, (3.0, 4.0)), LINEAR_3: row(27, 7, (3.0, 4.0)), ONE_5: row(25, 5, (4.0, 4.0)), TWO_3: row(18, 4, (5.0, 5.0))}
    holds = [finding.holds for finding in filters._findings(rows)]
    assert holds == [True, True, False, False, None]


def test_the_experiment_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(filters, "MINUTES", Scale(train=20, test=10, size=8, channels=2, seeds=2, plan=Plan(epochs=1, batch=10, lr=0.01)))
    report = run_experiment("filters", Settings(tmp_path, say=lambda line: None))
    assert [line[:2] for line in report.rows][:2] == [[ONE_7, "49"], [THREE_3, "27"]]
    assert report.findings[0].holds
    middle = {name: np.array(of["reached"])[6:9, 6:9].sum() for name, of in report.data.items()}
    assert middle[ONE_7] == pytest.approx(9 / 49, abs=0.05)
    assert middle[THREE_3] == pytest.approx((19 / 27) ** 2, abs=0.1)  # 1 3 6 7 6 3 1, the weights of three boxes of 3 in a row
    assert (tmp_path / "filters.json").stat().st_size > 1000
    assert (tmp_path / "filters.png").stat().st_size > 5000
