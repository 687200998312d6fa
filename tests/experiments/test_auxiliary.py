"""What auxiliary classifiers bring to which layer, and the experiment at toy scale."""

import json
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn.experiments import Settings, auxiliary, run_experiment
from minicnn.experiments.images import small_set


@pytest.mark.parametrize(("rule", "gain"), [("xavier", 1), ("he", 2)])
def test_weights_have_the_variance_of_their_rule(rule, gain):
    minicnn.manual_seed(0)
    assert np.var(auxiliary.RULES[rule]((64, 32, 3, 3))) == pytest.approx(gain / (32 * 9), rel=0.03)


def test_the_experiment_at_toy_scale(tmp_path, monkeypatch):
    for name, value in {"WIDTH": 0.0625, "BATCH": 2, "DRAWS": 1, "STEPS": 2}.items():
        monkeypatch.setattr(auxiliary, name, value)
    report = run_experiment("auxiliary", Settings(tmp_path, seed=1, say=lambda line: None))
    assert [row[0] for row in report.rows][:4] == ["conv1", "conv2", "conv3", "3a"]
    assert all(len(row) == len(report.columns) for row in report.rows)
    assert "bit for bit" in report.findings[-1].sentence
    assert report.findings[-1].holds
    kept = json.loads((tmp_path / "auxiliary.json").read_text())["data"]
    for draws in kept["untrained"].values():
        for without, with_them in zip(draws["without"], draws["with"], strict=True):
            assert all(without[stage] == with_them[stage] for stage in auxiliary.ABOVE_BOTH)
            assert all(without[stage] != with_them[stage] for stage in (*auxiliary.FIRST, "inception4a", "inception4d"))
    assert [len(course) for course in kept["first steps of conv1"].values()] == [2, 2]
    assert (tmp_path / "auxiliary.png").stat().st_size > 10_000


def test_larger_gradients_are_asked_of_each_of_the_first_stages():
    def network(conv1, conv3):
        return dict.fromkeys([*auxiliary.FIRST, *auxiliary.ABOVE_BOTH], 2.0) | {"conv1": conv1, "conv3": conv3}

    for conv3, holds in ((3.0, True), (0.9, False)):
        old = {"without": [network(1.0, 1.0)], "with": [network(3.0, conv3) | {"conv2": 3.0, "inception3a": 3.0}]}
        ratios = {"xavier": auxiliary._ratios(old), "he": {"conv1": 1.5}}
        findings = auxiliary._findings({"xavier": old}, ratios, {"without": [1.0], "with": [2.0]})
        assert [finding.holds for finding in findings] == [True, holds, True, True, True]
        assert f"grow in {3 + holds} of 4 cases" in findings[1].sentence


def test_the_classifiers_want_large_images():
    small = small_set(Settings(Path()), train=2, test=2, size=32)
    x, labels = next(iter(small.batches(2, 0)))
    with pytest.raises(minicnn.errors.ShapeError, match="223 to 270 pixels"):
        auxiliary.gradients(auxiliary.googlenet(small, "he", full=False), x, labels, 0.3)
