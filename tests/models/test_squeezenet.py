"""SqueezeNet: the paper's table of fire modules, few parameters, torchvision's names, and the arithmetic of PyTorch."""

import numpy as np
import pytest

import minicnn
from minicnn import models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.models.squeezenet import Fire
from tests.models.against_torch import check_against_torch

POOLS = {models.SqueezeNet1_0: (2, 6, 11), models.SqueezeNet1_1: (2, 5, 8)}
FIRES = {models.SqueezeNet1_0: (3, 4, 5, 7, 8, 9, 10, 12), models.SqueezeNet1_1: (3, 4, 6, 7, 9, 10, 11, 12)}


@pytest.mark.parametrize("network", [models.SqueezeNet1_0, models.SqueezeNet1_1])
def test_fire_modules_and_poolings_stand_where_the_authors_have_them(network):
    """Widths as in table 1 (squeeze, expand 1x1, expand 3x3); version 1.1 only moves the poolings."""
    with use_backend("meta"):
        net = network()
    parts = dict(net.features.named_children())
    assert tuple(int(i) for i, part in parts.items() if isinstance(part, nn.MaxPool2d)) == POOLS[network]
    fires = {int(i): part for i, part in parts.items() if isinstance(part, Fire)}
    assert tuple(fires) == FIRES[network]
    assert [(f.squeeze.out_channels, f.expand1x1.out_channels, f.expand3x3.out_channels) for f in fires.values()] == [
        (16, 64, 64), (16, 64, 64), (32, 128, 128), (32, 128, 128), (48, 192, 192), (48, 192, 192), (64, 256, 256), (64, 256, 256)
    ]  # fmt: skip


def test_alexnet_has_about_50_times_as_many_parameters():
    with use_backend("meta"):
        counts = [sum(p.size for p in network().parameters()) for network in (models.AlexNetGrouped, models.SqueezeNet1_0)]
    assert counts[0] / counts[1] == pytest.approx(50, abs=2)


def test_version_1_1_needs_less_than_half_of_the_work():
    with use_backend("meta"):
        work = [summarize(network(), (3, 223, 223)).macs for network in POOLS]  # of 224 pixels the last is never seen
    assert [round(macs / 1e6) for macs in work] == [819, 349]


def test_names_are_torchvisions():
    names = [name.removesuffix(".weight") for name in models.SqueezeNet1_1(width=16).state_dict() if name.endswith("weight")]
    fires = [f"features.{i}.{part}" for i in FIRES[models.SqueezeNet1_1] for part in ("squeeze", "expand1x1", "expand3x3")]
    assert names == ["features.0", *fires, "classifier.1"]


def test_scores_are_the_means_of_the_last_maps_and_not_negative():
    net = models.SqueezeNet1_1(width=16, num_classes=5).eval()
    scores, maps = net(x := minicnn.randn(2, 3, 63, 63)), net.classifier[:3](net.features(x))
    np.testing.assert_allclose(scores.numpy(), maps.numpy().mean((2, 3)), rtol=1e-5)
    assert (maps.numpy() >= 0).all()


@pytest.mark.parametrize("network", [models.SqueezeNet1_0, models.SqueezeNet1_1])
def test_equals_pytorch(network):
    def reference(torch, w, x):
        F = torch.nn.functional

        def conv(name, x, **options):
            return F.relu(F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **options))

        x = conv("features.0", x, stride=2)
        for i in range(2, 13):
            if i in POOLS[network]:
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            else:
                x = conv(f"features.{i}.squeeze", x)
                x = torch.cat([conv(f"features.{i}.expand1x1", x), conv(f"features.{i}.expand3x3", x, padding=1)], 1)
        return conv("classifier.1", x).mean((2, 3))

    minicnn.manual_seed(2)
    check_against_torch(network(width=16, num_classes=5), reference, (2, 3, 63, 95))
