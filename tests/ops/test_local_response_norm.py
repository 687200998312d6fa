"""local_response_norm against PyTorch, its two conventions, its messages, and its layer."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, kernels, nn, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.testing import gradcheck_module
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


def random(seed, *shape):
    return np.random.default_rng([5, seed]).standard_normal(shape)


@pytest.mark.parametrize("seed", range(30))
def test_equals_pytorch(seed):
    torch = pytest.importorskip("torch")
    case = CASES["local_response_norm"](RandomDraw(seed))
    a = case.attributes
    x = Tensor(case.inputs["x"], requires_grad=True)
    t = torch.tensor(case.inputs["x"], requires_grad=True)
    image = t if t.ndim > 2 else t[:, :, None]  # PyTorch wants at least one axis behind the channels
    expected = torch.nn.functional.local_response_norm(image, a["size"], a["alpha"] * a["size"], a["beta"], a["k"]).reshape(t.shape)
    y = case.function(x)
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    dy = random(seed, *y.shape)
    y.backward(dy)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [4, 5])
def test_the_default_convention_is_that_of_pytorch(size):
    torch = pytest.importorskip("torch")
    x = 30 * random(0, 2, 7, 3, 4)
    expected = torch.nn.LocalResponseNorm(size)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(nn.LocalResponseNorm(size)(Tensor(x)).numpy(), expected, rtol=1e-12)


def test_groups_are_normalised_each_for_itself():
    x = random(0, 2, 8, 3, 3)
    layer, alone = nn.LocalResponseNorm(5, alpha=1.0, groups=2), nn.LocalResponseNorm(5, alpha=1.0)
    halves = [alone(Tensor(half)).numpy() for half in np.split(x, 2, axis=1)]
    np.testing.assert_array_equal(layer(Tensor(x)).numpy(), np.concatenate(halves, axis=1))
    assert not np.allclose(layer(Tensor(x)).numpy(), alone(Tensor(x)).numpy())
    gradcheck_module(layer, [x])


def test_the_convention_of_the_paper():
    x = 30 * random(0, 1, 8, 2, 2)
    y = ops.local_response_norm(Tensor(x), 5, alpha=1e-4, beta=0.75, k=2, convention="paper").numpy()
    for i in range(8):  # sec. 3.3: j from max(0, i - n/2) to min(N - 1, i + n/2)
        total = (x[:, max(0, i - 2) : min(7, i + 2) + 1] ** 2).sum(axis=1)
        np.testing.assert_allclose(y[:, i], x[:, i] / (2 + 1e-4 * total) ** 0.75, rtol=1e-12)
    torch_like = ops.local_response_norm(Tensor(x), 5, alpha=5e-4, beta=0.75, k=2).numpy()
    np.testing.assert_allclose(torch_like, y, rtol=1e-12)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(threads):
    from minicnn.kernels.cpu.threads import set_num_threads

    x, dy = random(1, 4, 12, 27, 27), random(2, 4, 12, 27, 27)
    attributes = {"size": 4, "alpha": 0.3, "beta": 0.75, "k": 2.0}
    array, cpu = (kernels.find("local_response_norm", [folder]) for folder in ("array", "cpu"))
    expected, saved = array.forward(x, **attributes)
    (expected_dx,) = array.backward(dy, saved, needs=(True,))
    set_num_threads(threads)
    try:
        y, saved = cpu.forward(x, **attributes)
        (dx,) = cpu.backward(dy, saved, needs=(True,))
    finally:
        set_num_threads(None)
    np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("folder", kernels.FOLDERS)
def test_no_gradient_unless_asked_for(folder):
    kernel = kernels.find("local_response_norm", [folder])
    _, saved = kernel.forward(random(0, 2, 3, 2), size=3, alpha=1.0, beta=0.75, k=1.0)
    assert kernel.backward(random(1, 2, 3, 2), saved, needs=(False,)) == (None,)


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: ops.local_response_norm(x, 0), ArgumentError, ["size", ">= 1"]),
        (lambda x: ops.local_response_norm(x, 5, k=0), ArgumentError, ["k must be a number above 0"]),
        (lambda x: ops.local_response_norm(x, 5, alpha=-1), ArgumentError, ["alpha", ">= 0"]),
        (lambda x: ops.local_response_norm(x, 5, convention="caffe"), ArgumentError, ["'torch', 'paper'", "'caffe'"]),
        (lambda x: ops.local_response_norm(x[:0], 5), ShapeError, ["empty"]),
        (lambda x: ops.local_response_norm(x[0, 0, 0], 5), ShapeError, ["(N, C, ...)"]),
        (lambda x: ops.local_response_norm(x.astype("int64"), 5), DtypeError, ["int64"]),
        (lambda x: nn.LocalResponseNorm(5, k=-1), ArgumentError, ["k must be"]),
        (lambda x: nn.LocalResponseNorm(5, groups=0), ArgumentError, ["groups must be an integer >= 1, not 0"]),
        (nn.LocalResponseNorm(5, groups=2), ShapeError, ["groups=2 must divide the number of channels, which is 3", "(2, 3, 5, 7)"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(2, 3, 5, 7))
    for part in parts:
        assert part in str(caught.value)


def test_repr_shows_what_differs():
    assert repr(nn.LocalResponseNorm(5)) == "LocalResponseNorm(5)"
    assert repr(nn.LocalResponseNorm(5, groups=2)) == "LocalResponseNorm(5, groups=2)"
    assert repr(nn.LocalResponseNorm(5, k=2, convention="paper")) == "LocalResponseNorm(5, k=2, convention='paper')"
