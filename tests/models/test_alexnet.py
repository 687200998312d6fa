"""AlexNet in its three forms: the lecture's volumes, the paper's two GPUs, and the arithmetic of PyTorch."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, ops, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models.alexnet import response_norm
from tests.models.against_torch import check_against_torch

SMALL = {"channels": (6, 16, 24, 24, 16), "hidden": 16, "num_classes": 5}


def summary(network):
    with use_backend("meta"):
        return summarize(network())


@pytest.mark.parametrize("network", [models.AlexNet, models.AlexNetGrouped])
def test_has_the_volumes_of_the_lecture(network):
    outputs = summary(network).outputs
    names = ["conv1", "pool1", "norm1", "conv2", "pool2", "norm2", "conv3", "conv4", "conv5", "pool5"]
    pooled_last = {"norm1", "norm2"} if network is models.AlexNetGrouped else set()  # their norms stand before the pooling
    volumes = [outputs[f"features.{name}"][1:] for name in names if name not in pooled_last]
    expected = [
        (96, 55, 55), (96, 27, 27), (96, 27, 27), (256, 27, 27), (256, 13, 13), (256, 13, 13),
        (384, 13, 13), (384, 13, 13), (256, 13, 13), (256, 6, 6),
    ]  # fmt: skip
    assert volumes == [volume for name, volume in zip(names, expected, strict=True) if name not in pooled_last]
    assert [outputs[f"classifier.fc{i}"][1:] for i in (6, 7, 8)] == [(4096,), (4096,), (1000,)]


def test_conv1_has_35_thousand_parameters_and_pool1_none():
    layers = {layer.path: layer.parameters for layer in summary(models.AlexNet).layers}
    assert layers["features.conv1"] == (11 * 11 * 3 + 1) * 96 == 34_944
    assert layers["features.pool1"] == layers["features.norm1"] == 0


def test_norm_and_pooling_stand_in_the_order_of_lecture_and_paper():
    orders = [[name for name in vars(network(**SMALL).features) if name in ("norm1", "pool1", "norm2", "pool2")]
              for network in (models.AlexNet, models.AlexNetGrouped)]  # fmt: skip
    assert orders == [["pool1", "norm1", "pool2", "norm2"], ["norm1", "pool1", "norm2", "pool2"]]


def test_the_norm_is_the_formula_of_section_3_3():
    x = np.random.default_rng(0).standard_normal((1, 8, 1, 1)) * 30
    a = x.ravel()
    expected = [a[i] / (2 + 1e-4 * (a[max(0, i - 2) : i + 3] ** 2).sum()) ** 0.75 for i in range(8)]
    np.testing.assert_allclose(response_norm()(Tensor(x)).numpy().ravel(), expected, rtol=1e-12)


def test_each_gpu_may_normalise_its_own_maps():
    x = np.random.default_rng(0).standard_normal((1, 8, 1, 1)) * 300
    both = models.AlexNetGrouped(**SMALL, norm_groups=2)
    for name in ("norm1", "norm2"):
        halves = [response_norm()(Tensor(half)).numpy() for half in np.split(x, 2, axis=1)]
        np.testing.assert_array_equal(both.get_submodule(f"features.{name}")(Tensor(x)).numpy(), np.concatenate(halves, axis=1))
        assert models.AlexNetGrouped(**SMALL).get_submodule(f"features.{name}").groups == 1
    assert list(both.state_dict()) == list(models.AlexNetGrouped(**SMALL).state_dict())


def influence(network, layer):
    """Which half of the layer's output depends on which half of its input: a 2x2 table (input, output)."""
    part = network.get_submodule(f"features.{layer}")
    table = np.zeros((2, 2), bool)
    for out_half in range(2):
        x = minicnn.randn(1, part.in_channels, 7, 7).requires_grad_()
        part(x)[:, out_half * part.out_channels // 2 :][:, : part.out_channels // 2].sum().backward()
        table[:, out_half] = [np.any(half) for half in np.split(x.grad.numpy(), 2, axis=1)]
    return table.tolist()


@pytest.mark.parametrize("layer", ["conv2", "conv3", "conv4", "conv5"])
def test_only_conv3_sees_the_maps_of_both_gpus(layer):
    everything, own = [[True, True], [True, True]], [[True, False], [False, True]]
    assert influence(models.AlexNetGrouped(**SMALL), layer) == (everything if layer == "conv3" else own)
    assert influence(models.AlexNet(**SMALL), layer) == everything


def test_a_grouped_convolution_is_two_convolutions_side_by_side():
    conv = models.AlexNetGrouped(**SMALL).get_submodule("features.conv2")
    x = minicnn.randn(2, 6, 9, 9)
    towers = [
        ops.conv2d(x[:, 3 * gpu : 3 * gpu + 3], conv.weight[8 * gpu : 8 * gpu + 8], conv.bias[8 * gpu : 8 * gpu + 8], padding=2)
        for gpu in range(2)
    ]
    np.testing.assert_allclose(conv(x).numpy(), ops.concatenate(towers, axis=1).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("network", [models.AlexNet, models.AlexNetGrouped])
def test_equals_pytorch(network):
    grouped = network is models.AlexNetGrouped

    def reference(torch, w, x):
        F = torch.nn.functional

        def norm(x):
            squares = F.pad(x**2, (0, 0, 0, 0, 2, 2)).unfold(1, 5, 1).sum(-1)
            return x / (2 + 1e-4 * squares) ** 0.75

        for i, (stride, padding, groups) in enumerate([(4, 0, 1), (1, 2, 2), (1, 1, 1), (1, 1, 2), (1, 1, 2)], start=1):
            name = f"features.conv{i}"
            x = F.relu(F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride, padding, groups=groups if grouped else 1))
            if i < 3:
                x = F.max_pool2d(norm(x), 3, 2) if grouped else norm(F.max_pool2d(x, 3, 2))
        x = F.max_pool2d(x, 3, 2).flatten(1)
        for i in (6, 7):
            x = F.relu(F.linear(x, w[f"classifier.fc{i}.weight"], w[f"classifier.fc{i}.bias"]))
        return F.linear(x, w["classifier.fc8.weight"], w["classifier.fc8.bias"])

    minicnn.manual_seed(1)
    check_against_torch(network(**SMALL), reference, (2, 3, 227, 227))


def test_one_weird_trick_equals_pytorch():
    def reference(torch, w, x):
        F = torch.nn.functional
        for i, stride, padding in [(0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)]:
            x = F.relu(F.conv2d(x, w[f"features.{i}.weight"], w[f"features.{i}.bias"], stride, padding))
            x = x if i in (6, 8) else F.max_pool2d(x, 3, 2)
        x = F.adaptive_avg_pool2d(x, 6).flatten(1)
        for i in (1, 4):
            x = F.relu(F.linear(x, w[f"classifier.{i}.weight"], w[f"classifier.{i}.bias"]))
        return F.linear(x, w["classifier.6.weight"], w["classifier.6.bias"])

    minicnn.manual_seed(1)
    net = models.AlexNetOneWeirdTrick(channels=(4, 12, 24, 16, 16), hidden=16, num_classes=5)
    check_against_torch(net, reference, (2, 3, 95, 287))  # 2 x 8 maps: some of the 6 x 6 means are over several pixels


def test_one_weird_trick_has_torchvisions_names_and_shapes():
    with use_backend("meta"):
        shapes = {name: p.shape for name, p in models.AlexNetOneWeirdTrick().named_parameters() if name.endswith("weight")}
    assert shapes == {
        "features.0.weight": (64, 3, 11, 11), "features.3.weight": (192, 64, 5, 5), "features.6.weight": (384, 192, 3, 3),
        "features.8.weight": (256, 384, 3, 3), "features.10.weight": (256, 256, 3, 3),
        "classifier.1.weight": (4096, 9216), "classifier.4.weight": (4096, 4096), "classifier.6.weight": (1000, 4096),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "parts"),
    [
        ((3, 227, 227), ["4 axes (N, C, H, W)", "(3, 227, 227)"]),
        ((2, 3, 224, 224), ["227x227 pixels", "(227 - 11)/4 + 1 = 55", "(2, 3, 224, 224)", "resize or crop"]),
        ((2, 3, 227, 230), ["227x227 pixels", "(2, 3, 227, 230)"]),
        ((2, 1, 227, 227), ["features.conv1 Conv2d", "1 channels, expected 3"]),
    ],
)
@pytest.mark.parametrize("network", [models.AlexNet, models.AlexNetGrouped])
def test_messages(network, shape, parts):
    with pytest.raises(ShapeError) as caught:
        network(**SMALL)(minicnn.zeros(*shape))
    for part in parts:
        assert part in str(caught.value)


def test_two_gpus_need_even_numbers_of_channels():
    with pytest.raises(ArgumentError, match="groups=2 must divide"):
        models.AlexNetGrouped(channels=(5, 16, 24, 24, 16))
