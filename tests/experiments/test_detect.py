"""The experiment detect, with few and small pictures: what it measures and draws, not how well it does."""

import dataclasses

import numpy as np
import pytest

from minicnn.data import Shapes
from minicnn.detection import Boxes, Detections
from minicnn.experiments import Settings, detect, run_experiment

TOY = dataclasses.replace(detect.REDUCED, size=24, channels=(4, 8), train=16, test=6)


def test_it_runs_and_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(detect, "REDUCED", TOY)
    report = run_experiment("detect", Settings(tmp_path, seed=1, say=lambda line: None))
    assert [row[0] for row in report.rows] == ["untrained", "RoI pool", "RoI align"]
    assert not report.findings[0].holds
    assert (tmp_path / "detect.png").stat().st_size > 1000


def test_perfect_detections_have_the_quality_one():
    shapes = Shapes(6, train=False, size=24, objects=(1, 4), target="boxes")
    scenes = [shapes.scene(i) for i in range(6)]
    perfect = [Detections(Boxes.from_xyxy(scene.modal), np.ones(len(scene)), scene.labels) for scene in scenes]
    assert detect.judge(perfect, shapes) == detect.Quality(1.0, 1.0, 1.0)
    wrong = [one._replace(labels=(one.labels + 1) % 10) for one in perfect]
    assert detect.judge(wrong, shapes).any_class == 1
    assert detect.judge(wrong, shapes).at_50 < 0.5
    nothing = [one._replace(boxes=one.boxes[:0], scores=one.scores[:0], labels=one.labels[:0]) for one in perfect]
    assert detect.judge(nothing, shapes) == detect.Quality(0.0, 0.0, 0.0)


@pytest.mark.parametrize(("align", "untrained", "holds"), [(0.9, 0.01, [True, True]), (0.4, 0.01, [False, False]), (0.9, 0.2, [False, True])])
def test_the_verdict_goes_by_the_figures(align, untrained, holds):
    qualities = {"untrained": detect.Quality(untrained, 0, 0), "RoI pool": detect.Quality(0.8, 0.5, 0.8), "RoI align": detect.Quality(align, align, align)}
    assert [finding.holds for finding in detect.report(qualities, TOY).findings] == holds
