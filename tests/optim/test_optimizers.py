"""Every optimiser against PyTorch's, with every option."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, optim
from minicnn.errors import AutogradError

OPTIONS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.03, "betas": (0.8, 0.9), "eps": 0.01}),
    ("Adam", {"lr": 0.03, "betas": (0.0, 0.99), "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.03, "betas": (0.8, 0.9), "eps": 0.01, "weight_decay": 0.2}),
    ("AdamW", {"weight_decay": 0.0}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.03, "alpha": 0.9, "eps": 0.01, "weight_decay": 0.1}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True, "alpha": 0.8}),
    ("RMSprop", {"centered": True, "momentum": 0.5, "weight_decay": 0.1}),
]
IDS = [f"{i}-{name}" for i, (name, _) in enumerate(OPTIONS)]


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((4, 3)), rng.standard_normal(5)]


def gradients(step):
    return arrays(100 + step)


def set_gradients(parameters, step):
    for parameter, gradient in zip(parameters, gradients(step), strict=True):
        parameter.grad = Tensor(gradient.astype(parameter.dtype))


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=IDS)
def test_equals_pytorch_over_20_steps(name, options):
    torch = pytest.importorskip("torch")
    mine = [Tensor(x, requires_grad=True) for x in arrays()]
    theirs = [torch.tensor(x, requires_grad=True) for x in arrays()]
    optimizer, reference = getattr(optim, name)(mine, **options), getattr(torch.optim, name)(theirs, **options)
    for step in range(20):
        set_gradients(mine, step)
        for parameter, gradient in zip(theirs, gradients(step), strict=True):
            parameter.grad = torch.tensor(gradient)
        optimizer.step()
        reference.step()
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-12, err_msg=f"step {step}")


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_defaults_are_pytorch_s(name):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)]).param_groups[0]
    for option, value in getattr(optim, name)([Tensor([0.0], requires_grad=True)]).defaults.items():
        assert theirs[option] == value, option


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=IDS)
def test_in_place_in_the_parameter_s_type_and_the_gradient_untouched(name, options):
    parameters = [Tensor(x.astype(np.float32), requires_grad=True) for x in arrays()]
    memory = [parameter.data for parameter in parameters]
    optimizer = getattr(optim, name)(parameters, **options)
    for step in range(2):
        set_gradients(parameters, step)
        before = [parameter.grad.numpy().copy() for parameter in parameters]
        optimizer.step()
        for parameter, gradient in zip(parameters, before, strict=True):
            np.testing.assert_array_equal(parameter.grad.numpy(), gradient)
    for parameter, array in zip(parameters, memory, strict=True):
        assert parameter.data is array
        assert parameter.version.count == 2
        assert all(value.dtype == np.float32 for value in optimizer.state[parameter].values() if hasattr(value, "dtype"))


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=IDS)
def test_groups_have_their_own_options(name, options):
    torch = pytest.importorskip("torch")
    mine = [Tensor(x, requires_grad=True) for x in arrays()]
    theirs = [torch.tensor(x, requires_grad=True) for x in arrays()]
    optimizer = getattr(optim, name)([{"params": [mine[0]], "lr": 0.5}, {"params": mine[1], "weight_decay": 0.3}], **options)
    reference = getattr(torch.optim, name)([{"params": theirs[0], "lr": 0.5}, {"params": theirs[1], "weight_decay": 0.3}], **options)
    for step in range(3):
        set_gradients(mine, step)
        for parameter, gradient in zip(theirs, gradients(step), strict=True):
            parameter.grad = torch.tensor(gradient)
        optimizer.step()
        reference.step()
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_a_parameter_without_gradient_stays(name):
    used, unused = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    optimizer = getattr(optim, name)([used, unused], weight_decay=0.1)
    (used * used).sum().backward()
    optimizer.step()
    assert unused.tolist() == [1.0]
    assert used.tolist() != [1.0]
    optimizer.zero_grad()
    assert used.grad is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_that_never_changes_gives_no_nan_when_centered(dtype):
    """Its variance s - μ² tends to 0, and rounding takes it below."""
    w = Tensor(np.zeros(64, dtype), requires_grad=True)
    gradient = np.random.default_rng(0).standard_normal(64).astype(dtype)
    optimizer = optim.RMSprop([w], lr=1e-6, alpha=0.5, centered=True)
    below = 0
    for _ in range(200):
        w.grad = Tensor(gradient)
        optimizer.step()
        state = optimizer.state[w]
        below += int((state["square"] < state["mean"] * state["mean"]).sum())
        assert np.isfinite(w.numpy()).all()
    assert below > 0  # or this test would show nothing


def test_a_graph_that_needs_the_old_values_refuses():
    w = Tensor([2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    stale = (w * w).sum()
    (w * w).sum().backward()
    optimizer.step()
    with pytest.raises(AutogradError, match="edited in place"):
        stale.backward()


def test_works_inside_and_outside_of_no_grad():
    w = Tensor([2.0], requires_grad=True)
    w.grad = Tensor([1.0])
    optimizer = optim.SGD([w], lr=1.0)
    optimizer.step()
    with minicnn.no_grad():
        optimizer.step()
    assert w.tolist() == [0.0]


@pytest.mark.parametrize(("name", "lr"), [("SGD", 0.1), ("Adam", 0.05), ("AdamW", 0.05), ("RMSprop", 0.02)])
def test_a_network_learns(name, lr):
    minicnn.manual_seed(0)
    model = nn.Linear(3, 1)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((64, 3)).astype(np.float32)
    y = Tensor(x @ np.array([[1.0], [-2.0], [0.5]], np.float32) + 0.25)
    optimizer = getattr(optim, name)(model.parameters(), lr=lr)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        error = model(Tensor(x)) - y
        loss = (error * error).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.01 * losses[0]
