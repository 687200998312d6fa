"""Dropout: the average of many passes, and the experiment runs."""

import numpy as np
import pytest

from minicnn import nn
from minicnn.backend import manual_seed, use_backend
from minicnn.experiments import Settings, dropout, run_experiment
from minicnn.experiments.dropout import Averaged, Scale, average_passes, with_wrong_labels
from minicnn.experiments.images import small_set
from minicnn.experiments.over_seeds import Plan, Values


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


def test_behind_a_last_linear_layer_the_mean_of_passes_tends_to_the_pass_without_dropout():
    manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 3))
    found = average_passes(model, np.random.default_rng(0).standard_normal((50, 1, 4, 4)).astype(np.float32), (1, 16, 256))
    assert [average.passes for average in found] == [1, 16, 256]
    for average in found:  # the scores are linear in the masks, so only chance is left: 1 / √passes
        assert average.distance == pytest.approx(found[0].distance / average.passes**0.5, rel=0.2)
    assert found[-1].agreement > found[0].agreement


def test_without_dropout_every_pass_is_the_same():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.0), nn.Linear(4, 2))
    (found,) = average_passes(model, np.ones((3, 1, 2, 2), np.float32), (4,))
    assert found == Averaged(4, 0.0, 1.0)


def test_a_share_of_the_training_labels_is_wrong_and_no_test_label():
    images = small_set(Settings(None), 40, 10, 8)
    noisy = with_wrong_labels(images, 0.25, seed=3)
    assert (noisy.train.arrays[1] != images.train.arrays[1]).sum() == 10
    assert set(noisy.train.arrays[1]) <= set(range(10))
    assert noisy.test is images.test


def figures(train_error, test_error):
    return {"train_error": Values(train_error), "test_error": Values(test_error)}


def test_the_findings_tell_what_came_out():
    without = figures((1.0, 1.0, 1.0), (8.0, 9.0, 8.5))
    for half, holds in (
        (figures((5.0, 6.0, 5.5), (6.0, 7.5, 6.5)), [True, True, True]),
        (figures((1.0, 1.0, 1.0), (6.0, 12.0, 9.0)), [None, None, None]),
        (figures((0.0, 0.0, 0.0), (9.0, 10.0, 9.0)), [False, False, False]),
    ):
        assert [f.holds for f in dropout._on_errors({0.0: without, 0.5: half})] == holds
    assert dropout._on_averages([Averaged(1, 0.5, 0.8), Averaged(64, 0.1, 0.99)]).holds
    assert not dropout._on_averages([Averaged(1, 0.5, 0.8), Averaged(64, 0.4, 0.99)]).holds


def test_the_experiment_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(dropout, "MINUTES", Scale(train=20, test=10, size=8, wrong=0.2, hidden=8, seeds=2, plan=Plan(epochs=2, batch=10, lr=0.01), passes=(1, 4)))
    report = run_experiment("dropout", Settings(tmp_path, say=lambda line: None))
    assert [row[0] for row in report.rows] == [0.0, 0.25, 0.5]
    assert [average["passes"] for average in report.data["averages"]] == [1, 4]
    assert (tmp_path / "dropout.json").stat().st_size > 500
    assert (tmp_path / "dropout.png").stat().st_size > 5000
