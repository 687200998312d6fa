"""A step as a graph: it must do what an ordinary step does, with nothing left in Python."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops, optim
from minicnn.errors import AutogradError
from tests import stand_in_cupy


def network():
    minicnn.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(8, 3)
    )  # fmt: skip


def batches(count, size=4):
    random = np.random.default_rng(5)
    for _ in range(count):
        yield Tensor(random.standard_normal((size, 1, 8, 8)).astype(np.float32)), Tensor(random.integers(0, 3, size))


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
}


def losses(optimizer, compiled, count=6, between=lambda i, model, optimizer: None):
    """The loss of each step, and the network afterwards."""
    model = network()
    optimizer = OPTIMIZERS[optimizer](model.parameters())
    step = minicnn.compile_step(model, ops.cross_entropy, optimizer)
    found = []
    for i, (x, labels) in enumerate(batches(count)):
        if compiled:
            loss = step(x, labels)
        else:
            optimizer.zero_grad()
            loss = ops.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
        found.append(loss.item())
        between(i, model, optimizer)
    assert step.recorded == (compiled and minicnn.get_backend().name == "cupy")
    return found, {name: np.array(value) for name, value in model.state_dict().items()}


@pytest.fixture
def cupy(monkeypatch):
    module = stand_in_cupy.install(monkeypatch)
    monkeypatch.setattr("minicnn.cuda.require_gpu", lambda: None)
    with minicnn.use_backend("cupy"):
        yield module


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_graph_does_what_a_step_does(optimizer, cupy):
    ordinary, state = losses(optimizer, compiled=False)
    recorded, recorded_state = losses(optimizer, compiled=True)
    assert recorded == ordinary
    assert len(set(ordinary)) == len(ordinary)
    for name, value in state.items():
        np.testing.assert_array_equal(recorded_state[name], value, err_msg=name)


def test_the_learning_rate_may_change(cupy):
    def slower(i, model, optimizer):
        optimizer.param_groups[0]["lr"] *= 0.5

    recorded = losses("Adam", True, between=slower)[0]
    assert recorded == losses("Adam", False, between=slower)[0]
    assert recorded != losses("Adam", True)[0]


def test_other_weights_are_noticed(cupy):
    first = network().state_dict()

    def back(i, model, optimizer):
        if i == 3:
            model.load_state_dict(first)

    assert losses("SGD", True, between=back)[0] == losses("SGD", False, between=back)[0]


def test_a_loaded_optimiser_is_noticed(cupy):
    saved = {}

    def back(i, model, optimizer):
        if i == 1:
            saved.update(optimizer.state_dict())
        if i == 3:
            optimizer.load_state_dict(saved)

    assert losses("SGD", True, between=back)[0] == losses("SGD", False, between=back)[0]


def test_evaluation_mode_and_other_precisions_are_other_steps(cupy):
    def switched(i, model, optimizer):
        model.train(i % 2 == 0)

    assert losses("SGD", True, between=switched)[0] == losses("SGD", False, between=switched)[0]


def test_what_is_returned_stays(cupy):
    model = network()
    step = minicnn.compile_step(model, ops.cross_entropy, optim.SGD(model.parameters(), lr=0.1, momentum=0.9))
    kept = [step(x, labels) for x, labels in batches(5)]
    assert [loss.item() for loss in kept] == losses("SGD", False, count=5)[0]


def test_a_first_step_that_fails_is_forgotten(cupy):
    model = network()
    step = minicnn.compile_step(model, ops.cross_entropy, optim.SGD(model.parameters(), lr=0.1))
    (x, labels), *_ = batches(1)
    with pytest.raises(minicnn.errors.ArgumentError, match="label 9"):
        step(x, Tensor(np.array([0, 9, 1, 2])))
    step(x, labels)
    assert not step.recorded


def test_a_batch_of_another_size_is_an_ordinary_step(cupy):
    model = network()
    step = minicnn.compile_step(model, ops.cross_entropy, optim.SGD(model.parameters(), lr=0.1))
    for x, labels in batches(3):
        step(x, labels)
    before = model.state_dict()
    for x, labels in batches(1, size=3):
        assert step(x, labels).size == 1
    assert any((before[name] != value).any() for name, value in model.state_dict().items())
    assert step.recorded


def test_a_step_that_cannot_be_recorded_says_so_and_leaves_the_stream_usable(cupy):
    class Sign(optim.SGD):
        def update(self, data, gradient, state, group):
            data -= group["lr"] * gradient

    model = network()
    step = minicnn.compile_step(model, ops.cross_entropy, Sign(model.parameters(), lr=0.1))
    (x, labels), *_ = batches(1)
    step(x, labels)
    before = {name: np.array(value) for name, value in model.state_dict().items()}
    with pytest.raises(AutogradError, match=r"needs an update that is a kernel: of SGD, Adam, AdamW or RMSprop"):
        step(x, labels)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    assert not step.recorded
    assert step(x, labels).size == 1


def test_elsewhere_all_steps_are_ordinary():
    with minicnn.use_backend("numpy"):
        assert losses("SGD", True)[0] == losses("SGD", False)[0]


def test_the_loss_must_be_a_number():
    model = network()
    step = minicnn.compile_step(model, lambda y, t: ops.cross_entropy(y, t, reduction="none"), optim.SGD(model.parameters(), lr=0.1))
    (x, labels), *_ = batches(1)
    with pytest.raises(minicnn.errors.ArgumentError, match=r"compile_step: the loss must be a single number, but the loss function returned a tensor of shape \(4,\)"):
        step(x, labels)
