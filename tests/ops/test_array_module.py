"""Nothing between a tensor and the array kernels assumes NumPy: every operation runs on arrays that refuse to be NumPy's."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, optim
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw
from tests import stand_in_cupy


def run(case, convert, back):
    inputs = [x if x is None else Tensor.wrap(convert(x)).requires_grad_(x.dtype.kind == "f") for x in case.inputs.values()]
    y = case.function(*inputs)
    y.backward(convert(np.random.default_rng(1).standard_normal(y.shape)))
    return [back(y.data), *(back(x.grad.data) for x in inputs if x is not None and x.requires_grad)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("op", CASES)
def test_every_operation_on_foreign_arrays(op, seed, monkeypatch):
    case = CASES[op](RandomDraw(seed))
    with minicnn.use_backend("numpy"):
        expected = run(case, np.asarray, np.asarray)
        cupy = stand_in_cupy.install(monkeypatch)
        for name, constant in getattr(case, "constants", {}).items():
            case.constants[name] = cupy.asarray(constant) if isinstance(constant, np.ndarray) else constant
        actual = run(case, cupy.asarray, cupy.asnumpy)
    for one, two in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop])
def test_a_network_learns_on_foreign_arrays(optimizer, monkeypatch):
    cupy = stand_in_cupy.install(monkeypatch)
    minicnn.manual_seed(0)
    with minicnn.use_backend("numpy"):
        net = nn.Sequential(
            nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.1), nn.Flatten(), nn.Linear(36, 3)
        )  # fmt: skip
        assert all(isinstance(p.data, cupy.ndarray) for p in net.parameters())
        x, labels = minicnn.randn(6, 1, 8, 8), Tensor(np.array([0, 1, 2, 0, 1, 2]))
        steps, losses = optimizer(net.parameters(), lr=0.01), []
        for _ in range(60):
            loss = minicnn.ops.cross_entropy(net(x), labels)
            steps.zero_grad()
            loss.backward()
            optim.clip_grad_norm(net.parameters(), 5.0)
            steps.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0] / 2
        net.eval()
        net.load_state_dict(net.state_dict())
        assert net(x).shape == (6, 3)


def test_the_wall_holds():
    cupy = stand_in_cupy.make_module()
    x = cupy.asarray(np.ones(3))
    for mix in (lambda: x + np.ones(3), lambda: np.ones(3) + x, lambda: cupy.maximum(x, np.ones(3)), lambda: np.asarray(x), lambda: np.exp(x)):
        with pytest.raises(TypeError):
            mix()
    assert (x + x).get().tolist() == [2.0, 2.0, 2.0]
