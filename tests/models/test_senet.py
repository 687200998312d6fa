"""SENet: what the gates do and where they are, what they cost, and the arithmetic of PyTorch."""

from functools import partial

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.models.residual_block import Bottleneck
from minicnn.models.senet import SENet, three_convs
from minicnn.models.squeeze_excitation import SEBottleneck, SENet154Block
from tests.models.against_torch import check_against_torch
from tests.models.residual_in_torch import STAGES, Layers, residual_block


def test_squeeze_excitation_is_two_linear_layers_on_the_means():
    """Equations 2 to 4: z = mean(x), s = sigmoid(W2 relu(W1 z)), y = s x."""
    block = models.SqueezeExcitation(6, 2)
    random = np.random.default_rng(1)
    block.load_state_dict({name: random.standard_normal(value.shape) for name, value in block.state_dict().items()})
    w = {name: value.reshape(value.shape[:2]) for name, value in block.state_dict().items()}
    x = random.standard_normal((3, 6, 4, 5), dtype=np.float32)
    z = x.mean((2, 3))
    s = 1 / (1 + np.exp(-(np.maximum(z @ w["fc1.weight"].T + w["fc1.bias"], 0) @ w["fc2.weight"].T + w["fc2.bias"])))
    np.testing.assert_allclose(block(Tensor(x)).numpy(), x * s[:, :, None, None], rtol=1e-5, atol=1e-6)


def test_the_gates_may_have_another_activation():
    block = models.SqueezeExcitation(6, 2, activation=minicnn.ops.tanh)
    x = minicnn.randn(2, 6, 3, 3)
    gates = minicnn.ops.sigmoid(block.fc2(minicnn.ops.tanh(block.fc1(x.mean((2, 3), keepdims=True)))))
    np.testing.assert_allclose(block(x).numpy(), (x * gates).numpy(), rtol=1e-5, atol=1e-6)


def with_gates(block, bias):
    """All gates at sigmoid(bias), whatever the image."""
    gate = block.se_module.fc2
    gate.weight = nn.Parameter(np.zeros_like(gate.weight.numpy()))
    gate.bias = nn.Parameter(np.full_like(gate.bias.numpy(), bias))
    return block


@pytest.mark.parametrize("options", [{"stride_on_1x1": True}, {"groups": 4, "base_width": 16}], ids=["SEResNet", "SEResNeXt"])
def test_open_gates_leave_resnets_block_and_closed_gates_its_shortcut(options):
    """So the gates are on F(x), before the addition."""
    block, plain = SEBottleneck(16, 16, 2, **options), Bottleneck(16, 16, 2, **options)
    plain.load_state_dict({name: value for name, value in block.state_dict().items() if "se_module" not in name})
    x = minicnn.randn(2, 16, 6, 6)
    np.testing.assert_array_equal(with_gates(block, 100.0)(x).numpy(), plain(x).numpy())
    np.testing.assert_array_equal(with_gates(block, -1000.0)(x).numpy(), np.maximum(plain.downsample(x).numpy(), 0))


def test_costs_a_tenth_of_the_parameters_and_hardly_a_multiply_add():
    with use_backend("meta"):
        gated, plain = summarize(models.SEResNet50()), summarize(models.ResNet50(stride_on_1x1=True))
    assert gated.parameters / plain.parameters == pytest.approx(1.1, abs=0.005)
    assert gated.macs / plain.macs < 1.001


@pytest.mark.parametrize(
    ("network", "sides"), [(models.SEResNet50, (28, 28)), (models.SEResNeXt50_32x4d, (56, 28)), (models.SENet154, (56, 28))]
)
def test_where_the_stride_is(network, sides):
    with use_backend("meta"):
        outputs = summarize(network()).outputs
    assert tuple(outputs[f"layer2.0.conv{i}"][2] for i in (1, 2)) == sides


def test_the_first_pooling_rounds_up():
    with use_backend("meta"):
        outputs = summarize(models.SEResNet50(), (3, 230, 230)).outputs
    assert (outputs["layer0"][2], outputs["pool0"][2]) == (115, 57)
    x = minicnn.zeros(1, 8, 8, 8)
    x[0, 0, 0, 0] = x[0, 1, 2, 2] = x[0, 2, 7, 7] = 1.0
    pooled = models.SEResNet50(width=8).pool0(x).numpy()
    assert [list(zip(*np.nonzero(pooled[0, c]), strict=True)) for c in range(3)] == [
        [(0, 0)], [(0, 0), (0, 1), (1, 0), (1, 1)], [(3, 3)]
    ]  # windows begin at 0, 2, 4, 6, and the last hangs over  # fmt: skip


def test_senet_154_differs_from_resnext_as_the_paper_says():
    with use_backend("meta"):
        net = models.SENet154()
    for i, stage in enumerate((net.layer1, net.layer2, net.layer3, net.layer4)):
        c = 64 * 2**i
        block = stage[0]
        assert (block.conv1.out_channels, block.conv2.out_channels, block.conv2.groups) == (2 * c, 4 * c, 64)
        assert block.downsample[0].kernel_size == ((1, 1) if i == 0 else (3, 3))
        assert not list(stage[1].downsample.parameters())
    assert [len(stage) for stage in (net.layer1, net.layer2, net.layer3, net.layer4)] == [3, 8, 36, 3]
    assert net.dropout.p == 0.2
    with use_backend("meta"):
        assert models.SEResNet50().dropout.p == 0


def test_the_stem_of_senet_154_sees_11_pixels():
    stem = three_convs(1, 4).eval()
    for part in stem:
        if isinstance(part, nn.Conv2d):
            part.weight = nn.Parameter(np.abs(part.weight.numpy()))  # so that no ReLU hides a pixel
    x = minicnn.ones(1, 1, 33, 33).requires_grad_()
    with pytest.warns(nn.EvalBeforeTrainingWarning):
        stem(x)[:, :, 8, 8].sum().backward()
    rows, columns = np.nonzero(x.grad.numpy()[0, 0])
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (11, 11)


def in_torch(torch, w, x, *, stride_on_1x1=False):
    net = Layers(torch, w)

    def gated(name, y):
        s = torch.relu(net.conv(f"{name}.se_module.fc1", y.mean((2, 3), keepdim=True)))
        return y * torch.sigmoid(net.conv(f"{name}.se_module.fc2", s))

    for i in (1, 2, 3):
        if net.has(f"layer0.conv{i}"):
            x = torch.relu(net.norm(f"layer0.bn{i}", net.conv(f"layer0.conv{i}", x, 2 if i == 1 else 1)))
    x = net.F.max_pool2d(x, 3, 2, ceil_mode=True)
    for name, stride in net.blocks(STAGES):
        x = residual_block(torch, net, name, x, stride, stride_on_1x1=stride_on_1x1, after=gated)
    return net.linear("last_linear", x)


def test_se_resnet_equals_pytorch():
    net = SENet(partial(SEBottleneck, stride_on_1x1=True), (2, 1, 2, 1), num_classes=5, width=8)
    check_against_torch(net, partial(in_torch, stride_on_1x1=True), (3, 3, 43, 54))


def test_senet_154_equals_pytorch():
    net = SENet(partial(SENet154Block, groups=4), (1, 2, 1, 1), num_classes=5, width=8, deep_stem=True, dropout=0.2)
    check_against_torch(net, in_torch, (3, 3, 43, 54))
