"""The experiment localise, with few and small pictures: what it measures and draws, not how well it does."""

import dataclasses

import numpy as np

from minicnn.detection import Boxes
from minicnn.experiments import Settings, localise, run_experiment

TOY = dataclasses.replace(localise.REDUCED, size=24, channels=(4, 8), train=32, test=8, batch=8)


def test_it_runs_and_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(localise, "REDUCED", TOY)
    said = []
    report = run_experiment("localise", Settings(tmp_path, seed=1, say=said.append))
    assert len(report.rows) == 6
    assert len(report.data["overlaps"]) == 8
    assert not report.holds
    assert said[0] == "training on 32 pictures of 24x24 pixels"
    assert (tmp_path / "localise.png").stat().st_size > 1000
    again = run_experiment("localise", Settings(tmp_path, seed=1, say=said.append))
    assert again == report


def test_the_verdict_is_by_both_goals():
    true = Boxes.from_xyxy([[0, 0, 10, 10]] * 20)
    labels = np.arange(20) % 10
    right = localise.Held(labels, labels, true, true, np.linspace(0.75, 0.95, 20))
    assert localise.report(right).holds
    one_wrong, poor = dataclasses.replace(right, said=(labels + (labels == 3)) % 10), dataclasses.replace(right, overlaps=np.full(20, 0.79))
    assert [finding.holds for finding in localise.report(one_wrong).findings] == [True, False]
    assert [finding.holds for finding in localise.report(poor).findings] == [False, True]
    assert localise.report(poor).data["above"] == {"0.5": 20, "0.7": 20, "0.9": 0}
