"""layer_norm against PyTorch, its messages, and its layer."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, kernels, nn, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


def random(seed, *shape):
    return np.random.default_rng([4, seed]).standard_normal(shape)


@pytest.mark.parametrize("seed", range(20))
def test_equals_pytorch(seed):
    torch = pytest.importorskip("torch")
    case = CASES["layer_norm"](RandomDraw(seed))
    mine = {k: None if v is None else Tensor(v, requires_grad=True) for k, v in case.inputs.items()}
    theirs = {k: None if v is None else torch.tensor(v, requires_grad=True) for k, v in case.inputs.items()}
    last = case.inputs["x"].shape[-case.attributes["ndim"] :]
    expected = torch.nn.functional.layer_norm(theirs["x"], last, theirs["gamma"], theirs["beta"], case.attributes["eps"])
    y = case.function(*mine.values())
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    dy = random(seed, *y.shape)
    y.backward(dy)
    expected.backward(torch.tensor(dy))
    for name, tensor in mine.items():
        if tensor is not None:
            np.testing.assert_allclose(tensor.grad.numpy(), theirs[name].grad.numpy(), rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(threads):
    from minicnn.kernels.cpu.threads import set_num_threads

    x, gamma, beta, dy = random(1, 700, 384), random(2, 384), random(3, 384), random(4, 700, 384)
    array, cpu = (kernels.find("layer_norm", [folder]) for folder in ("array", "cpu"))
    expected, saved = array.forward(x, gamma, beta, ndim=1, eps=1e-5)
    expected_gradients = array.backward(dy, saved, needs=(True, True, True))
    set_num_threads(threads)
    try:
        y, saved = cpu.forward(x, gamma, beta, ndim=1, eps=1e-5)
        gradients = cpu.backward(dy, saved, needs=(True, True, True))
    finally:
        set_num_threads(None)
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-10)
    for mine, theirs in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("folder", kernels.FOLDERS)
def test_a_mean_far_from_zero_loses_no_digits(folder):
    x = (1e4 + random(5, 3, 100)).astype(np.float32)
    y, _ = kernels.find("layer_norm", [folder]).forward(x, None, None, ndim=1, eps=1e-5)
    np.testing.assert_allclose(y.astype(np.float64).var(1), 1, rtol=1e-3)
    np.testing.assert_allclose(y.astype(np.float64).mean(1), 0, atol=1e-2 if folder == "loops" else 1e-3)


def test_the_cpu_kernel_is_accurate_in_float32():
    """Far from zero the mean has digits that a float32 does not hold; they are carried along in the sums."""
    x, dy = (1e4 + random(5, 3, 500)).astype(np.float32), (random(6, 3, 500) + 0.5).astype(np.float32)
    kernel, results = kernels.find("layer_norm", ["cpu"]), {}
    for dtype in (np.float32, np.float64):
        y, saved = kernel.forward(x.astype(dtype), np.full(500, 100, dtype), np.zeros(500, dtype), ndim=1, eps=1e-5)
        results[dtype] = (y, *kernel.backward(dy.astype(dtype), saved, needs=(True, True, True)))
    for wide, narrow in zip(results[np.float64], results[np.float32], strict=True):
        np.testing.assert_allclose(narrow, wide, rtol=1e-5, atol=2e-4)


@pytest.mark.parametrize("folder", kernels.FOLDERS)
def test_only_the_gradients_asked_for(folder):
    kernel = kernels.find("layer_norm", [folder])
    _, saved = kernel.forward(random(0, 3, 4, 2), random(1, 4, 2), random(2, 4, 2), ndim=2, eps=1e-5)
    dy = np.broadcast_to(random(3, 1, 4, 1), (3, 4, 2))
    everything = kernel.backward(dy, saved, needs=(True, True, True))
    for i in range(3):
        some = kernel.backward(dy, saved, needs=tuple(i == j for j in range(3)))
        assert [g is not None for g in some] == [i == j for j in range(3)]
        np.testing.assert_array_equal(some[i], everything[i])


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: ops.layer_norm(x, 3), ShapeError, ["end in the axes (3,)", "(2, 3, 4, 5)", "transpose(0, 2, 3, 1)"]),
        (lambda x: ops.layer_norm(x, (4, 5), minicnn.ones(5)), ShapeError, ["gamma", "(4, 5)", "(5,)"]),
        (lambda x: ops.layer_norm(x, 5, None, minicnn.ones(4)), ShapeError, ["beta", "(4,)"]),
        (lambda x: ops.layer_norm(x[:0], 5), ShapeError, ["empty"]),
        (lambda x: ops.layer_norm(x[..., :1], 1), ShapeError, ["single value", "variance is zero"]),
        (lambda x: ops.layer_norm(x, 5, eps=0), ArgumentError, ["eps", "above 0"]),
        (lambda x: ops.layer_norm(x, ()), ArgumentError, ["normalized_shape", "empty"]),
        (lambda x: ops.layer_norm(x, (4, 0)), ArgumentError, ["normalized_shape", ">= 1"]),
        (lambda x: ops.layer_norm(x, 5, minicnn.ones(5).astype("float64")), DtypeError, ["gamma is float64"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(2, 3, 4, 5))
    for part in parts:
        assert part in str(caught.value)


def test_a_message_names_the_layer():
    with pytest.raises(ShapeError) as caught:
        nn.Sequential(nn.LayerNorm(384))(minicnn.zeros(2, 196, 192))
    assert str(caught.value) == "0 LayerNorm(384): input must end in the axes (384,) that are normalised; x is (2, 196, 192)"


def test_the_layer():
    x = Tensor(random(0, 2, 4, 5).astype(np.float32))
    layer = nn.LayerNorm((4, 5))
    np.testing.assert_array_equal(layer(x).numpy(), ops.layer_norm(x, (4, 5)).numpy())
    assert [list(nn.LayerNorm(5, **options).state_dict()) for options in ({}, {"bias": False}, {"elementwise_affine": False})] == [
        ["weight", "bias"], ["weight"], [],
    ]  # fmt: skip
    assert repr(layer) == "LayerNorm((4, 5))"
    assert repr(nn.LayerNorm(5, 1e-6, bias=False)) == "LayerNorm(5, eps=1e-06, bias=False)"
    assert repr(nn.LayerNorm(5, elementwise_affine=False)) == "LayerNorm(5, elementwise_affine=False)"
