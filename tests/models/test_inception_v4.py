"""Inception-v4: the grids of the paper's figure 9, and the arithmetic of PyTorch."""

import numpy as np
import pytest

import minicnn
from minicnn import models
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.inception_v4 import avg_pool
from tests.models.in_pytorch import InPyTorch, assert_equal


def test_the_grids_are_those_of_the_paper():
    with minicnn.use_backend("meta"):
        outputs = summarize(models.InceptionV4()).outputs
    assert [outputs[f"features.{i}"][1:3] for i in range(7)] == [
        (32, 149), (32, 147), (64, 147), (160, 73), (192, 71), (384, 35), (384, 35)
    ]  # fmt: skip
    assert [outputs[f"features.{i}"][1:3] for i in (10, 17, 18, 21)] == [(1024, 17), (1024, 17), (1536, 8), (1536, 8)]


def test_blocks_says_how_many_modules_there_are():
    with minicnn.use_backend("meta"):
        kinds = [type(module).__name__ for module in models.InceptionV4(blocks=(1, 0, 2)).features]
    assert kinds[6:] == ["InceptionA", "ReductionA", "ReductionB", "InceptionC", "InceptionC"]


def test_average_poolings_do_not_count_the_padding():
    np.testing.assert_allclose(avg_pool()(minicnn.ones(1, 1, 4, 4)).numpy(), 1, rtol=1e-6)


def test_equals_pytorch():
    minicnn.manual_seed(1)
    net = models.InceptionV4(num_classes=5, blocks=(1, 2, 1), width=1 / 16).astype("float64")
    p = InPyTorch(net)
    F, conv, halve = p.F, p.conv, p.halve

    def names(name, count, first=0):
        return [f"{name}.{i}" for i in range(first, first + count)]

    def max_pool(x):
        return F.max_pool2d(x, 3, 2)

    def pooled(name, x):
        return conv(f"{name}.branch3.1", F.avg_pool2d(x, 3, 1, 1, count_include_pad=False))

    def module(name, x, lengths):
        parts = [p.row(x, *names(f"{name}.branch{i + 1}", count)) for i, count in enumerate(lengths)]
        return p.cat(conv(f"{name}.branch0", x), *parts, pooled(name, x))

    def module_c(name, x):
        y, z = conv(f"{name}.branch1_0", x), p.row(x, *(f"{name}.branch2_{i}" for i in (0, 1, 2)))
        flat = [conv(f"{name}.branch1_1{i}", y) for i in "ab"] + [conv(f"{name}.branch2_3{i}", z) for i in "ab"]
        return p.cat(conv(f"{name}.branch0", x), *flat, pooled(name, x))

    def ends(name, x, count, last):
        return last(f"{name}.{count}", p.row(x, *names(name, count)))

    def valid(name, x):
        return conv(name, x, valid=True)

    def forward(x):
        x = conv("features.2", valid("features.1", halve("features.0", x)))
        x = p.cat(max_pool(x), halve("features.3.conv", x))
        x = p.cat(ends("features.4.branch0", x, 1, valid), ends("features.4.branch1", x, 3, valid))
        x = p.cat(halve("features.5.conv", x), max_pool(x))
        x = module("features.6", x, (2, 3))
        x = p.cat(halve("features.7.branch0", x), ends("features.7.branch1", x, 2, halve), max_pool(x))
        x = module("features.9", module("features.8", x, (3, 5)), (3, 5))
        x = p.cat(ends("features.10.branch0", x, 1, halve), ends("features.10.branch1", x, 3, halve), max_pool(x))
        return p.linear("last_linear", module_c("features.11", x).mean((2, 3)))

    assert_equal(net, p, forward, (2, 3, 107, 139))


def test_messages():
    with pytest.raises(ArgumentError, match="width must be a multiple of 1/16"):
        models.InceptionV4(width=0.3)
