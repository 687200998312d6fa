"""Checkpoints: what is written comes back; what is damaged is refused; nothing good is ever lost."""

import json
import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from minicnn import models
from minicnn.errors import CheckpointError
from minicnn.io import checkpoint, load_checkpoint, load_model, save_checkpoint

NETWORK = {"name": "LeNet5", "kwargs": {"num_classes": 4, "in_channels": 1}}


@pytest.fixture
def net():
    return models.LeNet5(num_classes=4)


@pytest.fixture
def path(tmp_path, net):
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, {"network": NETWORK, "model": net.state_dict()})
    return path


def test_everything_comes_back(tmp_path, net):
    state = np.random.default_rng(3).bit_generator.state  # holds integers of 128 bits
    contents = {
        "network": NETWORK,
        "model": net.state_dict(),
        "optimizer": {"lr": 0.1, "groups": [{"momentum": [np.arange(6.0).reshape(2, 3).T, None], "steps": np.int64(7)}]},
        "generator": state,
        "scalar": np.float32(0.5),
        "zero_dimensional": np.array(2.5),
        "epoch": 3,
        "note": "Σ",
        "flag": True,
    }
    save_checkpoint(tmp_path / "a.safetensors", contents)
    back = load_checkpoint(tmp_path / "a.safetensors")
    assert back["generator"] == state
    assert (back["epoch"], back["note"], back["flag"], back["scalar"]) == (3, "Σ", True, 0.5)
    assert back["zero_dimensional"].shape == ()
    group = back["optimizer"]["groups"][0]
    np.testing.assert_array_equal(group["momentum"][0], np.arange(6.0).reshape(2, 3).T)
    assert group["momentum"][1] is None
    assert group["steps"] == 7
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(back["model"][name], value)
        assert back["model"][name].dtype == value.dtype


def test_a_network_comes_back(path, net):
    model, _ = load_model(path)
    assert isinstance(model, models.LeNet5)
    np.testing.assert_array_equal(model.output.weight.numpy(), net.output.weight.numpy())


def test_other_programs_can_list_the_arrays(path):
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        assert "model.c1.weight" in file.keys()  # noqa: SIM118 - not a dict


@pytest.mark.parametrize("kept", [0, 4, 100, 5000, -1])
def test_a_truncated_file_is_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="is not a checkpoint, or was cut off"):
        load_checkpoint(path)


def test_missing_files_folders_and_other_files_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such file"):
        load_checkpoint(tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match="it is a folder"):
        load_checkpoint(tmp_path)
    (tmp_path / "text").write_text("not a checkpoint at all, just a long line of text")
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        load_checkpoint(tmp_path / "text")
    save_file({"x": np.zeros(3)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="another program"):
        load_checkpoint(tmp_path / "foreign.safetensors")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        (json.dumps({"format": 1}), "damaged"),
        (json.dumps({"format": 1, "network": {}, "model": {}}), "damaged"),
        (json.dumps({"format": 1, "network": NETWORK, "model": {"w": {"array": "gone"}}}), "damaged"),
        (json.dumps({"format": 99, "network": NETWORK, "model": {}}), "update minicnn"),
    ],
)
def test_damaged_metadata_is_refused(tmp_path, text, sentence):
    save_file({"x": np.zeros(3)}, tmp_path / "a", metadata={"minicnn": text})
    with pytest.raises(CheckpointError, match=sentence):
        load_checkpoint(tmp_path / "a")


def test_weights_of_another_network_are_refused(tmp_path, net):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, {"network": {"name": "LeNet5", "kwargs": {}}, "model": net.state_dict()})
    with pytest.raises(CheckpointError, match=r"does not fit the network it names.*output\.weight is \(4, 84\) but should be \(10, 84\)"):
        load_model(path)
    save_checkpoint(path, {"network": {"name": "LeNet9", "kwargs": {}}, "model": net.state_dict()})
    with pytest.raises(CheckpointError, match="cannot be built here: unknown model 'LeNet9': did you mean LeNet5"):
        load_model(path)


def test_what_cannot_be_stored_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"optimizer\.groups\.0 is a set"):
        save_checkpoint(tmp_path / "a", {"network": NETWORK, "model": {}, "optimizer": {"groups": [{1}]}})
    with pytest.raises(CheckpointError, match="network is missing"):
        save_checkpoint(tmp_path / "a", {"model": {}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stage", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_no_other(path, net, monkeypatch, stage):
    before = path.read_bytes()

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if stage == "fsync" else checkpoint.Path, stage, fail)
    with pytest.raises(CheckpointError, match="cannot be written: No space left on device"):
        save_checkpoint(path, {"network": NETWORK, "model": net.state_dict(), "epoch": 2})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
