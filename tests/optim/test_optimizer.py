"""What all optimisers share: groups, messages, saving and loading."""

import json

import numpy as np
import pytest

from minicnn import Tensor, nn, optim
from minicnn.errors import ArgumentError, AutogradError, DtypeError, ShapeError, StateDictError

ALL = [
    (optim.SGD, {"momentum": 0.9, "nesterov": True}),
    (optim.Adam, {"betas": (0.8, 0.95)}),
    (optim.AdamW, {}),
    (optim.RMSprop, {"momentum": 0.5, "centered": True}),
]


def leaf(*shape):
    return Tensor(np.random.default_rng(0).standard_normal(shape).astype(np.float32), requires_grad=True)


def train(parameters, optimizer, steps, start=0):
    for step in range(start, start + steps):
        rng = np.random.default_rng(step)
        for parameter in parameters:
            parameter.grad = Tensor(rng.standard_normal(parameter.shape).astype(np.float32))
        optimizer.step()


def groups(parameters):
    return [{"params": parameters[:1], "lr": 0.02}, {"params": parameters[1:]}]


@pytest.mark.parametrize(("kind", "options"), ALL, ids=lambda value: getattr(value, "__name__", ""))
def test_saved_and_loaded_it_goes_on_bit_for_bit(kind, options, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    straight = [leaf(3, 2), leaf(4), leaf(2)]
    optimizer = kind(groups(straight), lr=0.01, **options)
    train(straight, optimizer, 3)
    state = optimizer.state_dict()
    safetensors.save_file(state["arrays"], tmp_path / "optimizer.safetensors")
    (tmp_path / "optimizer.json").write_text(json.dumps(state["settings"], allow_nan=False))

    resumed = [Tensor(parameter.numpy(), requires_grad=True) for parameter in straight]
    again = kind(groups(resumed), lr=0.5)
    arrays, settings = safetensors.load_file(tmp_path / "optimizer.safetensors"), json.loads((tmp_path / "optimizer.json").read_text())
    again.load_state_dict({"arrays": arrays, "settings": settings})
    train(straight, optimizer, 3, start=3)
    train(resumed, again, 3, start=3)
    for a, b in zip(straight, resumed, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert repr(again) == repr(optimizer)


def test_a_state_dict_is_a_copy():
    w = leaf(3)
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    train([w], optimizer, 1)
    state = optimizer.state_dict()
    saved = state["arrays"]["0.momentum"].copy()
    again = optim.SGD([w], lr=0.1, momentum=0.9)
    again.load_state_dict(state)
    train([w], optimizer, 1)
    train([w], again, 1)
    np.testing.assert_array_equal(state["arrays"]["0.momentum"], saved)
    assert state["settings"] == {
        "optimizer": "SGD",
        "param_groups": [{"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0, "nesterov": False, "params": [0]}],
        "counts": {},
    }


def test_a_refused_state_changes_nothing():
    parameters = [leaf(3), leaf(2)]
    optimizer = optim.Adam(parameters, lr=0.1)
    train(parameters, optimizer, 1)
    before = optimizer.state_dict()
    other = [leaf(3), leaf(7)]
    wrong = optim.Adam(other, lr=0.7)
    train(other, wrong, 2)
    with pytest.raises(StateDictError, match=r"1\.m has shape \(7,\), but its parameter has \(2,\)"):
        optimizer.load_state_dict(wrong.state_dict())
    after = optimizer.state_dict()
    assert after["settings"] == before["settings"]
    np.testing.assert_array_equal(after["arrays"]["0.m"], before["arrays"]["0.m"])


@pytest.mark.parametrize(
    ("change", "error", "parts"),
    [
        (lambda s: {}, StateDictError, ["not what state_dict()"]),
        (lambda s: {**s, "settings": {"optimizer": "Adam"}}, StateDictError, ["not what state_dict()"]),
        (lambda s: optim.SGD([leaf(1), leaf(1)]).state_dict(), StateDictError, ["of SGD", "is Adam"]),
        (lambda s: optim.Adam([leaf(1)]).state_dict(), StateDictError, ["groups of 1 parameter(s)", "of 2"]),
        (lambda s: {**s, "arrays": {"5.m": np.zeros(1)}}, StateDictError, ["'5.m'", "2 parameters"]),
        (lambda s: {**s, "arrays": [1]}, StateDictError, ["not what state_dict()"]),
        (lambda s: {**s, "arrays": {"0.m": np.zeros(1)}}, StateDictError, ["Adam: the state of parameter 0 consists of m, v, step (a count)", "has m"]),
        (lambda s: with_state(s, {"m": np.zeros(1), "v": np.zeros(1)}, {}), StateDictError, ["step (a count)", "has m, v"]),
        (lambda s: with_state(s, {"m": np.zeros(1)}, {"step": 1, "v": 3}), StateDictError, ["consists of m, v, step"]),
        (lambda s: with_state(s, dict.fromkeys("mvu", np.zeros(1)), {"step": 1}), StateDictError, ["has m, v, u, step"]),
        (lambda s: with_state(s, {"m": np.zeros(1), "v": np.zeros(1)}, {"step": -1}), StateDictError, ["0.step must be a count >= 0, not -1"]),
        (lambda s: with_state(s, {"m": np.zeros(1), "v": np.zeros(1)}, {"step": "x"}), StateDictError, ["0.step must be a count", "'x'"]),
        (lambda s: with_state(s, {"m": "x", "v": np.zeros(1)}, {"step": 1}), StateDictError, ["0.m must be an array of numbers", "'x'"]),
        (lambda s: altered(s, lr=-1.0), ArgumentError, ["lr", "-1.0"]),
        (lambda s: altered(s, speed=1.0), StateDictError, ["options of a group", "speed"]),
    ],
)
def test_messages_of_loading(change, error, parts):
    optimizer = optim.Adam([leaf(1), leaf(1)])
    with pytest.raises(error) as caught:
        optimizer.load_state_dict(change(optimizer.state_dict()))
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(("kind", "arrays"), [(optim.SGD, ("speed",)), (optim.RMSprop, ("mean",)), (optim.RMSprop, ("square", "v"))])
def test_entries_that_the_optimiser_does_not_keep_are_refused(kind, arrays):
    optimizer = kind([leaf(2)])
    state = with_state(optimizer.state_dict(), {name: np.zeros(2) for name in arrays}, {})
    with pytest.raises(StateDictError, match=rf"{kind.__name__}: the state of parameter 0 consists of .*has {', '.join(arrays)}"):
        optimizer.load_state_dict(state)
    assert optimizer.state == {}


def with_state(state, arrays, counts):
    named = ({f"0.{name}": value for name, value in values.items()} for values in (arrays, counts))
    return {"arrays": next(named), "settings": {**state["settings"], "counts": next(named)}}


def altered(state, **options):
    group = {**state["settings"]["param_groups"][0], **options}
    return {**state, "settings": {**state["settings"], "param_groups": [group]}}


W = leaf(2, 3)


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: optim.SGD([]), ["SGD", "list of parameters is empty", "model.parameters()"]),
        (lambda: optim.SGD([{"params": []}]), ["list of parameters is empty"]),
        (lambda: optim.Adam(nn.Conv2d(1, 1, kernel_size=1)), ["not Conv2d", "write model.parameters()"]),
        (lambda: optim.SGD(nn.Sequential(nn.Linear(2, 2))), ["not Sequential", "write model.parameters()"]),
        (lambda: optim.SGD(nn.Linear(2, 2).parameters), ["not method", "with the parentheses"]),
        (lambda: optim.SGD([{"params": nn.Sequential(nn.Linear(2, 2))}]), ["not Sequential", "write model.parameters()"]),
        (lambda: optim.SGD([{"params": 5}]), ["iterable of parameters", "not int"]),
        (lambda: optim.Adam(W), ["iterable of parameters", "not Tensor"]),
        (lambda: optim.Adam(nn.Conv2d(1, 1, kernel_size=1).named_parameters()), ["parameter 0 is no tensor but tuple", "without names"]),
        (lambda: optim.Adam([np.zeros(3)]), ["parameter 0 is no tensor but ndarray"]),
        (lambda: optim.Adam([W, leaf(2, 3) * 2]), ["parameter 1", "(2, 3)", "result of an operation"]),
        (lambda: optim.Adam([Tensor([1.0])]), ["parameter 0", "requires no gradient", "p.requires_grad"]),
        (lambda: optim.Adam([W, W]), ["parameter 1", "listed twice"]),
        (lambda: optim.Adam([{"params": [W]}, {"params": [W]}]), ["parameter 0", "listed twice", "another group"]),
        (lambda: optim.Adam([{"params": [W], "momentm": 0.9}]), ["unknown option 'momentm'", "Known: betas, eps, lr, weight_decay"]),
        (lambda: optim.SGD([{"params": [W], "momentm": 0.9}]), ["did you mean momentum?"]),
        (lambda: optim.SGD([{"lr": 0.1}]), ['"params"']),
        (lambda: optim.SGD([W], lr=-0.1), ["SGD: lr", ">= 0", "-0.1"]),
        (lambda: optim.SGD([W], lr=float("nan")), ["SGD: lr", "nan"]),
        (lambda: optim.SGD([W], lr=float("inf")), ["SGD: lr", "inf"]),
        (lambda: optim.SGD([W], lr="0.1"), ["SGD: lr", "'0.1'"]),
        (lambda: optim.SGD([{"params": [W], "lr": -1}]), ["SGD: lr", "-1"]),
        (lambda: optim.SGD([W], momentum=-1), ["SGD: momentum"]),
        (lambda: optim.SGD([W], momentum=2), ["SGD: momentum must be below 1, not 2", "grow without bound"]),
        (lambda: optim.SGD([W], momentum=1.0), ["SGD: momentum must be below 1"]),
        (lambda: optim.SGD([W], momentum=float("nan")), ["SGD: momentum", "finite"]),
        (lambda: optim.RMSprop([W], momentum=1), ["RMSprop: momentum must be below 1"]),
        (lambda: optim.SGD([W], weight_decay=-1), ["SGD: weight_decay"]),
        (lambda: optim.SGD([W], nesterov=True), ["nesterov=True", "momentum > 0"]),
        (lambda: optim.SGD([W], momentum=0.9, nesterov=1), ["SGD: nesterov must be True or False"]),
        (lambda: optim.Adam([W], betas=(0.9, 1.0)), ["Adam: betas", "less than 1", "1.0"]),
        (lambda: optim.Adam([W], betas=0.9), ["Adam: betas", "pair"]),
        (lambda: optim.AdamW([W], eps=-1), ["AdamW: eps"]),
        (lambda: optim.RMSprop([W], alpha=1.5), ["RMSprop: alpha", "1.5"]),
        (lambda: optim.RMSprop([W], momentum=-1), ["RMSprop: momentum"]),
        (lambda: optim.RMSprop([W], centered="no"), ["RMSprop: centered"]),
    ],
)
def test_messages(call, parts):
    with pytest.raises(ArgumentError) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


def test_messages_of_step():
    w = leaf(2, 3)
    optimizer = optim.SGD([w], lr=0.1)
    with pytest.raises(AutogradError, match="no gradient in any parameter: call loss"):
        optimizer.step()
    w.grad = Tensor(np.zeros(3, np.float32))
    with pytest.raises(ShapeError, match=r"gradient has shape \(3,\), but its parameter has \(2, 3\)"):
        optimizer.step()
    w.grad = Tensor(np.zeros((2, 3)))
    with pytest.raises(DtypeError, match=r"gradient is float64, but its parameter .* is float32"):
        optimizer.step()


def test_a_gradient_that_is_no_tensor_is_named():
    w = leaf(2)
    w.grad = np.ones(2, np.float32)
    with pytest.raises(DtypeError, match=r"SGD: the gradient of a parameter of shape \(2,\) must be a tensor, not ndarray: write p.grad = Tensor"):
        optim.SGD([w]).step()


@pytest.mark.parametrize("wrong", [np.zeros(3, np.float32), np.zeros((2, 3))], ids=["shape", "dtype"])
def test_a_step_that_fails_has_changed_nothing(wrong):
    first, second = leaf(2), leaf(2, 3)
    before = first.numpy().copy(), second.numpy().copy()
    first.grad, second.grad = Tensor(np.ones(2, np.float32)), Tensor(wrong)
    optimizer = optim.SGD([first, second], lr=0.1, momentum=0.9)
    with pytest.raises((ShapeError, DtypeError), match="gradient"):
        optimizer.step()
    np.testing.assert_array_equal(first.numpy(), before[0])
    np.testing.assert_array_equal(second.numpy(), before[1])
    assert optimizer.state == {}
    assert first.version.count == 0


def test_groups_can_be_added_and_are_shown():
    a, b = leaf(2), leaf(3)
    optimizer = optim.SGD([a], lr=np.float64(0.1))
    optimizer.add_param_group({"params": [b], "lr": 0.5})
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 1]
    assert type(optimizer.param_groups[0]["lr"]) is float
    assert repr(optimizer).startswith("SGD(1 parameters, lr=0.1, momentum=0.0")
