"""linear against PyTorch, its messages, and its layer."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


@pytest.mark.parametrize("seed", range(10))
def test_equals_pytorch(seed, backend):
    torch = pytest.importorskip("torch")
    case = CASES["linear"](RandomDraw(seed))
    mine = {k: None if v is None else Tensor(v, requires_grad=True) for k, v in case.inputs.items()}
    theirs = {k: None if v is None else torch.tensor(v, requires_grad=True) for k, v in case.inputs.items()}
    expected = torch.nn.functional.linear(*theirs.values())
    dy = np.random.default_rng([1, seed]).standard_normal(expected.shape)
    y = ops.linear(*mine.values())
    y.backward(dy)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    for name, t in mine.items():
        if t is not None:
            np.testing.assert_allclose(t.grad.numpy(), theirs[name].grad.numpy(), rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x, w: ops.linear(x.reshape(2, 5, 4, 3), w), ShapeError, ["3 features", "expected 60", "5 x 4 x 3 = 60", "x.flatten(1)"]),
        (lambda x, w: ops.linear(x[:, :59], w), ShapeError, ["59 features", "expected 60", "(2, 59)"]),
        (lambda x, w: ops.linear(x[:0], w), ShapeError, ["empty", "(0, 60)"]),
        (lambda x, w: ops.linear(3.0, w), ShapeError, ["single number"]),
        (lambda x, w: ops.linear(x, w.reshape(7, 5, 12)), ShapeError, ["matrix (O, D)", "(7, 5, 12)"]),
        (lambda x, w: ops.linear(x, w, minicnn.zeros(60)), ShapeError, ["bias", "(7,)", "(60,)"]),
        (lambda x, w: ops.linear(x.astype("float64"), w), DtypeError, ["x is float64", "w is float32"]),
        (lambda x, w: ops.linear(x.astype("uint8"), w), DtypeError, ["uint8", "x.astype('float32')"]),
        (lambda x, w: nn.Linear(0, 3), ArgumentError, ["Linear: in_features must be an integer >= 1, not 0"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(2, 60), minicnn.ones(7, 60))
    for part in parts:
        assert part in str(caught.value)


def test_no_hint_to_flatten_where_it_would_not_help():
    with pytest.raises(ShapeError) as caught:
        ops.linear(minicnn.ones(2, 5, 4, 3), minicnn.ones(7, 61))
    assert "flatten" not in str(caught.value)


def test_a_message_names_the_layer():
    with pytest.raises(ShapeError) as caught:
        nn.Sequential(nn.ReLU(), nn.Linear(400, 120))(minicnn.zeros(8, 16, 5, 5))
    assert str(caught.value) == (
        "1 Linear(400, 120): input has 5 features, expected 400; x is (8, 16, 5, 5); "
        "16 x 5 x 5 = 400, so flatten it first: x.flatten(1), or nn.Flatten()"
    )


def test_the_layer_starts_by_he_s_rule():
    minicnn.manual_seed(0)
    layer = nn.Linear(200, 300)
    assert layer.weight.shape == (300, 200)
    assert layer.weight.numpy().std() == pytest.approx((2 / 200) ** 0.5, rel=0.02)
    np.testing.assert_array_equal(layer.bias.numpy(), np.zeros(300))
    assert list(nn.Linear(2, 3, bias=False).state_dict()) == ["weight"]
    assert repr(nn.Linear(2, 3, bias=False)) == "Linear(2, 3, bias=False)"


def test_identity_changes_nothing():
    x = minicnn.ones(2, 3)
    assert nn.Identity()(x) is x
