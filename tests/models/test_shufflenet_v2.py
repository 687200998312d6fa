"""ShuffleNetV2: half of the channels pass, the split is the shuffle, the authors' names, and the arithmetic of PyTorch."""

import numpy as np
import pytest

import minicnn
from minicnn import models, nn, ops, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.shufflenet_v2 import ShuffleUnitV2
from tests.models.against_torch import check_against_torch


@pytest.mark.parametrize(
    ("width", "channels"),
    [(0.5, (48, 96, 192, 1024)), (1.0, (116, 232, 464, 1024)), (1.5, (176, 352, 704, 1024)), (2.0, (244, 488, 976, 2048))],
)
def test_stages_are_those_of_table_5(width, channels):
    with use_backend("meta"):
        net = models.ShuffleNetV2(width=width)
        outputs = summarize(net).outputs
    assert outputs["maxpool"][1:] == (24, 56, 56)
    assert [outputs[name][1:] for name in ("features.3", "features.11", "features.15", "conv_last")] == [
        (c, side, side) for c, side in zip(channels, (28, 14, 7, 7), strict=True)
    ]  # fmt: skip
    assert "features.16" not in outputs
    assert net.dropout.p == (0.2 if width == 2 else 0)


def test_every_second_channel_passes_untouched():
    x = minicnn.randn(2, 8, 5, 5)
    y = ShuffleUnitV2(8, 8, stride=1)(x)
    np.testing.assert_array_equal(y[:, :4].numpy(), x[:, 0::2].numpy())


def test_taking_every_second_channel_is_a_channel_shuffle():
    """Of two groups, seen from its other side: evens first, then odds."""
    x = minicnn.randn(2, 8, 5, 5)
    evens_and_odds = ops.concatenate([x[:, 0::2], x[:, 1::2]], axis=1)
    np.testing.assert_array_equal(evens_and_odds.numpy(), ops.channel_shuffle(x, groups=4).numpy())
    np.testing.assert_array_equal(ops.channel_shuffle(evens_and_odds, groups=2).numpy(), x.numpy())


def test_at_stride_2_the_left_branch_keeps_the_channels_of_the_input():
    """The authors' 24 + 92, not torchvision's 58 + 58."""
    unit = ShuffleUnitV2(24, 116, stride=2)
    left, right = unit.branch_proj(x := minicnn.randn(2, 24, 8, 8)), unit.branch_main(x)
    assert (left.shape, right.shape) == ((2, 24, 4, 4), (2, 92, 4, 4))


def test_no_1x1_convolution_is_grouped_and_none_of_stride_1_changes_the_number_of_channels():
    for unit in list(models.ShuffleNetV2(width=0.5).features)[1:4]:
        convolutions = [m for m in unit.modules() if isinstance(m, nn.Conv2d)]
        assert [(c.in_channels, c.out_channels, c.groups) for c in convolutions] == [(24, 24, 1), (24, 24, 24), (24, 24, 1)]


def test_names_are_the_authors():
    names = [name for name in models.ShuffleNetV2(width=0.5).state_dict() if name.endswith("weight")]
    expected = ["first_conv.0", "first_conv.1"]
    for unit in range(16):
        expected += [f"features.{unit}.branch_main.{i}" for i in (0, 1, 3, 4, 5, 6)]
        expected += [f"features.{unit}.branch_proj.{i}" for i in (0, 1, 2, 3)] if unit in (0, 4, 12) else []
    assert names == [f"{name}.weight" for name in (*expected, "conv_last.0", "conv_last.1", "classifier.0")]


def test_equals_pytorch():
    def reference(torch, w, x):
        F = torch.nn.functional

        def conv(name, i, x, **options):
            x = F.conv2d(x, w[f"{name}.{i}.weight"], **options)
            return F.batch_norm(x, None, None, w[f"{name}.{i + 1}.weight"], w[f"{name}.{i + 1}.bias"], True)

        x = F.max_pool2d(F.relu(conv("first_conv", 0, x, stride=2, padding=1)), 3, 2, 1)
        for unit in range(16):
            name, halves = f"features.{unit}", unit in (0, 4, 12)
            if halves:
                left = conv(f"{name}.branch_proj", 0, x, stride=2, padding=1, groups=x.shape[1])
                left = F.relu(conv(f"{name}.branch_proj", 2, left))
            else:
                left, x = x.unflatten(1, (-1, 2)).unbind(2)
            x = F.relu(conv(f"{name}.branch_main", 0, x))
            x = conv(f"{name}.branch_main", 3, x, stride=1 + halves, padding=1, groups=x.shape[1])
            x = torch.cat([left, F.relu(conv(f"{name}.branch_main", 5, x))], 1)
        return F.linear(F.relu(conv("conv_last", 0, x)).mean((2, 3)), w["classifier.0.weight"])

    minicnn.manual_seed(1)
    check_against_torch(models.ShuffleNetV2(width=0.5, num_classes=5), reference, (3, 3, 64, 75))


@pytest.mark.parametrize("width", [0.75, "1.0", None])
def test_a_width_that_the_paper_does_not_have_is_refused(width):
    with pytest.raises(ArgumentError, match=rf"ShuffleNetV2: width must be one of 0.5, 1.0, 1.5, 2.0, not {width!r}"):
        models.ShuffleNetV2(width=width)
