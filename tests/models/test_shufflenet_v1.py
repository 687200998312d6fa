"""ShuffleNet: the shuffle connects the groups, units as in the paper's figure, and the arithmetic of PyTorch."""

import numpy as np
import pytest

import minicnn
from minicnn import models, nn, ops, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.shufflenet_v1 import ShuffleUnit
from tests.models.against_torch import check_against_torch


@pytest.mark.parametrize(
    ("groups", "channels"), [(1, (144, 288, 576)), (2, (200, 400, 800)), (3, (240, 480, 960)), (4, (272, 544, 1088)), (8, (384, 768, 1536))]
)
def test_stages_are_those_of_table_1(groups, channels):
    with use_backend("meta"):
        outputs = summarize(models.ShuffleNetV1(groups=groups)).outputs
    assert outputs["maxpool"][1:] == (24, 56, 56)
    assert [outputs[f"features.{i}"][1:] for i in (3, 11, 15)] == [
        (c, side, side) for c, side in zip(channels, (28, 14, 7), strict=True)
    ]  # fmt: skip
    assert "features.16" not in outputs


def groups_that_reach(unit, channels):
    """For each third of the main branch's output, how many thirds of the input it depends on."""
    reached = []
    for group in range(3):
        x = minicnn.randn(2, channels, 5, 5).requires_grad_()
        unit.branch_main(x)[:, group * channels // 3 :][:, : channels // 3].sum().backward()
        reached.append(sum(np.any(np.abs(part) > 1e-12) for part in np.split(x.grad.numpy(), 3, axis=1)))
    return reached


def test_the_shuffle_lets_every_group_see_every_other():
    minicnn.manual_seed(0)
    unit = ShuffleUnit(36, 36, stride=1, groups=3, first_groups=3).eval()
    unit.train()(minicnn.randn(8, 36, 5, 5))  # so that batch norm has seen a batch
    unit.eval()
    assert groups_that_reach(unit, 36) == [3, 3, 3]
    vars(unit.branch_main)["3"] = nn.Identity()
    assert groups_that_reach(unit, 36) == [1, 1, 1]


def test_only_the_first_convolution_of_stage_2_is_not_grouped():
    units = list(models.ShuffleNetV1(width=0.25).features)
    assert [unit.branch_main[0].groups for unit in units] == [1] + 15 * [3]
    assert {unit.branch_main[6].groups for unit in units} == {3}


def test_at_stride_2_the_pooled_input_stands_beside_the_result():
    unit = ShuffleUnit(24, 60, stride=2, groups=3, first_groups=1)
    x = ops.relu(minicnn.randn(2, 24, 9, 9))
    y = unit(x)
    assert y.shape == (2, 60, 5, 5)
    np.testing.assert_array_equal(y[:, :24].numpy(), ops.avg_pool2d(x, 3, 2, padding=1).numpy())


def test_width_one_half_has_the_counts_of_another_implementation():
    """pytorchcv's shufflenet_g3_wd2."""
    with use_backend("meta"):
        assert summarize(models.ShuffleNetV1(width=0.5)).parameters == 718_324


@pytest.mark.parametrize("groups", [1, 3])
def test_equals_pytorch(groups):
    def reference(torch, w, x):
        F = torch.nn.functional

        def conv(name, i, x, **options):
            x = F.conv2d(x, w[f"{name}.{i}.weight"], **options)
            return F.batch_norm(x, None, None, w[f"{name}.{i + 1}.weight"], w[f"{name}.{i + 1}.bias"], True)

        x = F.max_pool2d(F.relu(conv("first_conv", 0, x, stride=2, padding=1)), 3, 2, 1)
        for unit in range(16):
            name, stride = f"features.{unit}.branch_main", 2 if unit in (0, 4, 12) else 1
            y = F.relu(conv(name, 0, x, groups=groups if unit else 1))
            y = F.channel_shuffle(y, groups)
            y = conv(name, 4, y, stride=stride, padding=1, groups=y.shape[1])
            y = conv(name, 6, y, groups=groups)
            x = F.relu(x + y if stride == 1 else torch.cat([F.avg_pool2d(x, 3, 2, 1), y], 1))
        return F.linear(x.mean((2, 3)), w["classifier.weight"], w["classifier.bias"])

    minicnn.manual_seed(1)
    net = models.ShuffleNetV1(groups=groups, width=0.25, num_classes=5)
    check_against_torch(net, reference, (3, 3, 64, 75))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": 5}, "ShuffleNetV1: groups must be one of 1, 2, 3, 4, 8, not 5"),
        ({"groups": "3"}, "groups must be one of 1, 2, 3, 4, 8, not '3'"),
        ({"width": 0}, "ShuffleNetV1: width must be a number above 0"),
        ({"groups": 8, "width": 0.25}, "groups=8 must divide"),
    ],
)
def test_messages(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        models.ShuffleNetV1(**arguments)
