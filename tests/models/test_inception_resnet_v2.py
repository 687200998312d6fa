"""Inception-ResNet-v2, as released and as in the paper: scaled residual blocks, and the arithmetic of PyTorch."""

import numpy as np
import pytest

import minicnn
from minicnn import models, nn
from minicnn.analysis import summarize
from minicnn.models.inception_resnet_v2 import Block8, Block17, Block35
from minicnn.ops import relu
from tests.models.in_pytorch import InPyTorch, assert_equal


def outputs(network):
    with minicnn.use_backend("meta"):
        return summarize(network()).outputs


def test_the_grids():
    released, paper = outputs(models.InceptionResNetV2), outputs(models.InceptionResNetV2Paper)
    assert [released[name][1:3] for name in ("repeat", "repeat_1", "block8", "conv2d_7b")] == [(320, 35), (1088, 17), (2080, 8), (1536, 8)]
    assert [paper[name][1:3] for name in ("stem", "blocks_35", "blocks_17", "blocks_8")] == [(384, 35), (384, 35), (1152, 17), (2144, 8)]


def test_the_networks_have_the_blocks_of_their_sources():
    with minicnn.use_backend("meta"):
        released, paper = models.InceptionResNetV2(), models.InceptionResNetV2Paper()
    for net, counts in ((released, (10, 20, 10)), (paper, (5, 10, 5))):
        assert tuple(sum(isinstance(m, kind) for m in net.modules()) for kind in (Block35, Block17, Block8)) == counts
    assert (released.block8.scale, released.block8.activate) == (1.0, False)
    assert {(m.scale, m.activate) for m in paper.modules() if isinstance(m, Block8)} == {(0.20, True)}


@pytest.mark.parametrize(("kind", "scale"), [(Block35, 0.17), (Block17, 0.10), (Block8, 0.20)])
def test_a_block_adds_a_scaled_residual(kind, scale):
    """The part that is added comes from a convolution without batch norm, so that its bias shows what it is multiplied by."""
    minicnn.manual_seed(0)
    block = kind(32, width=1 / 16)
    block.conv2d.weight = nn.Parameter(np.zeros_like(block.conv2d.weight.numpy()))
    block.conv2d.bias = nn.Parameter(np.full(2, 3, np.float32))
    x = minicnn.randn(2, 2, 5, 5)
    np.testing.assert_allclose(block(x).numpy(), relu(x + 3 * scale).numpy(), rtol=1e-6, atol=1e-6)


def reference(net):
    """Layers that both networks share, in PyTorch."""
    p = InPyTorch(net)

    def row(name, x, count, last=None):
        x = p.row(x, *(f"{name}.{i}" for i in range(count)))
        return last(f"{name}.{count}", x) if last else x

    def block(name, x, lengths, scale, activate=True):
        parts = [row(f"{name}.branch{i + 1}", x, count) for i, count in enumerate(lengths)]
        y = p.cat(p.conv(f"{name}.branch0", x), *parts)
        y = x + scale * p.F.conv2d(y, p.w[f"{name}.conv2d.weight"], p.w[f"{name}.conv2d.bias"])
        return p.F.relu(y) if activate else y

    def max_pool(x):
        return p.F.max_pool2d(x, 3, 2)

    def reduction_a(name, x):
        return p.cat(p.halve(f"{name}.branch0", x), row(f"{name}.branch1", x, 2, p.halve), max_pool(x))

    def reduction_b(name, x):
        return p.cat(*(row(f"{name}.branch{i}", x, count, p.halve) for i, count in enumerate((1, 1, 2))), max_pool(x))

    return p, row, block, max_pool, reduction_a, reduction_b


def test_the_released_network_equals_pytorch():
    minicnn.manual_seed(1)
    net = models.InceptionResNetV2(num_classes=5, blocks=(1, 2, 2), width=1 / 16).astype("float64")
    p, row, block, max_pool, reduction_a, reduction_b = reference(net)

    def forward(x):
        x = p.conv("conv2d_2a", p.halve("conv2d_1a", x), valid=True)
        x = p.conv("conv2d_3b", max_pool(p.conv("conv2d_2b", x)))
        x = max_pool(p.conv("conv2d_4a", x, valid=True))
        pooled = p.conv("mixed_5b.branch3.1", p.F.avg_pool2d(x, 3, 1, 1, count_include_pad=False))
        x = p.cat(p.conv("mixed_5b.branch0", x), row("mixed_5b.branch1", x, 2), row("mixed_5b.branch2", x, 3), pooled)
        x = reduction_a("mixed_6a", block("repeat.0", x, (2, 3), 0.17))
        x = block("repeat_1.1", block("repeat_1.0", x, (3,), 0.10), (3,), 0.10)
        x = block("repeat_2.0", reduction_b("mixed_7a", x), (3,), 0.20)
        x = p.conv("conv2d_7b", block("block8", x, (3,), 1.0, activate=False))
        return p.linear("classif", x.mean((2, 3)))

    assert_equal(net, p, forward, (2, 3, 107, 139))


def test_the_papers_network_equals_pytorch():
    minicnn.manual_seed(1)
    net = models.InceptionResNetV2Paper(num_classes=5, blocks=(1, 1, 2), width=1 / 16).astype("float64")
    p, row, block, max_pool, reduction_a, reduction_b = reference(net)

    def valid(name, x):
        return p.conv(name, x, valid=True)

    def forward(x):
        x = p.conv("stem.2", valid("stem.1", p.halve("stem.0", x)))
        x = p.cat(max_pool(x), p.halve("stem.3.conv", x))
        x = p.cat(row("stem.4.branch0", x, 1, valid), row("stem.4.branch1", x, 3, valid))
        x = p.cat(p.halve("stem.5.conv", x), max_pool(x))
        x = reduction_a("reduction_a", block("blocks_35.0", x, (2, 3), 0.17))
        x = reduction_b("reduction_b", block("blocks_17.0", x, (3,), 0.10))
        x = block("blocks_8.1", block("blocks_8.0", x, (3,), 0.20), (3,), 0.20)
        return p.linear("fc", x.mean((2, 3)))

    assert_equal(net, p, forward, (2, 3, 107, 107))
