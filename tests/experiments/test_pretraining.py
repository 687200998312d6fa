"""The experiment on pretraining, at the smallest scale: its tasks, its count of epochs, and its report."""

import dataclasses

import numpy as np
import pytest

import minicnn
from minicnn.experiments import Settings, pretraining

TINY = pretraining.Scale(size=16, depth=8, width=2, source=8, source_epochs=1, enough=6, enough_epochs=4, few=2, few_epochs=4, draws=2, held_out=4)


@pytest.fixture(autouse=True)
def _without_pictures(monkeypatch):
    monkeypatch.setattr("minicnn.experiments.picture.can_draw", lambda: False)


def test_the_two_tasks_share_no_class(tmp_path):
    source, target = pretraining.tasks(Settings(tmp_path, seed=3), TINY)
    assert (source.classes, target.classes) == (5, 5)
    assert sorted(set(source.train.arrays[1])) == sorted(set(target.train.arrays[1])) == list(range(5))
    assert len(source.train) + len(target.train) == 80  # all that were drawn
    images = {image.tobytes() for image, _ in source.train}
    assert not images & {image.tobytes() for image, _ in target.train}


def test_a_named_dataset_is_divided_by_its_classes(tmp_path):
    source, target = pretraining.tasks(Settings(tmp_path, dataset="digits"), TINY)  # so many of each class
    assert (source.classes, target.classes, np.bincount(target.train.arrays[1]).tolist()) == (5, 5, [8] * 5)


def test_an_odd_number_of_classes_gives_two_tasks_of_different_size(tmp_path, monkeypatch):
    drawn = pretraining.figure_set(72, 36, TINY.size, seed=0)
    parts = [pretraining._of(part, range(9)) for part in (drawn.train, drawn.test)]
    monkeypatch.setattr(pretraining, "_images", lambda settings, scale: (*parts, 9))
    source, target = pretraining.tasks(Settings(tmp_path), TINY)
    assert (source.classes, target.classes) == (4, 5)
    body = pretraining._network(source, TINY)
    body(minicnn.Tensor(source.train.arrays[0]))  # its batch norms have seen something
    assert len(pretraining._course(body, source, target, 2, 1, 0, TINY)) == 1


def test_epochs_to_an_accuracy():
    assert pretraining.epochs_to([0.2, 0.5, 0.4, 0.6], 0.5) == 2
    assert pretraining.epochs_to([0.2], 0.5) is None


@pytest.mark.parametrize(("slow", "few", "holds"), [(0.9, 0.5, [True] * 4), (0.8, 0.5, [True, False, True, True]), (0.94, 0.5, [True, False, True, True]), (0.9, 0.69, [True, True, True, False])])
def test_findings(tmp_path, slow, few, holds):
    runs = {
        "enough, pretrained": [0.8, 0.9, 0.9, 0.9], "enough, from scratch": [0.3, 0.5, 0.7, slow],
        "few, pretrained": [0.4, 0.6, 0.7, 0.7], "few, from scratch": [0.2, 0.3, 0.4, few],
    }  # fmt: skip
    report = pretraining._report(Settings(tmp_path), TINY, runs)
    assert [finding.holds for finding in report.findings] == holds
    assert report.rows[0][2:] == ["80.0 %", "80.0 %", "90.0 %", 2]


def test_it_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(pretraining, "SMALL", dataclasses.replace(TINY, enough_epochs=1, few_epochs=1))
    said = []
    report = pretraining.run(Settings(tmp_path, say=said.append))
    assert len(report.rows) == 4
    assert len(said) == 5
    assert all(len(values) == 1 for values in report.data.values())
