"""The 16-bit copies of weights inside `autocast`: made once, never stale, and good for several graphs."""

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.capture import Seeds, drawing
from minicnn.ops import autocast as rules
from minicnn.ops.dtype import AsType


@pytest.fixture(autouse=True)
def _simulated_gpu():
    with minicnn.use_backend("cudasim"):
        minicnn.manual_seed(0)
        yield


@pytest.fixture
def casts(monkeypatch):
    """How often a weight has been converted."""
    made = []
    forward = rules.WeightCast.forward
    monkeypatch.setattr(rules.WeightCast, "forward", lambda self, x, *, dtype: made.append(x) or forward(self, x, dtype=dtype))
    return made


def test_a_weight_is_converted_once_however_often_it_is_used(casts):
    layer, x = nn.Linear(6, 6, bias=False), minicnn.ones(2, 6)
    with minicnn.autocast("bf16"):
        y = layer(layer(x)) + layer(x)
        with minicnn.autocast("bf16"):
            y = y + layer(x)
    y.sum().backward()
    assert len(casts) == 1
    expected = nn.Linear(6, 6, bias=False)
    expected.load_state_dict(layer.state_dict())
    (expected(expected(x)) + 2 * expected(x)).sum().backward()
    error = layer.weight.grad.numpy() - expected.weight.grad.numpy()
    assert np.linalg.norm(error) < 2**-7 * np.linalg.norm(expected.weight.grad.numpy())


def test_the_next_block_converts_anew(casts):
    layer, x = nn.Linear(6, 6, bias=False), minicnn.ones(2, 6)
    for count in (1, 2):
        with minicnn.autocast("bf16"):
            layer(x)
        assert len(casts) == count


@pytest.mark.parametrize(
    "edit",
    [
        lambda layer: optim.SGD(layer.parameters(), lr=1.0).step(),
        lambda layer: layer.weight.fill_(0.5),
        lambda layer: layer.load_state_dict({"weight": np.full((6, 6), 0.5)}),
        lambda layer: setattr(layer.weight, "data", np.full((6, 6), 0.5, np.float32)),
    ],
    ids=["a step", "in place", "loaded", "replaced"],
)
def test_a_copy_is_made_anew_when_the_weight_has_changed(edit):
    layer, x = nn.Linear(6, 6, bias=False), minicnn.ones(2, 6)
    layer.weight.grad = minicnn.ones(6, 6)
    with minicnn.autocast("bf16"):
        layer(x)
        with minicnn.no_grad():
            edit(layer)
        y = layer(x)
    np.testing.assert_allclose(y.numpy().astype("float32"), np.ones((2, 6)) @ layer.weight.numpy().T, rtol=0.02)


def test_several_graphs_share_a_copy_and_each_can_be_walked(casts):
    """As when the gradients of two batches add up."""
    layer = nn.Linear(6, 1, bias=False)
    with minicnn.autocast("bf16"):
        first, second = layer(minicnn.ones(1, 6)).sum(), layer(2 * minicnn.ones(1, 6)).sum()
        first.backward()
        assert layer.weight.grad.tolist() == [[1.0] * 6]
        second.backward()
    assert layer.weight.grad.tolist() == [[3.0] * 6]
    assert len(casts) == 1


def test_a_copy_made_without_recording_does_not_swallow_the_gradient():
    layer, x = nn.Linear(6, 1, bias=False), minicnn.ones(1, 6)
    with minicnn.autocast("bf16"):
        with minicnn.no_grad():
            layer(x)
        layer(x).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0] * 6]


def test_a_frozen_weight_can_be_used(casts):
    layer = nn.Linear(6, 1).requires_grad_(False)
    with minicnn.autocast("bf16"):
        assert layer(minicnn.ones(1, 6)).dtype == "bfloat16"
    assert not casts


def test_a_cuda_graph_that_is_recorded_converts_by_itself(monkeypatch, casts):
    """A copy from before would be that of a weight of long ago when the graph is launched, and one from inside is empty until then."""
    layer, x, converted = nn.Linear(6, 1, bias=False), minicnn.ones(1, 6), []
    forward = AsType.forward
    monkeypatch.setattr(AsType, "forward", lambda self, x, *, dtype: converted.append(x) or forward(self, x, dtype=dtype))
    with minicnn.autocast("bf16"):
        layer(x)
        with drawing(Seeds(np.zeros(1, np.uint64))):
            y = layer(x)
        assert sum(array is layer.weight.data for array in converted) == 1, "not as a WeightCast"
        layer(x)
    assert len(casts) == 1
    y.sum().backward()
    assert layer.weight.grad.tolist() == [[1.0] * 6]
