"""MobileNetV1: what separating a convolution saves, where the strides are, timm's names, and the arithmetic of PyTorch."""

import pytest

import minicnn
from minicnn import models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.mobilenet_v1 import DepthwiseSeparable
from tests.models.against_torch import check_against_torch


def test_a_separable_convolution_takes_an_eighth_to_a_ninth_of_the_work():
    """Sec. 3.1: 1/O + 1/9 of it."""
    with use_backend("meta"):
        plain = summarize(nn.Conv2d(64, 128, 3, padding=1), (64, 28, 28)).macs
        separable = summarize(DepthwiseSeparable(64, 128), (64, 28, 28)).macs
    assert separable / plain == pytest.approx(1 / 128 + 1 / 9)


def test_one_filter_for_each_channel():
    depthwise = [m for m in models.MobileNetV1(width=0.25).modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
    assert len(depthwise) == 13
    assert all(m.groups == m.in_channels == m.out_channels and m.kernel_size == (3, 3) for m in depthwise)


def test_the_last_depthwise_convolution_keeps_7x7():
    with use_backend("meta"):
        outputs = summarize(models.MobileNetV1()).outputs
    assert [outputs[f"blocks.{i}"][1:] for i in range(5)] == [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (1024, 7, 7)]
    assert outputs["blocks.4.1.conv_dw"] == (1, 1024, 7, 7)


def test_names_are_timms():
    names = [name for name in models.MobileNetV1(width=0.25).state_dict() if name.endswith("weight")]
    blocks = [f"blocks.{i}.{j}" for i, n in enumerate((1, 2, 2, 6, 2)) for j in range(n)]
    inside = [f"{block}.{part}.weight" for block in blocks for part in ("conv_dw", "bn1", "conv_pw", "bn2")]
    assert names == ["conv_stem.weight", "bn1.weight", *inside, "classifier.weight"]


def test_equals_pytorch():
    def reference(torch, w, x):
        F = torch.nn.functional

        def conv(name, norm, x, **options):
            x = F.conv2d(x, w[f"{name}.weight"], **options)
            return F.relu6(F.batch_norm(x, None, None, w[f"{norm}.weight"], w[f"{norm}.bias"], True))

        x = conv("conv_stem", "bn1", x, stride=2, padding=1)
        for i, depth in enumerate((1, 2, 2, 6, 2)):
            for j in range(depth):
                block = f"blocks.{i}.{j}"
                x = conv(f"{block}.conv_dw", f"{block}.bn1", x, stride=2 if i and not j else 1, padding=1, groups=x.shape[1])
                x = conv(f"{block}.conv_pw", f"{block}.bn2", x)
        return F.linear(x.mean((2, 3)), w["classifier.weight"], w["classifier.bias"])

    minicnn.manual_seed(1)
    check_against_torch(models.MobileNetV1(width=0.125, num_classes=5), reference, (3, 3, 64, 75))


@pytest.mark.parametrize("width", [0, -1, float("nan"), "1"])
def test_a_width_that_is_none_is_refused(width):
    with pytest.raises(ArgumentError, match="MobileNetV1: width must be a number above 0"):
        models.MobileNetV1(width=width)
