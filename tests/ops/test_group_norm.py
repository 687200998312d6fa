"""group_norm and instance_norm against PyTorch, their messages, and their layers."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, kernels, nn, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


def random(seed, *shape):
    return np.random.default_rng([3, seed]).standard_normal(shape)


@pytest.mark.parametrize("seed", range(20))
def test_equals_pytorch(seed):
    torch = pytest.importorskip("torch")
    case = CASES["group_norm"](RandomDraw(seed))
    mine = {k: None if v is None else Tensor(v, requires_grad=True) for k, v in case.inputs.items()}
    theirs = {k: None if v is None else torch.tensor(v, requires_grad=True) for k, v in case.inputs.items()}
    a, scale = case.attributes, theirs["gamma"]
    if scale is None:  # PyTorch's backward fails on a shift alone
        scale = torch.ones(case.inputs["x"].shape[1]).double()
    expected = torch.nn.functional.group_norm(theirs["x"], a["groups"], scale, theirs["beta"], a["eps"])
    y = case.function(*mine.values())
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    dy = random(seed, *y.shape)
    y.backward(dy)
    expected.backward(torch.tensor(dy))
    for name, tensor in mine.items():
        if tensor is not None:
            np.testing.assert_allclose(tensor.grad.numpy(), theirs[name].grad.numpy(), rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("affine", [True, False])
def test_instance_norm_equals_pytorch(affine):
    torch = pytest.importorskip("torch")
    x, gamma, beta = random(0, 2, 3, 4, 5), random(1, 3), random(2, 3)
    mine, theirs = nn.InstanceNorm2d(3, affine=affine).astype("float64"), torch.nn.InstanceNorm2d(3, affine=affine).double()
    state = {"weight": gamma, "bias": beta} if affine else {}
    mine.load_state_dict(state)
    theirs.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    np.testing.assert_allclose(mine(Tensor(x)).numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-10, atol=1e-10)


def test_the_two_ends_of_group_norm():
    x = Tensor(random(0, 2, 6, 3, 4))
    np.testing.assert_array_equal(ops.group_norm(x, 6).numpy(), ops.instance_norm(x).numpy())
    np.testing.assert_allclose(ops.group_norm(x, 1).numpy(), ops.layer_norm(x, (6, 3, 4)).numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(threads):
    from minicnn.kernels.cpu.threads import set_num_threads

    x, gamma, beta, dy = random(1, 5, 6, 90, 90), random(2, 6), random(3, 6), random(4, 5, 6, 90, 90)
    array, cpu = (kernels.find("group_norm", [folder]) for folder in ("array", "cpu"))
    expected, saved = array.forward(x, gamma, beta, groups=2, eps=1e-5)
    expected_gradients = array.backward(dy, saved, needs=(True, True, True))
    set_num_threads(threads)
    try:
        y, saved = cpu.forward(x, gamma, beta, groups=2, eps=1e-5)
        gradients = cpu.backward(dy, saved, needs=(True, True, True))
    finally:
        set_num_threads(None)
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-10)
    for mine, theirs in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("folder", kernels.FOLDERS)
def test_a_mean_far_from_zero_loses_no_digits(folder):
    x = (1e4 + random(5, 1, 2, 10, 10)).astype(np.float32)
    y, _ = kernels.find("group_norm", [folder]).forward(x, None, None, groups=2, eps=1e-5)
    np.testing.assert_allclose(y.astype(np.float64).var((2, 3)), 1, rtol=1e-3)
    np.testing.assert_allclose(y.astype(np.float64).mean((2, 3)), 0, atol=1e-2 if folder == "loops" else 1e-3)


def test_the_cpu_kernel_is_accurate_in_float32():
    """Far from zero the mean has digits that a float32 does not hold; they are carried along in the sums."""
    x, dy = (1e4 + random(5, 2, 4, 16, 16)).astype(np.float32), (random(6, 2, 4, 16, 16) + 0.5).astype(np.float32)
    kernel, results = kernels.find("group_norm", ["cpu"]), {}
    for dtype in (np.float32, np.float64):
        y, saved = kernel.forward(x.astype(dtype), np.full(4, 100, dtype), np.zeros(4, dtype), groups=2, eps=1e-5)
        results[dtype] = (y, *kernel.backward(dy.astype(dtype), saved, needs=(True, True, True)))
    for wide, narrow in zip(results[np.float64], results[np.float32], strict=True):
        np.testing.assert_allclose(narrow, wide, rtol=1e-5, atol=2e-4)


@pytest.mark.parametrize("folder", kernels.FOLDERS)
def test_only_the_gradients_asked_for(folder):
    kernel = kernels.find("group_norm", [folder])
    _, saved = kernel.forward(random(0, 3, 4, 2, 2), random(1, 4), random(2, 4), groups=2, eps=1e-5)
    dy = np.broadcast_to(random(3, 1, 4, 1, 1), (3, 4, 2, 2))
    everything = kernel.backward(dy, saved, needs=(True, True, True))
    for i in range(3):
        some = kernel.backward(dy, saved, needs=tuple(i == j for j in range(3)))
        assert [g is not None for g in some] == [i == j for j in range(3)]
        np.testing.assert_array_equal(some[i], everything[i])


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: ops.group_norm(x, 4), ArgumentError, ["6 / 4", "remainder", "(2, 6, 3, 5)"]),
        (lambda x: ops.group_norm(x, 0), ArgumentError, ["groups", ">= 1"]),
        (lambda x: ops.group_norm(x, 2, eps=0), ArgumentError, ["eps", "above 0"]),
        (lambda x: ops.group_norm(x, 2, minicnn.ones(2)), ShapeError, ["gamma", "6 channels", "(2,)"]),
        (lambda x: ops.group_norm(x[:0], 2), ShapeError, ["empty"]),
        (lambda x: ops.group_norm(x.astype("int64"), 2), DtypeError, ["int64"]),
        (lambda x: ops.group_norm(x[:, :, 0, 0], 6), ShapeError, ["more than one value", "variance is zero"]),
        (lambda x: ops.instance_norm(x[:, :, :1, :1]), ShapeError, ["instance_norm", "one pixel"]),
        (lambda x: nn.GroupNorm(4, 6), ArgumentError, ["num_groups=4", "num_channels=6"]),
        (lambda x: nn.InstanceNorm2d(6)(x[:, :, 0]), ShapeError, ["(N, C, H, W)"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(2, 6, 3, 5))
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("layer", [nn.GroupNorm(4, 16), nn.InstanceNorm2d(16)])
def test_the_wrong_number_of_channels_names_the_layer(layer):
    with pytest.raises(ShapeError) as caught:
        nn.Sequential(layer)(minicnn.zeros(8, 3, 32, 32))
    assert str(caught.value) == f"0 {layer!r}: input has 3 channels, expected 16; x is (8, 3, 32, 32)"


def test_repr_shows_what_differs():
    assert repr(nn.GroupNorm(4, 16)) == "GroupNorm(4, 16)"
    assert repr(nn.InstanceNorm2d(16, affine=True)) == "InstanceNorm2d(16, affine=True)"
