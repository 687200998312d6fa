"""Loss scaling: the same gradients, the scale's ups and downs, steps left out, and that infinite gradients are its own business."""

import math

import numpy as np
import pytest

import minicnn
from minicnn import GradScaler, Tensor, nn, ops, optim
from minicnn.errors import (
    ArgumentError,
    AutogradError,
    DtypeError,
    MinicnnError,
    NonFiniteError,
    StateDictError,
)
from tests import stand_in_cupy

BACKENDS = ["numpy", "cudasim", "cupy"]  # the GPU is played by a stand-in


@pytest.fixture(params=BACKENDS, autouse=True)
def _backend(request, monkeypatch):
    if request.param == "cupy":
        stand_in_cupy.install_gpu(monkeypatch)
    with minicnn.use_backend(request.param):
        yield


def weight(*values):
    return Tensor(list(values), requires_grad=True)


def overflow(w):
    """Gradients of which one is infinite."""
    w.grad = Tensor([1.0] * (w.size - 1) + [math.inf])


def one_step(scaler, optimizer):
    taken = scaler.step(optimizer)
    scaler.update()
    return taken


def test_a_step_is_that_of_the_loss_without_scaling():
    results = []
    for enabled in (False, True):
        w, v = weight(1.0, -2.0), weight(3.0)
        steps = optim.SGD([w, v], lr=0.1, momentum=0.9)
        scaler = GradScaler(enabled=enabled)
        for _ in range(3):
            steps.zero_grad()
            scaler.scale((w * w * v).sum()).backward()
            assert one_step(scaler, steps)
        results.append([*w.tolist(), *v.tolist()])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)


def test_the_loss_and_its_gradients_are_scaled_until_they_are_unscaled():
    w = weight(2.0)
    steps, scaler = optim.SGD([w], lr=1.0), GradScaler(init_scale=8.0)
    loss = scaler.scale((w * w).sum())
    assert loss.item() == 32.0
    loss.backward()
    assert w.grad.tolist() == [32.0]
    scaler.unscale_(steps)
    assert w.grad.tolist() == [4.0]
    assert scaler.step(steps)
    assert w.grad.tolist() == [4.0], "step does not unscale twice"
    assert w.tolist() == [-2.0]


def test_growth_and_backoff():
    w = weight(0.0)
    steps = optim.SGD([w], lr=0.1)
    scaler = GradScaler(init_scale=64.0, growth_factor=4.0, backoff_factor=0.5, growth_interval=3)
    seen = []
    for good in (1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1):
        w.grad = Tensor([1.0]) if good else Tensor([math.nan])
        assert one_step(scaler, steps) == bool(good)
        seen.append(scaler.get_scale())
    assert seen == [64, 64, 256, 256, 256, 1024, 1024, 1024, 512, 512, 512, 256, 128, 128, 128, 512]


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_a_step_with_a_gradient_that_is_not_finite_leaves_everything_as_it_is(bad):
    w, v = weight(*map(float, range(300))), weight(5.0)
    steps, scaler = optim.Adam([w, v], lr=0.1), GradScaler()
    for parameter in (w, v):
        parameter.grad = minicnn.ones(*parameter.shape)
    assert one_step(scaler, steps)
    before, state = [*w.tolist(), *v.tolist()], steps.state_dict()
    w.grad, v.grad = minicnn.ones(300), minicnn.ones(1)
    with minicnn.no_grad():
        w.grad[299] = bad
    assert not one_step(scaler, steps)
    assert [*w.tolist(), *v.tolist()] == before
    for name, array in steps.state_dict()["arrays"].items():
        np.testing.assert_array_equal(array, state["arrays"][name])
    assert steps.state_dict()["settings"] == state["settings"]


def test_an_infinite_loss_under_the_scaler_is_a_step_left_out_and_no_error():
    """The same loss, not scaled, is refused."""
    w = weight(1000.0)
    steps, scaler = optim.SGD([w], lr=0.1), GradScaler()
    with pytest.raises(NonFiniteError, match="the loss is inf"):
        ops.exp(w).sum().backward()
    scaler.scale(ops.exp(w).sum()).backward()
    assert not one_step(scaler, steps)
    assert w.tolist() == [1000.0]


def test_steps_that_are_all_left_out_end_in_an_explanation():
    w = weight(1.0)
    steps, scaler = optim.SGD([w], lr=0.1), GradScaler(init_scale=1.0)
    for _ in range(16):
        overflow(w)
        one_step(scaler, steps)
    overflow(w)
    with pytest.raises(NonFiniteError, match=r"in the last 17 steps, whatever the scale.*no matter of scaling: try autocast\('bf16'\)"):
        one_step(scaler, steps)


def test_two_optimisers_share_a_scaler():
    w, v = weight(1.0), weight(1.0)
    first, second, scaler = optim.SGD([w], lr=1.0), optim.SGD([v], lr=1.0), GradScaler(init_scale=4.0)
    w.grad, v.grad = Tensor([4.0]), Tensor([math.inf])
    assert (scaler.step(first), scaler.step(second)) == (True, False)
    scaler.update()
    assert (w.tolist(), v.tolist(), scaler.get_scale()) == ([0.0], [1.0], 2.0)


def test_gradients_can_be_clipped_in_between():
    w = weight(3.0, 4.0)
    steps, scaler = optim.SGD([w], lr=1.0), GradScaler(init_scale=1024.0)
    scaler.scale((w * w).sum() / 2).backward()
    scaler.unscale_(steps)
    assert optim.clip_grad_norm([w], 1.0) == pytest.approx(5.0)
    assert one_step(scaler, steps)
    np.testing.assert_allclose(w.numpy(), [2.4, 3.2], rtol=1e-5)


def test_clipping_may_meet_an_overflow_that_the_scaler_leaves_out():
    w = weight(3.0, 4.0)
    steps, scaler = optim.SGD([w], lr=1.0), GradScaler()
    overflow(w)
    scaler.unscale_(steps)
    before = w.grad.tolist()
    with pytest.raises(NonFiniteError, match="error_if_nonfinite=False"):
        optim.clip_grad_norm([w], 1e-9)
    assert optim.clip_grad_norm([w], 1e-9, error_if_nonfinite=False) == math.inf
    assert w.grad.tolist() == before
    assert not one_step(scaler, steps)
    assert w.tolist() == [3.0, 4.0]


def test_small_gradients_survive_float16():
    """A loss whose gradients a float16 cannot hold: without scaling nothing is learned."""
    moved = {}
    with minicnn.use_backend("cudasim" if minicnn.get_backend().name == "numpy" else minicnn.get_backend().name):
        x, labels = minicnn.randn(8, 4), Tensor(np.arange(8) % 3)
        for enabled in (False, True):
            minicnn.manual_seed(0)
            layer = nn.Linear(4, 3)
            before = layer.weight.numpy().copy()
            steps, scaler = optim.SGD(layer.parameters(), lr=1.0), GradScaler(enabled=enabled)
            with minicnn.autocast("fp16"):
                loss = 1e-7 * ops.cross_entropy(layer(x), labels)
            scaler.scale(loss).backward()
            scaler.step(steps)
            moved[enabled] = np.abs(layer.weight.numpy() - before).max()
    assert moved[False] == 0 < moved[True]


def test_disabled_it_is_not_there():
    w = weight(2.0)
    steps, scaler = optim.SGD([w], lr=1.0), GradScaler(enabled=False)
    loss = (w * w).sum()
    assert scaler.scale(loss) is loss
    loss.backward()
    scaler.unscale_(steps)
    assert one_step(scaler, steps)
    assert (w.tolist(), scaler.get_scale(), scaler.is_enabled()) == ([-2.0], 1.0, False)
    overflow(w)
    assert one_step(scaler, steps), "an infinite gradient is not its business then"


def test_the_state_comes_back():
    w = weight(1.0)
    steps, scaler = optim.SGD([w], lr=0.1), GradScaler(init_scale=4.0, growth_interval=5)
    for _ in range(3):
        w.grad = Tensor([1.0])
        one_step(scaler, steps)
    other = GradScaler()
    other.load_state_dict(scaler.state_dict())
    for s in (scaler, other):
        for _ in range(2):
            w.grad = Tensor([1.0])
            one_step(s, steps)
        assert s.get_scale() == 8.0
    assert other.state_dict() == scaler.state_dict()
    for state, part in (({"scale": 1.0}, "has scale"), ([], "has list"), (None, "has NoneType")):
        with pytest.raises(StateDictError, match=f"the state has the entries .*{part}"):
            other.load_state_dict(state)
    with pytest.raises(ArgumentError, match=r"load_state_dict: scale must be a number above 0"):
        other.load_state_dict({**scaler.state_dict(), "scale": -1.0})


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"init_scale": 0}, "GradScaler: init_scale must be a number above 0"),
        ({"growth_factor": 0.5}, "GradScaler: growth_factor must be a finite number >= 1"),
        ({"backoff_factor": 1.0}, "GradScaler: backoff_factor must be a number from 0 to less than 1"),
        ({"backoff_factor": 0}, "GradScaler: backoff_factor must be a number above 0"),
        ({"growth_interval": 0}, "GradScaler: growth_interval must be an integer >= 1"),
        ({"enabled": 1}, "GradScaler: enabled must be True or False"),
    ],
)
def test_values_out_of_range(options, part):
    with pytest.raises(ArgumentError, match=part):
        GradScaler(**options)


def test_what_is_called_out_of_order():
    w = weight(1.0)
    steps, scaler = optim.SGD([w], lr=0.1), GradScaler()
    for call, error, part in [
        (lambda: scaler.step(steps), AutogradError, "has a gradient"),
        (scaler.update, AutogradError, "update() without a step"),
        (lambda: [scaler.unscale_(steps), scaler.unscale_(steps)], AutogradError, "unscale_() was called for this optimiser already"),
        (lambda: [scaler.step(steps), scaler.step(steps)], AutogradError, "step() was called for this optimiser already"),
        (lambda: scaler.unscale_(steps), AutogradError, "unscale_() was called for this optimiser already"),
    ]:
        with pytest.raises(MinicnnError) as caught:
            call()
        assert isinstance(caught.value, error)
        assert part in str(caught.value)
        w.grad = Tensor([1.0])
    scaler.update()
    v = Tensor(np.ones(2, np.float16), requires_grad=True)
    v.grad = Tensor(np.ones(2, np.float16))
    with pytest.raises(DtypeError, match=r"a gradient is float16: keep the parameters in float32.*autocast\('fp16'\)"):
        scaler.step(optim.SGD([v], lr=0.1))
