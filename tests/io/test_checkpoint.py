"""Checkpoints: what is written comes back; what is damaged is refused; nothing good is ever lost."""

import json
import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from minicnn import models
from minicnn.errors import CheckpointError
from minicnn.io import atomic, checkpoint, load_checkpoint, save_checkpoint

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


def test_bfloat16_comes_back_as_float32(tmp_path, net):
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    save_checkpoint(tmp_path / "a.safetensors", {"network": NETWORK, "model": net.state_dict(), "note": np.array([0.5, 0.1], bfloat16)})
    back = load_checkpoint(tmp_path / "a.safetensors")["note"]
    np.testing.assert_array_equal(back, np.float32([0.5, 0.10009765625]), strict=True)


def test_other_programs_can_list_the_arrays(path):
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

    monkeypatch.setattr(os if stage == "fsync" else atomic.Path, stage, fail)
    with pytest.raises(CheckpointError, match="cannot be written: No space left on device"):
        save_checkpoint(path, {"network": NETWORK, "model": net.state_dict(), "epoch": 2})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def edited(path, change, arrays=lambda arrays: arrays):
    """Write the checkpoint again with other metadata or arrays."""
    with safe_open(path, framework="numpy") as file:
        text, old = file.metadata()["minicnn"], {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    new = change(json.loads(text))
    save_file(arrays(old), path, metadata={"minicnn": new if isinstance(new, str) else json.dumps(new)})


def network(**entries):
    return lambda contents: {**contents, "network": {**NETWORK, **entries}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (network(name=5), "damaged checkpoint: its entry network must have a name"),
        (network(kwargs=[]), "its entry network must have .* and kwargs, which are a dict"),
        (network(kwargs=None), "its entry network must have .* kwargs"),
        (lambda c: {**c, "network": []}, "damaged checkpoint: its entry network"),
        (lambda c: {**c, "model": {"c1.weight": 5}}, "damaged checkpoint: its entry model must be a dict of arrays"),
        (lambda c: {**c, "dataset": 5}, "damaged checkpoint: its entry dataset must be a name, not 5"),
        (lambda c: {**c, "dataset": None}, "its entry dataset must be a name, not None"),
        (lambda c: {**c, "dataset": ["digits"]}, "its entry dataset must be a name"),
        (lambda c: {**c, "epoch": "many"}, "its entry epoch must be a count, not 'many'"),
        (lambda c: {**c, "epoch": {}}, "its entry epoch must be a count"),
        (lambda c: {**c, "epoch": -1}, "its entry epoch must be a count, not -1"),
    ],
)
def test_edited_metadata_is_one_sentence(path, change, sentence):
    edited(path, change)
    with pytest.raises(CheckpointError, match=sentence):
        load_checkpoint(path)


def test_metadata_nested_without_end_is_one_sentence(path):
    depth = 200_000
    edited(path, lambda contents: json.dumps({**contents, "note": 0})[:-2] + "[" * depth + "]" * depth + "}")
    with pytest.raises(CheckpointError, match="damaged checkpoint: its metadata"):
        load_checkpoint(path)


def test_metadata_nested_deeply_is_read_or_refused(path):
    """How deep is too deep differs between versions of Python: no other error may come of it."""
    for depth in (100, 300, 900, 3000):
        edited(path, lambda contents, depth=depth: json.dumps({**contents, "note": 0})[:-2] + "[" * depth + "]" * depth + "}")
        try:
            assert load_checkpoint(path)
        except CheckpointError as error:
            assert "damaged checkpoint: its metadata" in str(error)  # noqa: PT017 - refusing is one of two right answers


@pytest.mark.parametrize(("entry", "value"), [("epoch", "many"), ("dataset", 5), ("network", {"name": "LeNet5"}), ("model", {"w": 3})])
def test_what_could_not_be_loaded_is_not_written(tmp_path, net, entry, value):
    contents = {"network": NETWORK, "model": net.state_dict(), entry: value}
    with pytest.raises(CheckpointError, match=f"cannot be made of this: its entry {entry}"):
        save_checkpoint(tmp_path / "a", contents)
    assert list(tmp_path.iterdir()) == []


def test_a_number_type_without_a_match_in_numpy_is_refused(path):
    header = json.dumps(
        {"__metadata__": {"minicnn": "{}"}, "a": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}
    ).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(CheckpointError, match=r"numbers of a type that NumPy does not have: .*float8"):
        load_checkpoint(path)


def test_a_file_that_may_not_be_read_is_not_called_missing(path, monkeypatch):
    def forbid(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoint.Path, "open", forbid)
    with pytest.raises(CheckpointError, match=r"the checkpoint .* cannot be read: Permission denied"):
        load_checkpoint(path)
