"""Values inside a network, while it computes."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn, ops
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models.residual_block import BasicBlock
from minicnn.nn.watch import layer_at, runs, values_at


def images(*shape, seed=0):
    return Tensor(np.random.default_rng([41, seed]).standard_normal(shape).astype(np.float32))


def trained(net):
    """With running statistics and biases that do something."""
    rng = np.random.default_rng(42)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            n = module.num_features
            module.load_state_dict({
                "weight": rng.uniform(0.5, 2, n), "bias": rng.normal(0, 1, n), "running_mean": rng.normal(0, 1, n),
                "running_var": rng.uniform(0.5, 2, n), "num_batches_tracked": 1,
            })  # fmt: skip
    return net


def near(found, expected):
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5, atol=1e-5)


def conv_norm_relu():
    minicnn.manual_seed(1)
    return trained(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 3)))


@pytest.mark.parametrize("name", ["numpy", "numba", "cudasim"])
def test_layers_that_would_be_joined_show_what_is_between_them(name):
    with minicnn.use_backend(name):
        net, x = conv_norm_relu().eval(), images(2, 3, 6, 5)
        convolved = net[0](x)
        normed = net[1](convolved)
        assert (normed.numpy() < 0).any()
        found = values_at(net, x, ["0", "1", "2", ""])
        near(found["0"], convolved)
        near(found["1"], normed)
        near(found["2"], ops.relu(normed))
        near(found[""], net(x))
        near(values_at(net, x, ["2"])["2"], ops.relu(normed))
        near(values_at(net, x, ["input of 2"])["input of 2"], normed)


@pytest.mark.parametrize("name", ["numba", "cudasim"])
def test_a_residual_block_shows_its_norm_before_the_addition(name):
    minicnn.manual_seed(2)
    with minicnn.use_backend(name):
        block, x = trained(BasicBlock(4, 4)).eval(), images(2, 4, 5, 5)
        first = ops.relu(block.bn1(block.conv1(x)))
        second = block.bn2(block.conv2(first))
        found = values_at(block, x, ["bn1", "conv2", "bn2", ""])
        near(found["conv2"], block.conv2(first))
        near(found["bn2"], second)
        near(found[""], ops.relu(second + x))


def test_in_a_fused_network_the_convolution_has_taken_over():
    net, x = conv_norm_relu(), images(2, 3, 6, 5)
    expected = values_at(net, x, ["2"])["2"]
    found = values_at(nn.fuse(net, (3, 6, 5)), x, ["0", "1", "2"])
    for path in found:
        near(found[path], expected)


def test_what_comes_after_is_not_computed_and_all_is_as_before():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(5, 1, 1))  # the last does not fit
    net[2].eval()
    modes = [module.training for module in net.modules()]
    y = values_at(net, images(1, 1, 4, 4), ["2"])["2"]
    assert y.shape == (1, 2, 2, 2)
    assert y.creator is None
    assert [module.training for module in net.modules()] == modes
    assert not any(module._hooks or module._pre_hooks for module in net.modules())
    with pytest.raises(ShapeError):
        values_at(net, images(1, 1, 4, 4), [""])
    assert [module.training for module in net.modules()] == modes
    assert not any(module._hooks or module._pre_hooks for module in net.modules())
    assert minicnn.is_grad_enabled()


def test_evaluation_mode():
    net, x = nn.Sequential(nn.Dropout(0.9), nn.ReLU()), images(2, 3, 6, 5)
    near(values_at(net, x, ["0"])["0"], x)
    assert net.training


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.idle, self.pair = nn.Linear(3, 3), nn.ReLU(), Pair()

    def forward(self, x):
        return self.pair(self.layer(self.layer(x)))[0]


class Pair(nn.Module):
    def forward(self, x):
        return x, x


def test_of_a_layer_that_runs_twice_the_first_time_counts():
    net, x = Twice(), images(2, 3)
    near(values_at(net, x, ["layer"])["layer"], net.layer(x))
    near(values_at(net, x, ["layer", ""])["layer"], net.layer(x))


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("idle", "the layer 'idle' of Twice does not run in evaluation mode"),
        ("pair", "the layer 'pair' of Twice gives a tuple, not one tensor"),
        ("lyer", "Twice has no layer 'lyer'; the nearest are layer"),
        ("x", "Twice has no layer 'x'; the nearest are layer, idle, pair"),
    ],
)
def test_what_has_no_value(path, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        values_at(Twice(), images(2, 3), [path])


def test_the_nearest_names_are_of_the_right_depth():
    with pytest.raises(ArgumentError, match=r"no layer 'layer2\.0\.conv3'; the nearest are layer2\.\d\.conv\d, layer2\.\d\.conv"):
        layer_at(models.ResNet18(width=4), "layer2.0.conv3")


def test_runs_are_in_the_order_in_which_modules_end():
    found = [(run.path, run.shape) for run in runs(BasicBlock(4, 8, stride=2), (4, 6, 6))]
    assert found == [
        ("conv1", (1, 8, 3, 3)), ("bn1", (1, 8, 3, 3)), ("conv2", (1, 8, 3, 3)),
        ("downsample.0", (1, 8, 3, 3)), ("downsample.1", (1, 8, 3, 3)), ("downsample", (1, 8, 3, 3)),
        ("bn2", (1, 8, 3, 3)), ("", (1, 8, 3, 3)),
    ]  # fmt: skip
