"""EfficientNet: one rule makes all sizes, squeeze-excitation looks at the block's input, and the arithmetic is PyTorch's."""

import math
import re

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models.compound_scaling import ALPHA, BETA, GAMMA, compound_scaling, scaled_stages
from minicnn.models.efficientnet import EfficientNet
from minicnn.models.mbconv import MBConv

BLOCKS = [16, 23, 23, 26, 32, 39, 45, 55]


def sizes():
    with minicnn.use_backend("meta"):
        return [models.create(f"EfficientNetB{i}") for i in range(8)]


def test_a_step_of_the_rule_nearly_doubles_the_multiply_adds():
    assert pytest.approx(2, rel=0.05) == ALPHA * BETA**2 * GAMMA**2
    for phi in (-2, 0, 0.5, 6):
        depth, width, resolution = compound_scaling(phi)
        assert depth * width**2 * (resolution / 224) ** 2 == pytest.approx(1.92**phi, rel=0.01)


def test_the_rules_table_of_the_released_networks_is_true():
    """Depth, width and resolution are those that the networks are built with, and each phi is a logarithm of them."""
    rows = re.findall(r"B(\d) +([\d.]+) +([\d.]+) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+)$", compound_scaling.__doc__, re.MULTILINE)
    assert [int(row[0]) for row in rows] == list(range(8))
    for net, (_, depth, width, resolution, *phis) in zip(sizes(), rows, strict=True):
        assert net.input_shape == (3, int(resolution), int(resolution))
        plan = scaled_stages(float(depth), float(width))
        assert [len(stage) for stage in list(net.features)[1:-1]] == [stage.blocks for stage in plan]
        assert [stage[0].block[-1][0].out_channels for stage in list(net.features)[1:-1]] == [stage.channels for stage in plan]
        ratios = (float(depth), ALPHA), (float(width), BETA), (int(resolution) / 224, GAMMA)
        assert [f"{math.log(ratio) / math.log(base):.1f}" for ratio, base in ratios] == phis


def test_any_step_of_the_rule_makes_a_network():
    with minicnn.use_backend("meta"):
        counts = [summarize(EfficientNet(*compound_scaling(phi))).macs for phi in (-2, -1, 0, 1, 2)]
    assert counts == sorted(counts)
    assert counts[2] == 385_814_752


def test_depth_dropout_and_batch_norm_of_each_size():
    nets = sizes()
    assert [sum(isinstance(m, MBConv) for m in net.modules()) for net in nets] == BLOCKS
    assert [net.classifier[0].p for net in nets] == [0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5]
    norms = [{(m.eps, m.momentum) for m in net.modules() if isinstance(m, nn.BatchNorm2d)} for net in nets]
    assert norms == [{(1e-5, 0.1)}] * 5 + [{(1e-3, 0.01)}] * 3


def test_padding_is_symmetric():
    convs = [m for m in sizes()[0].modules() if isinstance(m, nn.Conv2d)]
    assert all(conv.padding == (conv.kernel_size[0] // 2,) * 4 for conv in convs)


def test_squeezes_to_a_quarter_of_the_blocks_input():
    blocks = [m for m in sizes()[0].modules() if isinstance(m, MBConv)]
    squeezed = [block.block[-2].fc1.out_channels for block in blocks]
    assert squeezed == [32 // 4, 16 // 4, 24 // 4, 24 // 4, 40 // 4, 40 // 4, *[80 // 4] * 3, *[112 // 4] * 3, *[192 // 4] * 4]


def test_later_blocks_are_skipped_more_often():
    blocks = [m for m in EfficientNet(depth=0.5, width=0.25, stochastic_depth=0.5).modules() if isinstance(m, MBConv)]
    assert [block.stochastic_depth.p for block in blocks] == pytest.approx([0.5 * i / 10 for i in range(10)])


def test_a_skipped_block_is_the_identity_and_one_that_changes_the_shape_is_never_skipped():
    x = minicnn.randn(4, 16, 8, 8)
    assert (MBConv(16, 16, drop_path=1.0)(x).numpy() == x.numpy()).all()
    assert MBConv(16, 24, drop_path=1.0)(x).numpy().any()
    assert MBConv(16, 16, stride=2, drop_path=1.0)(x).numpy().any()


def test_names_are_torchvisions():
    names = set(EfficientNet(depth=0.5, width=0.25).state_dict())
    assert {
        "features.0.0.weight", "features.0.1.running_var", "features.1.0.block.0.0.weight", "features.1.0.block.1.fc1.bias",
        "features.1.0.block.2.0.weight", "features.2.0.block.2.fc2.weight", "features.2.0.block.3.1.bias", "features.8.0.weight",
        "classifier.1.weight", "classifier.1.bias",
    } <= names  # fmt: skip
    assert not any("stochastic" in name or "avgpool" in name for name in names)


@pytest.mark.parametrize("size", [32, 37])
def test_equals_pytorch(size):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    minicnn.manual_seed(1)
    net = EfficientNet(depth=0.3, width=0.2, num_classes=5, dropout=0.0, stochastic_depth=0.0).astype("float64")
    w = {name: torch.tensor(value, requires_grad=value.dtype == float) for name, value in net.state_dict().items()}
    x, labels = np.random.default_rng(2).standard_normal((3, 3, size, size)), np.array([0, 4, 2])

    def conv_norm(y, name, stride=1):
        weight = w[f"{name}.0.weight"]
        groups = y.shape[1] // weight.shape[1]
        y = F.conv2d(y, weight, stride=stride, padding=weight.shape[2] // 2, groups=groups)
        return F.batch_norm(y, None, None, w[f"{name}.1.weight"], w[f"{name}.1.bias"], training=True)

    def block(y, name, stride):
        before, i = y, 0
        if f"{name}.3.0.weight" in w:
            y, i = F.silu(conv_norm(y, f"{name}.0")), 1
        y = F.silu(conv_norm(y, f"{name}.{i}", stride))
        s = F.silu(F.conv2d(y.mean((2, 3), keepdim=True), w[f"{name}.{i + 1}.fc1.weight"], w[f"{name}.{i + 1}.fc1.bias"]))
        y = y * torch.sigmoid(F.conv2d(s, w[f"{name}.{i + 1}.fc2.weight"], w[f"{name}.{i + 1}.fc2.bias"]))
        y = conv_norm(y, f"{name}.{i + 2}")
        return y + before if y.shape == before.shape and stride == 1 else y

    y = F.silu(conv_norm(torch.tensor(x), "features.0", stride=2))
    for s, stride in enumerate((1, 2, 2, 2, 1, 2, 1), start=1):
        i = 0
        while f"features.{s}.{i}.block.0.0.weight" in w:
            y = block(y, f"features.{s}.{i}.block", stride if i == 0 else 1)
            i += 1
    y = F.silu(conv_norm(y, "features.8")).mean((2, 3))
    y = F.linear(y, w["classifier.1.weight"], w["classifier.1.bias"])
    F.cross_entropy(y, torch.tensor(labels)).backward()

    scores = net(Tensor(x))
    minicnn.ops.cross_entropy(scores, Tensor(labels)).backward()
    np.testing.assert_allclose(scores.numpy(), y.detach().numpy(), rtol=1e-8, atol=1e-10)
    for name, parameter in net.named_parameters():
        np.testing.assert_allclose(parameter.grad.numpy(), w[name].grad.numpy(), rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.EfficientNetB0(depth=0), "EfficientNet: depth must be a number above 0, not 0"),
        (lambda: models.EfficientNetB0(width=-1.0), "EfficientNet: width must be a number above 0, not -1.0"),
        (lambda: compound_scaling(math.nan), "compound_scaling: phi must be a finite number, not nan"),
    ],
)
def test_messages(make, message):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert str(caught.value).endswith(message)


def test_an_image_of_other_channels_is_refused_by_the_first_convolution():
    with pytest.raises(ShapeError, match=r"features\.0\.0 Conv2d.*1 channels, expected 3"):
        EfficientNet(depth=0.5, width=0.25)(minicnn.zeros(2, 1, 32, 32))
