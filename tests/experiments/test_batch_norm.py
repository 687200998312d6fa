"""Batch norm's two modes, what diverges, and the experiment at toy scale."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn import ops
from minicnn.experiments import Settings, batch_norm, run_experiment
from minicnn.experiments.images import small_set


@pytest.fixture
def images():
    minicnn.manual_seed(0)
    return small_set(Settings(Path()), train=32, test=16, size=8)


def test_both_losses_are_those_of_the_modes_and_leave_the_running_statistics(images):
    net = batch_norm.small_vgg("batch norm", images)
    x, labels = next(iter(images.batches(32, 0)))
    net(x)
    before = net.state_dict()
    training, evaluation = batch_norm.both_losses(net, x, labels)
    after = net.state_dict()
    assert net.training
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert training == pytest.approx(ops.cross_entropy(net(x), labels).item())
    net.load_state_dict(before)
    assert evaluation == pytest.approx(ops.cross_entropy(net.eval()(x), labels).item())
    assert abs(training - evaluation) > 0.01


@pytest.mark.parametrize(("norm", "training", "depends"), [("batch norm", True, True), ("batch norm", False, False), ("group norm", True, False)])
def test_only_a_batch_norm_in_training_mode_depends_on_the_other_images(images, norm, training, depends):
    net = batch_norm.small_vgg(norm, images)
    x, _ = next(iter(images.held_out()))
    net(x)
    change = batch_norm.on_company(net.train(training), x)
    assert change > 0.01 if depends else change < 1e-5


def test_a_run_that_diverges_has_a_course_and_no_figure_in_json(images):
    net = batch_norm.small_vgg("none", images)
    course = batch_norm.train(net, images, 16, 1e6, 0.0, 3, seed=0)
    assert math.isnan(course.loss)
    assert str(course) == "diverged"
    assert batch_norm._plain({"none": {3.0: course}}) == {"none": {3.0: None}}


def test_rates_that_learn_are_compared():
    nan, good, bad = batch_norm.Course(math.nan, math.nan), batch_norm.Course(0.1, 0.1), batch_norm.Course(2.3, 0.9)
    for fails in (bad, nan):
        wider = {"none": {0.1: good, 0.3: bad, 3.0: fails}, "batch norm": {0.1: good, 0.3: good, 3.0: good}}
        assert [finding.holds for finding in batch_norm._higher_rates(wider)] == [True, True]
    for with_norm, without in ((good, good), (bad, bad), (nan, nan)):
        alike = {"none": {0.1: good, 0.3: good, 3.0: without}, "batch norm": {0.1: good, 0.3: good, 3.0: with_norm}}
        assert [finding.holds for finding in batch_norm._higher_rates(alike)] == [False, False]


def test_small_batches_are_compared():
    def courses(*losses):
        return {n: batch_norm.Course(loss, 0.1) for n, loss in zip(batch_norm.BATCHES, losses, strict=True)}

    as_claimed = {"batch norm": courses(0.5, 0.3, 0.2, 0.1), "group norm": courses(0.1, 0.1, 0.2, 0.3)}
    assert [finding.holds for finding in batch_norm._small_batches(as_claimed)] == [True] * 3
    exchanged = {"batch norm": as_claimed["group norm"], "group norm": as_claimed["batch norm"]}
    assert [finding.holds for finding in batch_norm._small_batches(exchanged)] == [False] * 3


def test_the_experiment_at_toy_scale(tmp_path, monkeypatch):
    changes = {"IMAGES": 64, "HELD_OUT": 32, "SIZE": 8, "WIDTH": 4, "BATCH": 32, "EPOCHS": 2, "EPOCHS_OF_BATCHES": 1, "RATES": (0.1, 1e9), "BATCHES": (4, 32), "LOOKS": (1, 4), "LOOKED_AT": 32}
    for name, value in changes.items():
        monkeypatch.setattr(batch_norm, name, value)
    report = run_experiment("batch-norm", Settings(tmp_path, say=lambda line: None))
    assert len(report.rows) == 2 + 2 + 2 + 2
    assert all(len(row) == len(report.columns) for row in report.rows)
    assert report.rows[1][1] == "diverged"
    assert "in training mode the scores of an image change" in report.findings[1].sentence
    assert report.findings[1].holds
    kept = json.loads((tmp_path / "batch-norm.json").read_text())["data"]
    assert kept["rates"]["none"]["1000000000.0"] is None
    assert 0 <= kept["batches"]["group norm"]["4"]["error"] <= 1
    assert (tmp_path / "batch-norm.png").stat().st_size > 10_000
