"""Chains with skip connections: what each layer reads, how sizes are made equal, and what a string may say."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn
from minicnn.errors import ArgumentError
from minicnn.models.searched_chain import ChainLayer, read_chain, side_by_side, write_chain
from minicnn.testing import gradcheck_module

SKIPS = "chain 3x3x4 1x3x3/2+0 3x1x2+0+1 3x3x3/2 2x2x4+2+3"  # outputs of different sizes meet at layers 2 and 4; layer 3 reads the image


def test_parameters_counted_by_hand():
    net = models.SearchedChain("chain 3x5x8 7x3x16/2+0 5x5x8+0+1", num_classes=10, in_channels=1)
    layers = 3 * 5 * 8 + 2 * 8, 7 * 3 * 8 * 16 + 2 * 16, 5 * 5 * (8 + 16) * 8 + 2 * 8
    assert sum(p.size for p in net.parameters()) == sum(layers) + 8 * 10 + 10 == 7762


@pytest.mark.parametrize(
    ("string", "inputs", "outputs"),
    [
        ("chain 1x1x2 1x1x2 1x1x2", [(), (), ()], (0, 1, 2)),
        ("chain 1x1x2 1x1x2+0 1x1x2+1", [(), (0,), (1,)], (2,)),
        ("chain 1x1x2 1x1x2+0 1x1x2+0 1x1x2+2+0", [(), (0,), (0,), (0, 2)], (1, 3)),
    ],
)
def test_a_layer_reads_what_the_string_says_and_else_the_image(string, inputs, outputs):
    """What no layer reads goes to the classifier."""
    net = models.SearchedChain(string, num_classes=3, in_channels=5)
    assert [layer.inputs for layer in read_chain(string)] == inputs
    assert [layer.conv.in_channels for layer in net.layers] == [2 * len(read) or 5 for read in inputs]
    assert net.outputs == outputs
    assert net.classifier.in_features == 2 * len(outputs)
    seen = []
    for layer in net.layers:
        layer.register_forward_hook(lambda _, x, y: seen.append((x[0].numpy(), y.numpy())))
    image = minicnn.randn(2, 5, 6, 6)
    net(image)
    for (x, _), read in zip(seen, inputs, strict=True):
        np.testing.assert_array_equal(x, np.concatenate([seen[i][1] for i in read], axis=1) if read else image.numpy())


def test_smaller_maps_stand_in_the_middle_of_zeros():
    large, small = minicnn.randn(1, 2, 5, 6), minicnn.randn(1, 3, 2, 3)
    y = side_by_side([large, small]).numpy()
    np.testing.assert_array_equal(y[:, :2], large.numpy())
    np.testing.assert_array_equal(y[:, 2:, 1:3, 1:4], small.numpy())
    assert np.count_nonzero(y[:, 2:]) == small.size
    tall, wide = minicnn.ones(1, 1, 4, 2), minicnn.ones(1, 1, 2, 4)
    assert side_by_side([tall, wide]).shape == (1, 2, 4, 4)
    assert side_by_side([large]) is large


def test_equals_pytorch():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    minicnn.manual_seed(1)
    net = models.SearchedChain("chain 3x3x4 1x3x3/2+0 3x1x2+0+1 3x3x3/2", num_classes=5, in_channels=2).astype("float64")
    w = {name: torch.tensor(value) for name, value in net.state_dict().items()}
    x = np.random.default_rng(2).standard_normal((3, 2, 8, 8))

    def layer(i, y, pad, stride=1):  # left, right, top, bottom
        y = F.conv2d(F.pad(y, pad), w[f"layers.{i}.conv.weight"], stride=stride)
        return F.relu(F.batch_norm(y, None, None, w[f"layers.{i}.bn.weight"], w[f"layers.{i}.bn.bias"], training=True))

    image = torch.tensor(x)
    a = layer(0, image, (1, 1, 1, 1))
    b = layer(1, a, (0, 1, 0, 0), 2)
    b = F.pad(b, (2, 2, 2, 2))
    c = layer(2, torch.cat([a, b], 1), (0, 0, 1, 1))
    d = F.pad(layer(3, image, (0, 1, 0, 1), 2), (2, 2, 2, 2))
    scores = F.linear(torch.cat([c, d], 1).mean((2, 3)), w["classifier.weight"], w["classifier.bias"])
    np.testing.assert_allclose(net(Tensor(x)).numpy(), scores.numpy(), rtol=1e-9)


@pytest.mark.gradcheck
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_gradients_with_skips_of_different_sizes(training):
    minicnn.manual_seed(3)
    net = models.SearchedChain(SKIPS, num_classes=3, in_channels=2)
    random = np.random.default_rng(4)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.bias.data = random.standard_normal(module.num_features).astype(np.float32)
            module.running_var.data = (0.5 + random.random(module.num_features)).astype(np.float32)
    gradcheck_module(net.train(training), [random.standard_normal((3, 2, 7, 6))], elements=12)


@pytest.mark.parametrize(
    ("string", "spelled"),
    [
        ("Chain 3X3x8/1  3x3x8+0", "chain 3x3x8 3x3x8+0"),
        ("chain 1x1x1 1x1x1 1x1x1+1+0", "chain 1x1x1 1x1x1 1x1x1+0+1"),
        ("chain 03x3x008/02", "chain 3x3x8/2"),
        (SKIPS, SKIPS),
    ],
)
def test_spelling(string, spelled):
    assert models.SearchedChain(string).string == spelled
    assert write_chain(read_chain(spelled)) == spelled


def test_random_layers_come_back():
    rng = np.random.default_rng(5)
    for _ in range(50):
        plan = tuple(
            ChainLayer(*(int(n) for n in rng.integers(1, 70, 3)), int(rng.integers(1, 4)), tuple(j for j in range(i) if rng.random() < 0.5))
            for i in range(rng.integers(1, 8))
        )
        assert read_chain(write_chain(plan)) == plan


@pytest.mark.parametrize(
    ("string", "said"),
    [
        ("chain", "the chain has no layers: write each as height x width x filters, as in 'chain 3x3x24 3x3x36+0'"),
        ("chain 3x3x8 3x8", "layer 1 of the chain, '3x8', is none: write height x width x filters, then /stride, then + and an earlier layer, as in '3x5x24/2+0'"),
        ("chain 3x3x8 3x3x8+0/2", "layer 1 of the chain, '3x3x8+0/2', is none: write"),
        ("chain 3x3x-8", "layer 0 of the chain, '3x3x-8', is none: write"),
        ("chain 3x3x0", "layer 0 of the chain, '3x3x0': the number of filters must be at least 1, not 0"),
        ("chain 0x3x8", "layer 0 of the chain, '0x3x8': the height must be at least 1, not 0"),
        ("chain 3x0x8", "layer 0 of the chain, '3x0x8': the width must be at least 1, not 0"),
        ("chain 3x3x8/0", "layer 0 of the chain, '3x3x8/0': the stride must be at least 1, not 0"),
        ("chain 3x3x8+0", "layer 0 of the chain, '3x3x8+0', cannot read layer 0: it is the first and reads the image: write no +"),
        ("chain 3x3x8 3x3x8+1", "layer 1 of the chain, '3x3x8+1', cannot read layer 1: the layer before it is 0"),
        ("chain 3x3x8 3x3x8 3x3x8+5", "layer 2 of the chain, '3x3x8+5', cannot read layer 5: the layers before it are 0 to 1"),
        ("chain 3x3x8 3x3x8+0+0", "layer 1 of the chain, '3x3x8+0+0', reads layer 0 twice: write +0 once"),
        ("", "a chain begins with the word chain, as in 'chain 3x3x24 3x3x36+0', not with ''"),
    ],
)
def test_mistakes_are_quoted_with_their_place(string, said):
    with pytest.raises(ArgumentError) as error:
        models.SearchedChain(string)
    assert str(error.value).startswith(said)
