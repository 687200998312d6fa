"""A whole run: log, curve and checkpoint; and what is left when it is broken off."""

import dataclasses
import os
import signal
from contextlib import contextmanager

import numpy as np
import pytest

from minicnn import get_backend, optim
from minicnn.io import load_checkpoint
from minicnn.models import load_model
from minicnn.train import Callback, Recipe, RunFolder, evaluate, read_log, run_recipe

RECIPE = Recipe(epochs=2, batch_size=256)


class Recorder(Callback):
    def __init__(self, after_step=lambda number: None):
        self.steps, self.lines, self.after_step = 0, [], after_step

    def on_step(self, trainer, metrics):
        self.steps += 1
        self.after_step(self.steps)

    def on_epoch(self, trainer, epoch):
        self.lines.append(epoch)

    @contextmanager
    def show(self, epochs, steps_per_epoch):
        self.expected = epochs * steps_per_epoch
        yield self


def run(folder, recorder=None, recipe=RECIPE):
    parts = recipe.build()
    return run_recipe(recipe, parts, RunFolder.new(folder), (recorder or Recorder()).show), parts


def test_log_curve_and_checkpoint_belong_together(tmp_path):
    pytest.importorskip("matplotlib")
    recorder = Recorder()
    outcome, parts = run(tmp_path, recorder)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint.safetensors", "curve.png", "held_out.json", "log.jsonl", "recipe.toml"]
    assert recorder.steps == recorder.expected == outcome.steps == 12
    head, *lines, end = read_log(tmp_path / "log.jsonl")
    epochs = [line for line in lines if line["kind"] == "epoch"]
    assert [line["step"] for line in lines if line["kind"] == "step"] == list(range(1, 13))
    assert head["settings"]["batch_size"] == 256
    assert head["settings"]["backend"] == get_backend().name
    assert [{"kind": "epoch", **dataclasses.asdict(e)} for e in outcome.history] == epochs
    assert end == {"kind": "end", "steps": 12, "stopped": None}
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"

    model, contents = load_model(tmp_path / "checkpoint.safetensors")
    assert contents["test_accuracy"] == outcome.history[-1].test_accuracy == evaluate(model, parts.test).accuracy
    assert contents["epoch"] == 2
    assert contents["recipe"] == dataclasses.asdict(RECIPE.resolved())
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    optimizer.load_state_dict(contents["optimizer"])
    assert optimizer.param_groups[0]["momentum"] == 0.9
    kept, loaded = (next(iter(o.state.values()))["momentum"] for o in (parts.trainer.optimizer, optimizer))
    assert loaded.tolist() == kept.tolist()


def test_ctrl_c_leaves_the_weights_of_the_last_whole_step(tmp_path):
    weights = {}

    def interrupt_at_8(number):
        if number == 8:
            os.kill(os.getpid(), signal.SIGINT)
            weights.update(parts.model.state_dict())

    parts = RECIPE.build()
    outcome = run_recipe(RECIPE, parts, RunFolder.new(tmp_path), Recorder(interrupt_at_8).show)
    assert outcome.interrupted
    assert (outcome.steps, len(outcome.history)) == (8, 1)
    contents = load_checkpoint(tmp_path / "checkpoint.safetensors")
    assert (contents["steps"], contents["epoch"]) == (8, 1)
    for name, value in weights.items():
        np.testing.assert_array_equal(contents["model"][name], value)
    assert list(read_log(tmp_path / "log.jsonl"))[-1] == {"kind": "end", "steps": 8, "stopped": "interrupted"}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_very_last_step_loses_no_epoch(tmp_path):
    outcome, _ = run(tmp_path, Recorder(lambda number: number == 12 and os.kill(os.getpid(), signal.SIGINT)))
    assert outcome.steps == 12
    assert load_checkpoint(tmp_path / "checkpoint.safetensors")["steps"] == 12
    assert len(outcome.history) == 2
    assert not outcome.interrupted
