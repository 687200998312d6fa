"""LeNet-5: its size is that of the paper's table, and its arithmetic that of PyTorch."""

import re

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models
from minicnn.analysis import summarize
from minicnn.errors import ShapeError


def test_has_61706_parameters_with_the_papers_names():
    shapes = {name: p.shape for name, p in models.LeNet5().named_parameters() if name.endswith("weight")}
    assert shapes == {
        "c1.weight": (6, 1, 5, 5), "c3.weight": (16, 6, 5, 5), "c5.weight": (120, 400), "f6.weight": (84, 120), "output.weight": (10, 84)
    }  # fmt: skip
    assert sum(p.size for p in models.LeNet5().parameters()) == 61_706


def test_the_table_in_the_docstring_is_true():
    rows = re.findall(r"^ +(\w\w?|output|total) .*?([\d,]+) +([\d,]+)$", models.LeNet5.__doc__, re.MULTILINE)
    said = {name.lower(): (int(parameters.replace(",", "")), int(products.replace(",", ""))) for name, parameters, products in rows}
    summary = summarize(models.LeNet5(), (1, 32, 32))
    true = {layer.path: (layer.parameters, layer.macs) for layer in summary.layers}
    assert said == true | {"total": (summary.parameters, summary.macs)}


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
def test_messages(shape, parts):
    with pytest.raises(ShapeError) as caught:
        models.LeNet5()(minicnn.zeros(*shape))
    for part in parts:
        assert part in str(caught.value)
