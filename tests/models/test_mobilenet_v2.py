"""MobileNetV2: table 2, shortcuts between narrow linear ends, torchvision's names, and the arithmetic of PyTorch."""

import numpy as np
import pytest

import minicnn
from minicnn import models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.mobilenet_v2 import STAGES, InvertedResidual, make_divisible
from tests.models.against_torch import check_against_torch


@pytest.mark.parametrize(
    ("channels", "divisible"),
    [(8, 8), (12, 16), (11.9, 16), (33.6, 32), (22.4, 24), (3.2, 8), (0.1, 8), (17.7, 16), (17.8, 24), (19.9, 24), (91, 88), (1792.0, 1792)],
)
def test_channels_are_made_divisible_by_8_and_keep_90_percent(channels, divisible):
    assert make_divisible(channels) == divisible


def test_no_width_loses_more_than_a_tenth():
    for channels in np.arange(1, 400, 0.3):
        made = make_divisible(channels)
        assert made % 8 == 0
        assert made >= 0.9 * channels
        assert made < channels + 8


def test_stages_are_those_of_table_2():
    with use_backend("meta"):
        net = models.MobileNetV2()
        outputs = summarize(net).outputs
    blocks = [part for part in net.features if isinstance(part, InvertedResidual)]
    assert len(blocks) == 17
    assert [outputs[f"features.{i}"][1:] for i in (0, 1, 3, 6, 10, 13, 16, 17, 18)] == [
        (32, 112, 112), (16, 112, 112), (24, 56, 56), (32, 28, 28), (64, 14, 14), (96, 14, 14), (160, 7, 7), (320, 7, 7), (1280, 7, 7)
    ]  # fmt: skip
    assert sum(block.adds for block in blocks) == sum(n - 1 for _, _, n, _ in STAGES) == 10


def test_the_first_block_does_not_expand():
    """A 1x1 convolution to as many channels would be waste: 1,024 weights and 13 million multiply-adds."""
    first, second = models.MobileNetV2(width=0.25).features[1:3]
    assert [m.kernel_size for m in first.modules() if isinstance(m, nn.Conv2d)] == [(3, 3), (1, 1)]
    assert [m.kernel_size for m in second.modules() if isinstance(m, nn.Conv2d)] == [(1, 1), (3, 3), (1, 1)]


def test_the_projection_is_linear():
    minicnn.manual_seed(0)
    y = InvertedResidual(8, 12, stride=1, expansion=6)(minicnn.randn(4, 8, 6, 6)).numpy()
    assert (y < 0).mean() == pytest.approx(0.5, abs=0.1)
    assert y.max() > 0


def test_a_block_whose_projection_is_zero_is_the_identity():
    block = InvertedResidual(8, 8, stride=1, expansion=6)
    with minicnn.no_grad():
        block.get_submodule("conv.3").weight.copy_(np.zeros(8, np.float32))
    x = minicnn.randn(2, 8, 6, 6)
    np.testing.assert_array_equal(block(x).numpy(), x.numpy())


@pytest.mark.parametrize(("width", "last"), [(0.5, 1280), (1.0, 1280), (1.4, 1792)])
def test_the_last_convolution_is_never_narrowed(width, last):
    with use_backend("meta"):
        assert models.MobileNetV2(width=width).get_submodule("classifier.1").weight.shape == (1000, last)


def test_names_are_torchvisions():
    names = {name for name in models.MobileNetV2(width=0.25).state_dict() if name.startswith(("features.1.", "features.2.", "features.18"))}
    bn = ("weight", "bias", "running_mean", "running_var")
    expected = {f"features.{layer}.weight" for layer in ("1.conv.0.0", "1.conv.1", "2.conv.0.0", "2.conv.1.0", "2.conv.2", "18.0")}
    expected |= {f"features.{layer}.{part}" for layer in ("1.conv.0.1", "1.conv.2", "2.conv.0.1", "2.conv.1.1", "2.conv.3", "18.1") for part in bn}
    assert {name for name in names if "num_batches" not in name} == expected


def test_equals_pytorch():
    def reference(torch, w, x):
        F = torch.nn.functional

        def norm(name, x):
            return F.batch_norm(x, None, None, w[f"{name}.weight"], w[f"{name}.bias"], True)

        def conv(name, x, **options):
            return F.relu6(norm(f"{name}.1", F.conv2d(x, w[f"{name}.0.weight"], **options)))

        x = conv("features.0", x, stride=2, padding=1)
        strides = [s if i == 0 else 1 for _, _, n, s in STAGES for i in range(n)]
        for number, stride in enumerate(strides, start=1):
            name, before, i = f"features.{number}.conv", x, 0
            if number > 1:
                x, i = conv(f"{name}.0", x), 1
            x = conv(f"{name}.{i}", x, stride=stride, padding=1, groups=x.shape[1])
            x = norm(f"{name}.{i + 2}", F.conv2d(x, w[f"{name}.{i + 1}.weight"]))
            if x.shape == before.shape:
                x = x + before
        x = conv("features.18", x).mean((2, 3))
        return F.linear(x, w["classifier.1.weight"], w["classifier.1.bias"])

    minicnn.manual_seed(1)
    check_against_torch(models.MobileNetV2(width=0.125, num_classes=5), reference, (3, 3, 64, 75))


@pytest.mark.parametrize("width", [0, -0.5, float("inf"), None])
def test_a_width_that_is_none_is_refused(width):
    with pytest.raises(ArgumentError, match="MobileNetV2: width must be a number above 0"):
        models.MobileNetV2(width=width)
