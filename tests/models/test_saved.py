"""Networks from checkpoints."""

import json
from functools import partial

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from minicnn import models
from minicnn.errors import CheckpointError
from minicnn.io import load_checkpoint, save_checkpoint
from minicnn.models import load_model

NETWORK = {"name": "LeNet5", "kwargs": {"num_classes": 4, "in_channels": 1}}


@pytest.fixture
def net():
    return models.LeNet5(num_classes=4)


@pytest.fixture
def path(tmp_path, net):
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, {"network": NETWORK, "model": net.state_dict()})
    return path


def edited(path, change, arrays=lambda arrays: arrays):
    """Write the checkpoint again with other metadata or arrays."""
    with safe_open(path, framework="numpy") as file:
        text, old = file.metadata()["minicnn"], {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    new = change(json.loads(text))
    save_file(arrays(old), path, metadata={"minicnn": new if isinstance(new, str) else json.dumps(new)})


def network(**entries):
    return lambda contents: {**contents, "network": {**NETWORK, **entries}}


def test_a_network_comes_back(path, net):
    model, _ = load_model(path)
    assert isinstance(model, models.LeNet5)
    np.testing.assert_array_equal(model.output.weight.numpy(), net.output.weight.numpy())


def test_weights_of_another_network_are_refused(tmp_path, net):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, {"network": {"name": "LeNet5", "kwargs": {}}, "model": net.state_dict()})
    with pytest.raises(CheckpointError, match=r"does not fit the network it names.*output\.weight is \(4, 84\) but should be \(10, 84\)"):
        load_model(path)
    save_checkpoint(path, {"network": {"name": "LeNet9", "kwargs": {}}, "model": net.state_dict()})
    with pytest.raises(CheckpointError, match="cannot be built here: unknown model 'LeNet9': did you mean LeNet5"):
        load_model(path)


@pytest.mark.parametrize("num_classes", ["ten", 10.0, -1, None, [], 10**13, 10**30])
def test_a_network_that_cannot_be_built_is_one_sentence(path, num_classes):
    edited(path, network(kwargs={"num_classes": num_classes}))
    with pytest.raises(CheckpointError, match="holds a network that cannot be built here: "):
        load_model(path)


def test_weights_that_are_not_finite_or_were_integers_are_refused(path):
    original = path.read_bytes()
    for bad in (np.nan, np.inf):
        spoilt = {"model.f6.bias": np.full(84, bad, np.float32)}
        path.write_bytes(original)
        edited(path, lambda c: c, partial(dict, **spoilt))
        with pytest.raises(CheckpointError, match=r"holds weights that are NaN or infinite, in f6\.bias"):
            load_model(path)
        assert load_checkpoint(path)["model"]["f6.bias"].shape == (84,)  # to look at them is no mistake
    path.write_bytes(original)
    edited(path, lambda c: c, lambda arrays: {**arrays, "model.f6.bias": arrays["model.f6.bias"].view(np.int32)})
    with pytest.raises(CheckpointError, match=r"f6\.bias is int32 but should be float32"):
        load_model(path)
