"""The over-network: each string uses its own part of the weights, and computes what its network would."""

import numpy as np
import pytest

from minicnn import models
from minicnn.backend import use_backend
from minicnn.errors import ArgumentError
from minicnn.search import CellSpace, OverNetwork

SPACE = CellSpace(blocks=2, operations=("id", "sep3", "max3"))
STRING = "cells sep3:0+id:1 max3:2+sep3:0 / max3:0+sep3:1 id:0+sep3:1"
X = np.random.default_rng(0).normal(size=(6, 1, 8, 8)).astype(np.float32)


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


def network():
    return OverNetwork(2, SPACE.operations, cells=1, filters=4)


def used(over, string):
    """Parameters that have a gradient after a step with this string."""
    over.zero_grad()
    over(X, string).sum().backward()
    return {name for name, parameter in over.named_parameters() if parameter.grad is not None and np.abs(parameter.grad.numpy()).max() > 0}


def test_a_string_uses_the_weights_of_its_operations_and_no_others():
    names = {name.split(".")[2] for name in used(network(), STRING) if ".block_" in name}
    normal, reduction = {"block_0_left_0_sep3", "block_1_right_0_sep3"}, {"block_0_right_1_sep3", "block_1_left_0_id", "block_1_right_1_sep3"}
    assert names == normal | reduction
    places = {name.split(".")[1] for name in used(network(), STRING) if "block_1_left_0_id" in name}
    assert places == {"1", "3"}  # an identity has weights in the reduction cells only


def test_every_place_has_weights_of_its_own():
    over = network()
    blocks = {name.rsplit(".", 1)[0] for name, _ in over.named_parameters() if ".block_" in name}
    with_sep3 = {name.split(".")[2] for name in blocks if name.split(".")[1] == "0" and "sep3" in name.split(".")[2]}
    assert len(with_sep3) == 2 * 2 + 2 * 3  # two sides, of two states and of three
    assert len({id(parameter) for parameter in over.parameters()}) == len(list(over.parameters()))


@pytest.mark.parametrize("cells", [1, 2])
def test_computes_what_the_network_of_the_string_would(cells):
    """With all new states put out, both have weights of the same shapes."""
    string = "cells sep3:0+id:1 max3:0+sep3:0 / max3:0+sep3:1 id:0+sep3:1"
    over = OverNetwork(2, SPACE.operations, cells=cells, filters=4)
    child = models.create_from_string(string, cells=cells, filters=4)
    shared, state = over.state_dict(), {}
    for name in child.state_dict():
        parts = name.split(".")
        if parts[0] == "features" and parts[2].startswith("comb_iter"):
            _, _, i, side = parts[2].split("_")
            own = child.features[int(parts[1])]
            left, a, right, b = own.steps[int(i)]
            operation, read = (left, a) if side == "left" else (right, b)
            parts[2] = f"block_{i}_{side}_{read}_{ {'separable 3x3': 'sep3', 'identity': 'id', 'max 3x3': 'max3'}[operation] }"
        state[name] = shared[".".join(parts)]
    child.load_state_dict(state)
    np.testing.assert_allclose(over(X, string).numpy(), child(X).numpy(), rtol=1e-4, atol=1e-5)


def test_states_that_are_read_are_zeros_in_the_output():
    over = network()
    seen = []
    over.features[0].register_forward_hook(lambda module, inputs, output: seen.append(output.numpy()))
    over(X, STRING)
    assert (seen[0][:, :4] == 0).all()  # block 1 of the normal cell reads state 2
    assert np.abs(seen[0][:, 4:]).max() > 0


def test_wrong_input():
    for options, sentence in (({"filters": 5}, "OverNetwork: filters must be even"), ({"cells": 0}, "OverNetwork: cells must be an integer >= 1, not 0")):
        with pytest.raises(ArgumentError, match=sentence):
            OverNetwork(1, ("id",), **options)
