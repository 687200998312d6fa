"""LeNet-5 in both forms: their sizes are those of the paper, and their arithmetic that of PyTorch."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models.lenet import MAPS_OF_S2, prototypes, squash
from tests.models.against_torch import check_against_torch


def test_has_61706_parameters_with_the_papers_names():
    shapes = {name: p.shape for name, p in models.LeNet5().named_parameters() if name.endswith("weight")}
    assert shapes == {
        "c1.weight": (6, 1, 5, 5), "c3.weight": (16, 6, 5, 5), "c5.weight": (120, 400), "f6.weight": (84, 120), "output.weight": (10, 84)
    }  # fmt: skip
    assert sum(p.size for p in models.LeNet5().parameters()) == 61_706


def test_equals_pytorch():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    minicnn.manual_seed(1)
    net = models.LeNet5(num_classes=7, in_channels=3)
    w = {name: torch.tensor(value, requires_grad=True) for name, value in net.state_dict().items()}
    x = np.random.default_rng(2).standard_normal((4, 3, 32, 32), dtype=np.float32)
    labels = np.array([0, 6, 3, 3])
    y = torch.tensor(x)
    for stage in ("c1", "c3"):
        y = F.avg_pool2d(torch.tanh(F.conv2d(y, w[f"{stage}.weight"], w[f"{stage}.bias"])), 2)
    y = y.flatten(1)
    for stage in ("c5", "f6"):
        y = torch.tanh(F.linear(y, w[f"{stage}.weight"], w[f"{stage}.bias"]))
    y = F.linear(y, w["output.weight"], w["output.bias"])
    F.cross_entropy(y, torch.tensor(labels)).backward()
    scores = net(Tensor(x))
    minicnn.ops.cross_entropy(scores, Tensor(labels)).backward()
    np.testing.assert_allclose(scores.numpy(), y.detach().numpy(), rtol=1e-4, atol=1e-5)
    for name, parameter in net.named_parameters():
        np.testing.assert_allclose(parameter.grad.numpy(), w[name].grad.numpy(), rtol=1e-3, atol=1e-6, err_msg=name)


def test_signals_keep_their_size_at_the_start():
    """LeCun's rule, variance 1 / fan_in: the sum of fan_in products is as large as one of the inputs."""
    ratios = {name: [] for name in ("c1", "c3", "c5", "f6", "output")}

    def note(name):
        return lambda _, inputs, output: ratios[name].append((output.numpy() ** 2).mean() / (inputs[0].numpy() ** 2).mean())

    for seed in range(5):
        minicnn.manual_seed(seed)
        net = models.LeNet5()
        for name in ratios:
            net.get_submodule(name).register_forward_hook(note(name))
        net(minicnn.randn(16, 1, 32, 32))
    for name, values in ratios.items():
        assert np.mean(values) == pytest.approx(1, rel=0.15), name


@pytest.mark.parametrize(
    ("shape", "parts"),
    [
        ((1, 28, 28), ["4 axes (N, C, H, W)", "(1, 28, 28)"]),
        ((2, 1, 28, 28), ["32x32 pixels", "(2, 1, 28, 28)", "pad 28x28 digits by 2"]),
        ((2, 3, 32, 32), ["c1 Conv2d", "3 channels, expected 1"]),
        ((0, 1, 32, 32), ["empty"]),
    ],
)
@pytest.mark.parametrize("network", [models.LeNet5, models.LeNet5Original])
def test_messages(network, shape, parts):
    with pytest.raises(ShapeError) as caught:
        network()(minicnn.zeros(*shape))
    for part in parts:
        assert part in str(caught.value)


def test_the_original_has_the_papers_parameters_and_connections():
    """Sec. II-B gives both for every layer; connections are counted with the biases."""
    net = models.LeNet5Original()
    parameters = {name: sum(p.size for p in part.parameters()) for name, part in net.named_children()}
    assert parameters == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164, "output": 0}
    outputs = summarize(net).outputs
    positions = {name: np.prod(outputs[name][2:], dtype=int) for name in ("c1", "c3", "c5")}
    connections = {name: parameters[name] * positions[name] for name in positions}
    connections |= {name: 5 * np.prod(outputs[name][1:]) for name in ("s2", "s4")}  # four pixels and a bias
    connections |= {"f6": parameters["f6"], "output": 10 * 84}
    assert connections == {"c1": 122_304, "s2": 5_880, "c3": 151_600, "s4": 2_000, "c5": 48_120, "f6": 10_164, "output": 840}
    assert sum(connections.values()) == 340_908


def test_each_map_of_c3_sees_the_maps_that_table_i_says():
    net = models.LeNet5Original()
    columns = []
    for channel in range(16):
        x = minicnn.randn(1, 6, 14, 14).requires_grad_()
        net.c3(x)[:, channel].sum().backward()
        columns.append("".join("X" if np.any(grad) else "." for grad in x.grad.numpy()[0]))
    rows = ["".join(row) for row in zip(*columns, strict=True)]
    assert rows == ["X...XXX..XXXX.XX", "XX...XXX..XXXX.X", "XXX...XXX..X.XXX", ".XXX..XXXX..X.XX", "..XXX..XXXX.XX.X", "...XXX..XXXX.XXX"]


def test_the_squashing_function_keeps_plus_and_minus_one():
    np.testing.assert_allclose(squash(Tensor([-1.0, 0.0, 1.0, 100.0])).numpy(), [-1, 0, 1, 1.7159], atol=1e-4)


def test_prototypes_are_ten_different_drawings():
    points = prototypes()
    assert points.shape == (10, 84)
    assert set(np.unique(points)) == {-1, 1}
    different = (points[:, None] != points[None]).sum(2)
    assert different[~np.eye(10, dtype=bool)].min() >= 8, "pixels between the most similar two"


def test_a_perfect_drawing_scores_zero_and_wins():
    output = models.LeNet5Original().output
    scores = output(Tensor(prototypes())).numpy()
    np.testing.assert_array_equal(np.diag(scores), np.zeros(10))
    assert (scores.argmax(1) == np.arange(10)).all()
    np.testing.assert_array_equal(scores, -4 * (prototypes()[:, None] != prototypes()[None]).sum(2))


def test_prototypes_are_not_trained_but_saved():
    net = models.LeNet5Original(num_classes=3)
    assert "output.weight" not in dict(net.named_parameters())
    np.testing.assert_array_equal(net.state_dict()["output.weight"], prototypes()[:3])


@pytest.mark.parametrize("num_classes", [11, 26])
def test_there_are_drawings_of_ten_digits_only(num_classes):
    with pytest.raises(ArgumentError, match=f"drawings of 10 digits, not of {num_classes} classes: LeNet5 takes any number"):
        models.LeNet5Original(num_classes=num_classes)


def test_the_original_equals_pytorch():
    def reference(torch, w, x):
        F = torch.nn.functional

        def f(a):
            return 1.7159 * torch.tanh(2 / 3 * a)

        def sample(name, x):
            total = F.avg_pool2d(x, 2, divisor_override=1)
            return f(w[f"{name}.weight"] / 4 * total + w[f"{name}.bias"])

        x = sample("s2", f(F.conv2d(x, w["c1.weight"], w["c1.bias"])))
        kernel = torch.stack([
            F.one_hot(torch.tensor(maps), 6).T.double() @ w[f"c3.filters.{i}.weight"][0].flatten(1) for i, maps in enumerate(MAPS_OF_S2)
        ]).reshape(16, 6, 5, 5)  # fmt: skip
        x = sample("s4", f(F.conv2d(x, kernel, torch.cat([w[f"c3.filters.{i}.bias"] for i in range(16)]))))
        x = f(F.conv2d(x, w["c5.weight"], w["c5.bias"])).flatten(1)
        x = f(F.linear(x, w["f6.weight"], w["f6.bias"]))
        return -(torch.cdist(x, w["output.weight"]) ** 2)

    minicnn.manual_seed(1)
    net = models.LeNet5Original(num_classes=7, in_channels=3)
    with minicnn.no_grad():
        for part in (net.s2, net.s4):
            part.weight.copy_(1 + 0.3 * minicnn.randn(*part.weight.shape).numpy())
    check_against_torch(net, reference, (4, 3, 32, 32))


def test_the_original_learns():
    """Ten images of noise, one for each digit, are told apart after a few steps."""
    minicnn.manual_seed(0)
    net, x, labels = models.LeNet5Original(), minicnn.randn(10, 1, 32, 32), Tensor(np.arange(10))
    optimizer = minicnn.optim.SGD(net.parameters(), lr=0.002, momentum=0.9)
    for _ in range(40):
        optimizer.zero_grad()
        minicnn.ops.cross_entropy(net(x), labels).backward()
        optimizer.step()
    assert (net(x).numpy().argmax(1) == np.arange(10)).all()
