"""Recurrent cells against their equations in NumPy, a derivation of backward through time by hand, and PyTorch; their gradients, messages, and first weights."""

import functools
import math

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops
from minicnn.errors import ArgumentError, ShapeError
from minicnn.testing import gradcheck

N, D, H, STEPS = 3, 4, 5, 20
CELLS = {
    "tanh": nn.RNNCell,
    "relu": functools.partial(nn.RNNCell, nonlinearity="relu"),
    "lstm": nn.LSTMCell,
}


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def cell(name, *sizes, **more):
    minicnn.manual_seed(1)
    return CELLS[name](*(sizes or (D, H)), **more).astype("float64")


def walk(cell, xs, state=None):
    """(last state, all h) over the steps xs (T, N, D)."""
    hs = []
    for x in xs:
        state = cell(x, state)
        hs.append(state[0] if isinstance(state, tuple) else state)
    return state, ops.stack(hs)


def logistic(a):
    return 1 / (1 + np.exp(-a))


def in_numpy(name, p, xs, h, c):
    """The equations, one gate after the other: rows 0..H of the matrices for i, then f, g, o."""
    hs = []
    for x in xs:
        a = [
            np.array([[sum(w * v for w, v in zip(p["weight_ih"][j], row, strict=True)) for j in range(k, k + H)] for row in x])
            + h @ p["weight_hh"][k : k + H].T + p["bias_ih"][k : k + H] + p["bias_hh"][k : k + H]
            for k in range(0, len(p["weight_ih"]), H)
        ]  # fmt: skip
        if name == "lstm":
            c = logistic(a[1]) * c + logistic(a[0]) * np.tanh(a[2])
            h = logistic(a[3]) * np.tanh(c)
        else:
            h = np.tanh(a[0]) if name == "tanh" else np.maximum(a[0], 0)
        hs.append(h)
    return np.array(hs), c


@pytest.mark.parametrize("name", CELLS)
def test_twenty_steps_are_the_equations(name):
    layer, xs, h, c = cell(name), numbers(STEPS, N, D), numbers(N, H, seed=1), numbers(N, H, seed=2)
    parameters = layer.state_dict()
    state, hs = walk(layer, Tensor(xs), (Tensor(h), Tensor(c)) if name == "lstm" else Tensor(h))
    expected, last = in_numpy(name, parameters, xs, h, c)
    np.testing.assert_allclose(hs.numpy(), expected, rtol=1e-11, atol=1e-13)
    if name == "lstm":
        np.testing.assert_allclose(state[1].numpy(), last, rtol=1e-11, atol=1e-13)


def test_backward_through_twenty_steps_is_the_derivation():
    """dL/da of step t is (1 - h²) (dL/dh + W_hhᵀ dL/da of step t + 1), and each matrix gets the sum over all steps."""
    layer, xs, dh = cell("tanh"), numbers(STEPS, N, D), numbers(STEPS, N, H, seed=3)
    _, hs = walk(layer, Tensor(xs))
    (hs * Tensor(dh)).sum().backward()
    h, W, later = hs.numpy(), layer.weight_hh.numpy(), np.zeros((N, H))
    dW_ih, dW_hh, db = np.zeros((H, D)), np.zeros((H, H)), np.zeros(H)
    for t in reversed(range(STEPS)):
        da = (1 - h[t] ** 2) * (dh[t] + later)
        later = da @ W
        dW_ih, db = dW_ih + da.T @ xs[t], db + da.sum(0)
        dW_hh = dW_hh + (da.T @ h[t - 1] if t else 0)
    for parameter, expected in zip(layer.parameters(), (dW_ih, dW_hh, db, db), strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", CELLS)
def test_gradients_through_three_steps(name, bias):
    layer = cell(name, 2, 3, bias=bias)
    keys = list(layer.state_dict())
    inputs = {key: value.copy() for key, value in layer.state_dict().items()}
    inputs |= {"xs": numbers(3, 2, 2), "h": numbers(2, 3, seed=1)} | ({"c": numbers(2, 3, seed=2)} if name == "lstm" else {})

    def run(*tensors):
        given = dict(zip(inputs, tensors, strict=True))
        for key in keys:
            vars(layer)[key] = given[key]
        _, hs = walk(layer, given["xs"], (given["h"], given["c"]) if name == "lstm" else given["h"])
        return hs

    gradcheck(run, inputs, name=name)


@pytest.mark.parametrize("name", CELLS)
def test_pytorch_has_the_same_names_results_and_gradients(name):
    torch = pytest.importorskip("torch")
    theirs = (torch.nn.LSTMCell(D, H) if name == "lstm" else torch.nn.RNNCell(D, H, nonlinearity=name)).double()
    mine, data = cell(name), numbers(STEPS, N, D)
    mine.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    x, torch_x = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    _, hs = walk(mine, x)
    state, torch_hs = None, []
    for row in torch_x:
        state = theirs(row, state)
        torch_hs.append(state[0] if name == "lstm" else state)
    expected = torch.stack(torch_hs)
    np.testing.assert_allclose(hs.numpy(), expected.detach().numpy(), rtol=1e-11, atol=1e-13)
    dy = numbers(STEPS, N, H, seed=4)
    hs.backward(dy)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(x.grad.numpy(), torch_x.grad.numpy(), rtol=1e-9, atol=1e-12)
    for (key, parameter), (torch_key, torch_parameter) in zip(mine.named_parameters(), theirs.named_parameters(), strict=True):
        assert key == torch_key
        np.testing.assert_allclose(parameter.grad.numpy(), torch_parameter.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_works_on_the_simulated_gpu_too(name):
    minicnn.manual_seed(2)
    layer = CELLS[name](D, H)
    x = numbers(2, N, D).astype(np.float32)
    expected = walk(layer, Tensor(x))[1].numpy()
    with minicnn.use_backend("cudasim"):
        np.testing.assert_allclose(walk(layer, Tensor(x))[1].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_an_open_gate_keeps_the_cell_and_a_closed_one_forgets():
    """With f = 1 and i = 0, c goes through any number of steps, and so does its gradient: what the cell was invented for."""
    layer = nn.LSTMCell(1, 1).astype("float64")
    for parameter, gates in ((layer.weight_ih, [0, 0, 0, 0]), (layer.weight_hh, [0, 0, 0, 0]), (layer.bias_ih, [-40, 40, 0, 0]), (layer.bias_hh, [0] * 4)):
        parameter.data = np.array(gates, float).reshape(parameter.shape)
    h, c = Tensor(np.zeros((1, 1))), Tensor([[0.5]], requires_grad=True, dtype="float64")
    (_, last), _ = walk(layer, Tensor(np.ones((100, 1, 1))), (h, c))
    last.backward(np.ones((1, 1)))
    assert last.item() == 0.5
    assert c.grad.item() == 1
    layer.bias_ih.data = np.array([-40.0, -40, 0, 0])
    assert abs(layer(Tensor(np.ones((1, 1))), (h, c))[1].item()) < 1e-15


@pytest.mark.parametrize("name", CELLS)
def test_no_state_is_a_state_of_zeros(name):
    layer, x, zeros = cell(name), Tensor(numbers(N, D)), Tensor(np.zeros((N, H)))
    given, left_out = layer(x, (zeros, zeros) if name == "lstm" else zeros), layer(x)
    for a, b in zip(given, left_out, strict=True) if name == "lstm" else [(given, left_out)]:
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_first_weights_are_uniform_within_one_over_the_root_of_the_state():
    minicnn.manual_seed(0)
    layer = nn.LSTMCell(64, 100)
    for parameter in layer.parameters():
        values = parameter.numpy()
        assert np.abs(values).max() <= 0.1
        assert abs(values.std() - 0.1 / math.sqrt(3)) < 0.005
    minicnn.manual_seed(0)
    np.testing.assert_array_equal(nn.LSTMCell(64, 100).weight_hh.numpy(), layer.weight_hh.numpy())


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: nn.RNNCell(0, 5), ArgumentError, "RNNCell: input_size must be an integer >= 1, not 0"),
        (lambda: nn.LSTMCell(4, 2.5), ArgumentError, "LSTMCell: hidden_size must be an integer >= 1, not 2.5"),
        (lambda: nn.LSTMCell(4, 5, bias=1), ArgumentError, "LSTMCell: bias must be True or False"),
        (lambda: nn.RNNCell(4, 5, nonlinearity="sigmoid"), ArgumentError, "RNNCell: nonlinearity must be one of 'tanh', 'relu', not 'sigmoid'"),
        (lambda: nn.RNNCell(4, 5)(minicnn.zeros(3, 6)), ShapeError, "RNNCell(4, 5): input must be (N, 4), the numbers of one time step; x is (3, 6)"),
        (lambda: nn.LSTMCell(4, 5)(minicnn.zeros(3, 7, 4)), ShapeError, "a cell takes one step: loop over the time axis, x[:, t]"),
        (lambda: nn.RNNCell(4, 5)(minicnn.zeros(3, 4), minicnn.zeros(2, 5)), ShapeError, "h must be (N, hidden_size) = (3, 5), as x is (3, 4); h is (2, 5)"),
        (lambda: nn.LSTMCell(4, 5)(minicnn.zeros(3, 4), (minicnn.zeros(3, 5), minicnn.zeros(3, 4))), ShapeError, "c must be (N, hidden_size) = (3, 5)"),
        (lambda: nn.LSTMCell(4, 5)(minicnn.zeros(3, 4), minicnn.zeros(3, 5)), ShapeError, "the state of an LSTM is a pair (h, c)"),
    ],
)
def test_messages(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert sentence in str(caught.value)


def test_how_they_are_shown():
    assert repr(nn.RNNCell(4, 5)) == "RNNCell(4, 5)"
    assert repr(nn.RNNCell(4, 5, bias=False, nonlinearity="relu")) == "RNNCell(4, 5, bias=False, nonlinearity='relu')"
    assert repr(nn.LSTMCell(4, 5, bias=False)) == "LSTMCell(4, 5, bias=False)"
    assert list(nn.LSTMCell(4, 5, bias=False).state_dict()) == ["weight_ih", "weight_hh"]
