"""DenseNets: every layer sees what all before it have found, sizes are the paper's, and the arithmetic is PyTorch's."""

from functools import partial

import numpy as np
import pytest

import minicnn
from minicnn import models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.densenet import BottleneckDenseLayer, DenseLayer, DenseNet
from tests.models.against_torch import check_against_torch
from tests.models.residual_in_torch import Layers

LAYERS = [DenseLayer, BottleneckDenseLayer]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_keeps_its_input_and_adds_k_channels(layer):
    x = minicnn.randn(2, 10, 5, 6)
    y = layer(10, growth=3)(x)
    assert y.shape == (2, 13, 5, 6)
    np.testing.assert_array_equal(y.numpy()[:, :10], x.numpy())


@pytest.mark.parametrize("layer", LAYERS)
def test_a_block_ends_with_the_outputs_of_all_its_layers_in_order(layer):
    """Equation 2: layer l computes its k channels from [x_0, ..., x_(l-1)]."""
    block = nn.Sequential(*(layer(4 + 3 * i, growth=3) for i in range(4)))
    x = minicnn.randn(2, 4, 5, 6)
    end = block(x).numpy()
    for i, part in enumerate(block):
        seen = minicnn.tensor(end[:, : 4 + 3 * i])
        np.testing.assert_allclose(part(seen).numpy(), end[:, : 7 + 3 * i], rtol=1e-5, atol=1e-5)


def test_the_loss_is_one_step_away_from_every_layer():
    """With zero weights behind the first layer of a block, its features still arrive at the block's end, unchanged."""
    net = models.DenseNetCIFAR(22, 4)
    block = net.features.denseblock1
    for part in block[1:]:
        part.conv2.weight = nn.Parameter(np.zeros_like(part.conv2.weight.numpy()))
    x = minicnn.randn(2, 8, 6, 6)
    np.testing.assert_array_equal(block(x).numpy()[:, :12], block[0](x).numpy())


@pytest.mark.parametrize(
    ("network", "depth"),
    [
        (models.DenseNet121, 121), (models.DenseNet169, 169), (models.DenseNet201, 201), (models.DenseNet161, 161),
        (models.DenseNetCIFAR, 100), (partial(models.DenseNetCIFAR, 40, bottleneck=False), 40),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else getattr(value, "__name__", "DenseNetCIFAR-40"),
)  # fmt: skip
def test_the_name_counts_the_layers_with_weights(network, depth):
    with use_backend("meta"):
        assert sum(isinstance(m, (nn.Conv2d, nn.Linear)) for m in network().modules()) == depth


@pytest.mark.parametrize(("bottleneck", "channels"), [(True, [24, 108, 150]), (False, [16, 160, 304])])
def test_only_bottleneck_networks_compress(bottleneck, channels):
    """Channels into each block. Of 16 + 12 * 12 = 160 all go on; of 24 + 16 * 12 = 216 half, and of 108 + 192 = 300 half again."""
    with use_backend("meta"):
        net = models.DenseNetCIFAR(100 if bottleneck else 40, 12, bottleneck=bottleneck)
    assert [net.get_submodule(f"features.denseblock{b}.denselayer1.norm1").num_features for b in (1, 2, 3)] == channels


@pytest.mark.parametrize("bottleneck", [True, False])
def test_dropout_follows_every_convolution_but_the_first(bottleneck):
    net = models.DenseNetCIFAR(22, 4, bottleneck=bottleneck, dropout=0.2)
    ran = []
    for _, module in net.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Dropout)):
            module.register_forward_hook(lambda m, *_: ran.append(type(m).__name__))
    net(minicnn.randn(2, 3, 32, 32))
    assert ran == ["Conv2d"] + ["Conv2d", "Dropout"] * 20


@pytest.mark.parametrize("layer", LAYERS)
def test_dropout_falls_on_what_is_new_only(layer):
    x = minicnn.randn(2, 10, 5, 6)
    y = layer(10, growth=3, dropout=1.0)(x).numpy()
    np.testing.assert_array_equal(y[:, :10], x.numpy())
    assert not y[:, 10:].any()


@pytest.mark.filterwarnings("ignore::minicnn.ops.checks.WindowWarning")
def test_poolings_round_down():
    with use_backend("meta"):
        outputs = summarize(models.DenseNet121(), (3, 228, 228)).outputs
    assert [outputs[f"features.denseblock{b}"][2] for b in (1, 2, 3, 4)] == [57, 28, 14, 7]


def test_images_may_have_other_sizes():
    net = DenseNet((1, 1, 1, 1), num_classes=5, growth=4)
    for size in ((32, 32), (96, 64)):
        assert net(minicnn.randn(2, 3, *size)).shape == (2, 5)


def in_torch(torch, w, x):
    net = Layers(torch, w)

    def active_conv(norm, conv, x):
        return net.conv(conv, torch.relu(net.norm(norm, x)))

    x = net.conv("features.conv0", x, 2 if net.has("features.norm0") else 1)
    if net.has("features.norm0"):
        x = net.F.max_pool2d(torch.relu(net.norm("features.norm0", x)), 3, 2, 1)
    b = 1
    while net.has(f"features.denseblock{b}.denselayer1.conv1"):
        found, i = [x], 1
        while net.has(name := f"features.denseblock{b}.denselayer{i}.conv1"):
            layer = name.removesuffix("conv1")
            new = active_conv(f"{layer}norm1", f"{layer}conv1", torch.cat(found, 1))
            found.append(active_conv(f"{layer}norm2", f"{layer}conv2", new) if net.has(f"{layer}conv2") else new)
            i += 1
        x = torch.cat(found, 1)
        if net.has(f"features.transition{b}.conv"):
            x = net.F.avg_pool2d(active_conv(f"features.transition{b}.norm", f"features.transition{b}.conv", x), 2)
        b += 1
    return net.linear("classifier", torch.relu(net.norm(f"features.norm{b}", x)))


def test_equals_pytorch():
    check_against_torch(DenseNet((2, 3, 2, 2), num_classes=5, growth=4), in_torch, (3, 3, 64, 32))


@pytest.mark.parametrize("bottleneck", [True, False])
def test_for_cifar_equals_pytorch(bottleneck):
    check_against_torch(models.DenseNetCIFAR(16, 4, bottleneck, 5, dropout=0.2), in_torch, (3, 3, 16, 20))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 41, "bottleneck": False}, "DenseNetCIFAR: depth must be 3n + 4, such as 40 or 43, not 41"),
        ({"depth": 43}, "DenseNetCIFAR: depth must be 6n + 4, such as 40 or 46, not 43"),
        ({"k": 0}, "DenseNetCIFAR: k must be an integer >= 1, not 0"),
        ({"bottleneck": 1}, "DenseNetCIFAR: bottleneck must be True or False, not 1"),
        ({"dropout": -0.1}, "Dropout: p must be a number from 0 to 1, not -0.1"),
    ],
    ids=str,
)
def test_messages(arguments, message):
    with pytest.raises(ArgumentError) as caught:
        models.DenseNetCIFAR(**arguments)
    assert str(caught.value) == message
