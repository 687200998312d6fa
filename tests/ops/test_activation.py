"""Activations against PyTorch, far out and at the kinks, their messages, and their layers."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops
from minicnn.errors import ArgumentError, AutogradError, DtypeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw

NAMES = ["relu", "leaky_relu", "relu6", "sigmoid", "tanh", "silu", "hardswish"]
LAYERS = [nn.ReLU, nn.LeakyReLU, nn.ReLU6, nn.Sigmoid, nn.Tanh, nn.SiLU, nn.Hardswish]


def torch_and_mine(torch, name, x, dy, **attributes):
    theirs = torch.tensor(x, requires_grad=True)
    expected = getattr(torch.nn.functional, name)(theirs, **attributes)
    expected.backward(torch.tensor(dy))
    mine = Tensor(x, requires_grad=True)
    y = getattr(ops, name)(mine, **attributes)
    y.backward(dy)
    return (y.numpy(), mine.grad.numpy()), (expected.detach().numpy(), theirs.grad.numpy())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", NAMES)
def test_equals_pytorch(name, seed, backend):
    torch = pytest.importorskip("torch")
    case = CASES[name](RandomDraw(seed))
    x = case.inputs["x"]
    dy = np.random.default_rng([1, seed]).standard_normal(x.shape)
    mine, theirs = torch_and_mine(torch, name, x, dy, **case.attributes)
    np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_far_out_and_at_the_kinks_as_pytorch(name, backend):
    torch = pytest.importorskip("torch")
    x = np.array([-1e4, -700.0, -50.0, -3.0, -0.0, 0.0, 3.0, 6.0, 50.0, 700.0, 1e4])
    mine, theirs = torch_and_mine(torch, name, x, np.ones_like(x))
    np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", NAMES)
def test_a_nan_is_not_swept_away(name, backend):
    assert np.isnan(getattr(ops, name)(Tensor([1.0, np.nan])).numpy()).tolist() == [False, True]


@pytest.mark.parametrize("name", NAMES)
def test_many_pieces_and_threads_give_what_the_array_kernels_give(name):
    generator = np.random.default_rng(3)
    x, dy = (generator.standard_normal((3, 5, 130, 131)).astype(np.float32) * 4 for _ in range(2))
    results = []
    for backend in ("numpy", "numba"):
        with minicnn.use_backend(backend):
            t = Tensor(x, requires_grad=True)
            y = getattr(ops, name)(t)
            y.backward(dy)
            results.append((y.numpy(), t.grad.numpy()))
    slack = 5e-6 if name == "tanh" else 1e-6  # its slope 1 - y² has twice y's last digit, 6e-8, times a dy of up to 18, in both
    for mine, reference in zip(*results, strict=True):
        np.testing.assert_allclose(mine, reference, rtol=2e-6, atol=slack)


@pytest.mark.parametrize("name", NAMES)
def test_layouts_that_are_not_in_a_row(name, backend):
    x = Tensor(np.random.default_rng(4).standard_normal((4, 6, 5))).transpose(2, 0, 1)[:, ::2]
    f = getattr(ops, name)
    expected = f(Tensor(np.ascontiguousarray(x.numpy()))).numpy()
    np.testing.assert_array_equal(f(x).numpy(), expected)
    assert f(Tensor(np.float64(0.5))).shape == ()
    assert f(Tensor(np.ones((0, 3)))).shape == (0, 3)


@pytest.mark.parametrize("name", ["relu", "relu6", "sigmoid", "tanh"])
def test_an_edit_of_a_result_that_backward_reads_is_noticed(name):
    y = getattr(ops, name)(Tensor([1.0, -1.0], requires_grad=True))
    loss = y.sum()
    with minicnn.no_grad():
        y.fill_(0.5)
    with pytest.raises(AutogradError, match="result"):
        loss.backward()


def test_messages():
    with pytest.raises(DtypeError, match="relu: x is int64, but must be a floating-point tensor"):
        ops.relu(Tensor([1, 2]))
    with pytest.raises(ArgumentError, match="negative_slope must be a finite number, not 'a'"):
        ops.leaky_relu(Tensor([1.0]), "a")
    with pytest.raises(ArgumentError, match="LeakyReLU: negative_slope"):
        nn.LeakyReLU(float("nan"))


@pytest.mark.parametrize(("name", "layer"), list(zip(NAMES, LAYERS, strict=True)))
def test_layers_are_the_functions(name, layer):
    x = Tensor(RandomDraw(5).array(3, 4) * 4)
    np.testing.assert_array_equal(layer()(x).numpy(), getattr(ops, name)(x).numpy())


def test_repr_and_arguments():
    assert repr(nn.ReLU()) == "ReLU()"
    assert repr(nn.LeakyReLU(0.2)) == "LeakyReLU(negative_slope=0.2)"
    assert nn.LeakyReLU(negative_slope=0.5)(Tensor([-2.0])).item() == -1.0
    assert nn.LeakyReLU()(Tensor([-100.0])).item() == pytest.approx(-1.0)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_methods_of_a_tensor(name):
    x = Tensor([-1.0, 2.0])
    np.testing.assert_array_equal(getattr(x, name)().numpy(), getattr(ops, name)(x).numpy())
