"""The command and the files of experiments; what each of them finds is tried in a file of its own."""

import importlib
import inspect
import json

import pytest

from minicnn.errors import ArgumentError
from minicnn.experiments import EXPERIMENTS, Finding, Report, Settings, run_experiment


def test_an_unknown_name_suggests_the_nearest(tmp_path):
    with pytest.raises(ArgumentError, match="unknown experiment 'degradaton': did you mean degradation"):
        run_experiment("degradaton", Settings(tmp_path))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_a_file_and_a_page(name):
    module = importlib.import_module(f"minicnn.experiments.{name.replace('-', '_')}")
    assert list(inspect.signature(module.run).parameters) == ["settings"]


def test_figures_are_kept_and_a_claim_that_does_not_hold_fails(tmp_path, monkeypatch, capsys):
    from minicnn.cli import main
    from minicnn.experiments import degradation

    report = Report(["net", "error"], [["plain", 3.5]], [Finding("it is so", True), Finding("it is not", False)], {"curve": [1.0]})
    monkeypatch.setattr(degradation, "run", lambda settings: report)
    assert main(["experiment", "degradation", "--out", str(tmp_path / "new" / "folder"), "--seed", "3"]) == 1
    out = capsys.readouterr().out
    assert "holds: it is so\nDOES NOT HOLD: it is not\n" in out
    kept = json.loads((tmp_path / "new" / "folder" / "degradation.json").read_text())
    assert (kept["experiment"], kept["seed"], kept["data"]) == ("degradation", 3, {"curve": [1.0]})
