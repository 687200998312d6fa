"""A run that is broken off and goes on is, bit for bit, the run that was not."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from minicnn.errors import ArgumentError, CheckpointError
from minicnn.io import load_checkpoint, save_checkpoint
from minicnn.train import Callback, Recipe, RunFolder, read_log, resume, run_recipe
from tests.train.few import assert_same, install, silent

NET = {"model": "WideResNetCIFAR", "model_options": {"depth": 10, "k": 1, "dropout": 0.3}, "dataset": "few", "epochs": 3, "batch_size": 16}
RECIPES = {
    "sgd": Recipe(**NET, optimizer="sgd", schedule="one-cycle", clip_norm=0.5),
    "adam": Recipe(**NET, optimizer="adam", schedule="plateau", schedule_options={"patience": 0}, validation=0.25, average=0.9, keep_every=2),
    "rmsprop": Recipe(**NET, optimizer="rmsprop", schedule="step", accumulate=2, label_smoothing=0.1, decay="weights", optimizer_options={"weight_decay": 0.01}),
}


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    install(monkeypatch)


class InterruptAt(Callback):
    """Ctrl-C in the middle of a step."""

    def __init__(self, step):
        self.step = step

    def on_step(self, trainer, metrics):
        if trainer.steps == self.step:
            os.kill(os.getpid(), signal.SIGINT)


def train(recipe, folder, callback=None):
    parts = recipe.build()
    if callback is None:
        run_recipe(recipe, parts, folder, silent)
        return

    class Show:
        def __call__(self, *_):
            return self

        def __enter__(self):
            return callback

        def __exit__(self, *_):
            return None

    run_recipe(recipe, parts, folder, Show())


def go_on(path):
    broken_off = resume(path)
    np.random.default_rng().random()  # nothing of this process matters
    run_recipe(broken_off.recipe, broken_off.restore(), broken_off.folder, silent)


def epochs(path):
    return [{k: v for k, v in line.items() if k not in ("seconds", "images_per_second")} for line in read_log(path / "log.jsonl") if line["kind"] == "epoch"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Uninterrupted runs."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        install(monkeypatch)
        folders = {name: tmp_path_factory.mktemp("whole") / name for name in RECIPES}
        for name, recipe in RECIPES.items():
            train(recipe, RunFolder.new(folders[name]))
    return folders


@pytest.mark.parametrize(("name", "step"), [("sgd", 3), ("sgd", 6), ("sgd", 7), ("adam", 5), ("adam", 10), ("rmsprop", 2), ("rmsprop", 8)])
def test_ctrl_c_and_resume_change_nothing(name, step, whole, tmp_path):
    assert step < load_checkpoint(whole[name] / "checkpoint.safetensors")["steps"]
    train(RECIPES[name], RunFolder.new(tmp_path / "run"), InterruptAt(step))
    assert load_checkpoint(tmp_path / "run" / "checkpoint.safetensors")["steps"] == step
    go_on(tmp_path / "run")
    for file in sorted(path.name for path in whole[name].glob("*.safetensors")):
        assert_same(load_checkpoint(tmp_path / "run" / file), load_checkpoint(whole[name] / file))
    assert epochs(tmp_path / "run") == epochs(whole[name])
    assert (tmp_path / "run" / "held_out.json").read_bytes() == (whole[name] / "held_out.json").read_bytes()


def test_these_runs_would_differ_if_anything_were_forgotten(whole, tmp_path):
    """The comparison above has something to find: dropout, order and augmentation matter."""
    train(RECIPES["sgd"], RunFolder.new(tmp_path / "run"), InterruptAt(7))
    state = load_checkpoint(tmp_path / "run" / "checkpoint.safetensors")
    state["generator"]["state"]["state"] += 2
    save_checkpoint(tmp_path / "run" / "checkpoint.safetensors", state)
    go_on(tmp_path / "run")
    with pytest.raises(AssertionError):
        assert_same(load_checkpoint(tmp_path / "run" / "checkpoint.safetensors")["model"], load_checkpoint(whole["sgd"] / "checkpoint.safetensors")["model"])


KILLED = """
    import itertools, os, pathlib, signal, sys
    import pytest
    from minicnn.train import Recipe, RunFolder, resume, run_recipe
    from tests.train import few, test_resume

    few.install(pytest.MonkeyPatch())
    path, how, when = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    calls = itertools.count(1)

    def killing(function):
        def wrapped(*args, **options):
            if next(calls) == when:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **options)
        return wrapped

    if how == "fsync":
        os.fsync = killing(os.fsync)                        # a file is written, and not yet renamed
    else:
        from minicnn import optim
        optim.Adam.update = killing(optim.Adam.update)      # between the updates of two parameters of one step
    recipe = test_resume.RECIPES["adam"]
    if path.exists():
        test_resume.go_on(path)
    else:
        run_recipe(recipe, recipe.build(), RunFolder.new(path), few.silent)
"""


def test_killed_in_the_middle_of_a_step_and_while_a_checkpoint_is_written(whole, tmp_path):
    path = tmp_path / "run"
    moments = [("update", 200), ("fsync", 2), ("never", 0)]  # the second comes after the first epoch: best, then checkpoint
    for number, (how, when) in enumerate(moments):
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path), how, str(when)]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
        assert done.returncode == (0 if how == "never" else -signal.SIGKILL), done.stderr
        if number == 1:
            assert list(path.glob(".*.part"))
    assert_same(load_checkpoint(path / "checkpoint.safetensors"), load_checkpoint(whole["adam"] / "checkpoint.safetensors"))
    assert_same(load_checkpoint(path / "best.safetensors"), load_checkpoint(whole["adam"] / "best.safetensors"))
    assert not list(path.glob(".*.part"))
    assert sum(line["kind"] == "resumed" for line in read_log(path / "log.jsonl")) == 2


def test_a_half_written_line_of_the_log_is_cut_off(whole, tmp_path):
    train(RECIPES["sgd"], RunFolder.new(tmp_path / "run"), InterruptAt(7))
    with (tmp_path / "run" / "log.jsonl").open("a") as log:
        log.write('{"kind": "st')
    go_on(tmp_path / "run")
    assert epochs(tmp_path / "run") == epochs(whole["sgd"])


def test_a_full_disk_stops_the_run_and_loses_nothing(whole, tmp_path, monkeypatch):
    path = tmp_path / "run"
    full = []

    def fsync(descriptor):
        if full:
            raise OSError(28, "No space left on device")

    class FullAfterFirst(Callback):
        def on_epoch(self, trainer, epoch):
            full.extend([True] if epoch.epoch == 2 else [])

    monkeypatch.setattr("minicnn.io.atomic.os.fsync", fsync)
    with pytest.raises(CheckpointError, match=r"cannot be written: No space left on device"):
        train(RECIPES["adam"], RunFolder.new(path), FullAfterFirst())
    assert load_checkpoint(path / "checkpoint.safetensors")["epoch"] == 1
    full.clear()
    go_on(path)
    assert_same(load_checkpoint(path / "checkpoint.safetensors"), load_checkpoint(whole["adam"] / "checkpoint.safetensors"))


def test_what_cannot_go_on(whole, tmp_path):
    with pytest.raises(ArgumentError, match=r"no run at .*nowhere: there is no such folder"):
        resume(tmp_path / "nowhere")
    with pytest.raises(ArgumentError, match=r"has no checkpoint.safetensors"):
        resume(tmp_path)
    with pytest.raises(ArgumentError, match=r"is at its end: its 3 epochs are done"):
        resume(whole["sgd"]).restore()
    state = load_checkpoint(whole["sgd"] / "checkpoint.safetensors")
    for change, sentence in (
        ({"recipe": {**state["recipe"], "dial": 3}}, "another version of minicnn made its checkpoint"),
        ({"recipe": {**state["recipe"], "model_options": {"depth": 16, "k": 1}}}, "its checkpoint does not fit its recipe: .*missing"),
        ({"recipe": {**state["recipe"], "optimizer": "adam"}}, "the state is of SGD, but this optimiser is Adam"),
        ({"data": {**state["data"], "batch_size": 3}}, "batch_size 3, this has 16"),
        ({"schedule": None}, "does not fit its recipe: .*the state is of a trainer without schedule, and this one has one"),
    ):
        save_checkpoint(tmp_path / "checkpoint.safetensors", {**state, **change})
        with pytest.raises(CheckpointError, match=sentence):
            resume(tmp_path).restore()
    (tmp_path / "checkpoint.safetensors").write_bytes((whole["sgd"] / "checkpoint.safetensors").read_bytes()[:5000])
    with pytest.raises(CheckpointError, match=r"was cut off"):
        resume(tmp_path)


SPOILT = {  # an entry by its path, what is put there, and what is said
    "environment/threads": ("x", "the number of threads must be an integer >= 1, not 'x'"),
    "environment": (5, "int"),
    "data": (5, "a state is a dict, as state_dict.. gives it, not 5"),
    "generator/state/state": (-1, "does not fit its recipe"),
    "seen/batches": ("x", "batches must be an integer >= 0, not 'x'"),
    "seen/lr": ("x", "lr must be a finite number, not 'x'"),
    "average": (5, "does not fit its recipe"),
    "average/averages/fc.bias": (5, "does not fit its recipe"),
    "optimizer": ([], "does not fit its recipe"),
    "schedule": (5, "does not fit its recipe"),
    "history/0/test_accuracy": ("x", "test_accuracy must be a finite number, not 'x'"),
    "history": (5, "does not fit its recipe"),
}


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory):
    """The checkpoint of a run that was broken off in its second pass."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        install(monkeypatch)
        folder = RunFolder.new(tmp_path_factory.mktemp("broken_off") / "run")
        train(RECIPES["adam"], folder, InterruptAt(7))
    return folder.checkpoint


@pytest.mark.parametrize("entry", SPOILT)
def test_a_checkpoint_with_other_things_in_it_is_one_sentence(entry, broken_off, tmp_path):
    state, (value, sentence) = load_checkpoint(broken_off), SPOILT[entry]
    *path, last = entry.split("/")
    inner = state
    for name in path:
        inner = inner[int(name) if isinstance(inner, list) else name]
    inner[last] = value
    save_checkpoint(tmp_path / "checkpoint.safetensors", state)
    with pytest.raises(CheckpointError, match=sentence):
        resume(tmp_path).restore()


def test_a_run_that_was_killed_between_its_last_checkpoint_and_its_curve(whole, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(whole["sgd"], path)
    lines = (path / "log.jsonl").read_text().splitlines(keepends=True)
    assert json.loads(lines[-1])["kind"] == "end"
    (path / "log.jsonl").write_text("".join(lines[:-1]))
    (path / "curve.png").unlink()
    for _ in range(2):
        with pytest.raises(ArgumentError, match=r"is at its end: its 3 epochs are done"):
            resume(path).restore()
        assert (path / "log.jsonl").read_text() == "".join(lines)
        assert (path / "curve.png").read_bytes()[:4] == b"\x89PNG"


def test_a_run_that_stopped_early_is_at_its_end(tmp_path):
    recipe = Recipe(**{**NET, "epochs": 9}, lr=1e-9, schedule="constant", validation=0.25, patience=1)
    train(recipe, RunFolder.new(tmp_path / "run"))
    *_, end = read_log(tmp_path / "run" / "log.jsonl")
    if end["stopped"] is None:
        pytest.fail("with such a rate no loss gets lower for nine epochs")
    assert "the validation loss has not been below" in end["stopped"]
    with pytest.raises(ArgumentError, match=r"is at its end: the validation loss has not been below"):
        resume(tmp_path / "run").restore()


def test_a_run_that_is_still_going_on_is_left_alone(tmp_path):
    path, refused = tmp_path / "run", []

    class SomebodyResumes(Callback):
        def on_epoch(self, trainer, epoch):
            if epoch.epoch == 2:
                (path / ".checkpoint.safetensors.1.part").write_text("half")
                for attempt in (lambda: resume(path), lambda: run_recipe(RECIPES["sgd"], None, RunFolder(path), silent)):
                    with pytest.raises(ArgumentError, match=r"the run .*run is still going on, in another process: wait until it is done, or end it first"):
                        attempt()
                    refused.append((path / ".checkpoint.safetensors.1.part").exists())

    train(RECIPES["sgd"], RunFolder.new(path), SomebodyResumes())
    assert refused == [True, True]
    with pytest.raises(ArgumentError, match="is at its end"):
        resume(path).restore()
