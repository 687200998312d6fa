"""The Inception modules do the lecture's sums, and the parts of the family are what they say."""

import re

import numpy as np
import pytest

import minicnn
from minicnn import models, nn
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models.inception_module import Branches, ConvBN, conv_bn, scaled

IMAGE = (256, 28, 28)  # the lecture's input
ROWS = {  # of multiply-adds, as the lecture lists them
    "naive": {"1x1": 28 * 28 * 128 * 1 * 1 * 256, "3x3": 28 * 28 * 192 * 3 * 3 * 256, "5x5": 28 * 28 * 96 * 5 * 5 * 256},
    "reduced": {
        "reduce 3x3": 28 * 28 * 64 * 1 * 1 * 256, "reduce 5x5": 28 * 28 * 64 * 1 * 1 * 256, "1x1": 28 * 28 * 128 * 1 * 1 * 256,
        "3x3": 28 * 28 * 192 * 3 * 3 * 64, "5x5": 28 * 28 * 96 * 5 * 5 * 64, "pool proj": 28 * 28 * 64 * 1 * 1 * 256,
    },
}  # fmt: skip


def test_the_naive_module_has_the_lectures_854_million_multiply_adds():
    summary = summarize(models.NaiveInceptionModule(256, 128, 192, 96), IMAGE)
    assert summary.outputs[""] == (1, 672, 28, 28)
    assert [layer.macs for layer in summary.layers if layer.macs] == list(ROWS["naive"].values())
    assert round(summary.macs / 1e6) == 854


def test_the_reduced_module_has_the_multiply_adds_of_the_lectures_rows():
    module = models.InceptionModule(256, 128, reduce3x3=64, c3x3=192, reduce5x5=64, c5x5=96, pool_proj=64)
    summary = summarize(module, IMAGE)
    assert summary.outputs[""] == (1, 480, 28, 28)
    assert sorted(layer.macs for layer in summary.layers if layer.macs) == sorted(ROWS["reduced"].values())
    assert summary.macs == 271_351_808


def test_the_lectures_358_million_count_the_3x3_convolution_twice():
    assert round((sum(ROWS["reduced"].values()) + ROWS["reduced"]["3x3"]) / 1e6) == 358


@pytest.mark.parametrize("module", [lambda: models.NaiveInceptionModule(8, 3, 4, 5), lambda: models.InceptionModule(8, 3, 2, 4, 2, 5, 6)], ids=["naive", "reduced"])
def test_the_number_of_channels_is_known_before(module):
    module = module()
    assert module(minicnn.ones(1, 8, 6, 6)).shape == (1, module.out_channels, 6, 6)


def test_the_poolings_channels_come_last_and_unchanged():
    minicnn.manual_seed(0)
    x = minicnn.randn(1, 8, 6, 6)
    y = models.NaiveInceptionModule(8, 3, 4, 5)(x)
    np.testing.assert_array_equal(y[:, 12:].numpy(), minicnn.ops.max_pool2d(x, 3, 1, padding=1).numpy())


def test_blocks_are_not_networks():
    assert not {"InceptionModule", "NaiveInceptionModule"} & set(models.list_models())


def test_branches_of_unequal_size_are_refused():
    with pytest.raises(ShapeError, match="equal in all axes but axis 1"):
        Branches(a=nn.Identity(), b=nn.MaxPool2d(2))(minicnn.ones(1, 3, 4, 4))


def test_width_multiplies_both_numbers_of_channels():
    conv = conv_bn(0.25)(192, 64, (1, 7))
    assert isinstance(conv, ConvBN)
    assert conv.get_submodule("conv").weight.shape == (16, 48, 1, 7)
    assert conv(minicnn.ones(2, 48, 5, 9)).shape == (2, 16, 5, 9)


@pytest.mark.parametrize("width", [0, -1, 0.3, 1 / 32, "a", None, True, [1], float("inf")])
def test_a_width_that_would_round_is_refused(width):
    with pytest.raises(ArgumentError, match=rf"Inception: width must be a multiple of 1/16 above 0, not {re.escape(repr(width))}: "):
        scaled(80, width)
