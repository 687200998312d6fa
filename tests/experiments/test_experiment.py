"""The command and the files of experiments; what each of them finds is tried in a file of its own."""

import importlib
import inspect
import json
from pathlib import Path

import pytest

from minicnn.errors import ArgumentError
from minicnn.experiments import EXPERIMENTS, Finding, Report, Settings, run_experiment

PAGES = Path(__file__).resolve().parents[2] / "docs" / "experiments"


def test_an_unknown_name_suggests_the_nearest(tmp_path):
    with pytest.raises(ArgumentError, match="unknown experiment 'degradaton': did you mean degradation"):
        run_experiment("degradaton", Settings(tmp_path))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_a_file_and_a_page(name):
    module = importlib.import_module(f"minicnn.experiments.{name.replace('-', '_')}")
    assert list(inspect.signature(module.run).parameters) == ["settings"]
    assert (PAGES / f"{name}.md").exists()
    assert f"| [{name}]({name}.md) |" in (PAGES / "README.md").read_text()


@pytest.mark.parametrize("name", ["localise", "detect", "caption", "scaling"])
def test_those_that_draw_their_own_pictures_refuse_others(name, tmp_path):
    with pytest.raises(ArgumentError, match=f"{name} needs .*pictures.*, and draws them itself: leave out the dataset"):
        run_experiment(name, Settings(tmp_path, dataset="digits"))


def test_figures_are_kept_and_a_claim_that_does_not_hold_fails(tmp_path, monkeypatch, capsys):
    from minicnn.cli import main
    from minicnn.experiments import degradation

    report = Report(["net", "error"], [["plain", 3.5]], [Finding("it is so", True), Finding("it is not", False), Finding("who knows", None)], {"curve": [1.0]})
    monkeypatch.setattr(degradation, "run", lambda settings: report)
    assert main(["experiment", "degradation", "--out", str(tmp_path / "new" / "folder"), "--seed", "3", "--dataset", "digits"]) == 1
    out = capsys.readouterr().out
    assert "holds: it is so\nDOES NOT HOLD: it is not\nundecided: who knows\n" in out
    kept = json.loads((tmp_path / "new" / "folder" / "degradation.json").read_text())
    assert (kept["experiment"], kept["seed"], kept["dataset"], kept["data"]) == ("degradation", 3, "digits", {"curve": [1.0]})
    assert [finding["verdict"] for finding in kept["findings"]] == ["holds", "does not hold", "undecided"]


def test_what_is_undecided_does_not_fail():
    assert Report([], [], [Finding("it is so", True), Finding("who knows", None)]).holds
    assert not Report([], [], [Finding("it is not", False)]).holds
