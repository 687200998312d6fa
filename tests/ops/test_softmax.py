"""softmax and log_softmax against PyTorch, far out, their messages, and their layers."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops
from minicnn.errors import ArgumentError, AutogradError, DtypeError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_equals_pytorch(name, seed, backend):
    torch = pytest.importorskip("torch")
    case = CASES[name](RandomDraw(seed))
    x, axis = case.inputs["x"], case.attributes["axis"]
    mine, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    dy = np.random.default_rng([1, seed]).standard_normal(x.shape)
    y = getattr(ops, name)(mine, axis)
    y.backward(dy)
    expected = getattr(torch.nn.functional, name)(theirs, axis)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-10, atol=1e-10)


def test_large_scores_do_not_overflow_and_small_probabilities_keep_their_digits(backend):
    x = Tensor(np.array([[1e4, 1e4 - 1, -1e4], [-1e4, -1e4 - 800, -1e4]]))
    y, log_y = ops.softmax(x).numpy(), ops.log_softmax(x).numpy()
    e = np.exp(-1)
    np.testing.assert_allclose(y, [[1 / (1 + e), e / (1 + e), 0], [0.5, 0, 0.5]], rtol=1e-12)
    np.testing.assert_allclose(log_y[1], [-np.log(2), -800 - np.log(2), -np.log(2)], rtol=1e-12)
    np.testing.assert_allclose(log_y[0, 2], -2e4 - np.log(1 + e), rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_many_pieces_and_threads_give_what_the_array_kernels_give(name, axis):
    x, dy = (np.random.default_rng(seed).standard_normal((5, 21, 40, 70)).astype(np.float32) for seed in (1, 2))
    results = []
    for backend in ("numpy", "numba"):
        with minicnn.use_backend(backend):
            t = Tensor(x, requires_grad=True)
            y = getattr(ops, name)(t, axis)
            y.backward(dy)
            results.append((y.numpy(), t.grad.numpy()))
    for mine, reference in zip(*results, strict=True):
        np.testing.assert_allclose(mine, reference, rtol=1e-4, atol=1e-5)


def test_infinite_scores_become_nan_in_every_thread_without_a_warning():
    for backend in ("numpy", "numba"):
        with minicnn.use_backend(backend):
            assert np.isnan(ops.softmax(Tensor(np.full((1000, 500), np.inf))).numpy()).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_messages(name):
    f = getattr(ops, name)
    with pytest.raises(ShapeError, match=rf"{name}: there is no axis 2; the tensor has axes 0 to 1"):
        f(minicnn.ones(2, 3), axis=2)
    with pytest.raises(ArgumentError, match="an axis is an integer"):
        f(minicnn.ones(2, 3), axis=None)
    with pytest.raises(ShapeError, match=rf"{name}: input is empty, x is \(0, 3\)"):
        f(Tensor(np.ones((0, 3))))
    with pytest.raises(ShapeError, match="no axes"):
        f(Tensor(1.0))
    with pytest.raises(DtypeError, match="int64"):
        f(Tensor([1, 2]))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_an_edit_of_the_result_is_noticed(name):
    y = getattr(ops, name)(Tensor([1.0, -1.0], requires_grad=True))
    loss = y.sum()
    with minicnn.no_grad():
        y.fill_(0.5)
    with pytest.raises(AutogradError, match="result"):
        loss.backward()


def test_layers():
    x = Tensor(RandomDraw(1).array(2, 3, 4))
    np.testing.assert_array_equal(nn.Softmax(dim=1)(x).numpy(), ops.softmax(x, 1).numpy())
    np.testing.assert_array_equal(nn.LogSoftmax(dim=0)(x).numpy(), ops.log_softmax(x, 0).numpy())
    np.testing.assert_array_equal(nn.Softmax()(x).numpy(), ops.softmax(x, 2).numpy())
    assert repr(nn.Softmax(dim=1)) == "Softmax(dim=1)"
