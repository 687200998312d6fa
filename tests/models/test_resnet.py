"""ResNet: a block can be the identity, the stride is where it should be, images may have any size, and the arithmetic is PyTorch's."""

from functools import partial

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models.residual_block import BasicBlock, Bottleneck, ZeroPadShortcut, group_width
from minicnn.models.resnet import ResNet
from tests.models.against_torch import check_against_torch
from tests.models.residual_in_torch import resnet as in_torch


def make_residual_zero(block):
    """F(x) = 0: the last batch norm scales by 0 and shifts by 0."""
    last = block.bn3 if isinstance(block, Bottleneck) else block.bn2
    last.weight = nn.Parameter(np.zeros_like(last.weight.numpy()))
    return block


@pytest.mark.parametrize("block", [partial(BasicBlock, 8, 8), partial(Bottleneck, 8, 2)], ids=["basic", "bottleneck"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.filterwarnings("ignore::minicnn.nn.EvalBeforeTrainingWarning")
def test_a_block_whose_F_is_zero_is_the_identity(block, training):
    """The lecture: F(x) = 0 gives H(x) = x. For inputs >= 0, as they come out of the block before."""
    block = make_residual_zero(block()).train(training)
    x = minicnn.rand(2, 8, 6, 6)
    np.testing.assert_array_equal(block(x).numpy(), x.numpy())
    np.testing.assert_array_equal(block(-x).numpy(), np.zeros(x.shape))  # the ReLU after the addition


def test_a_block_is_not_the_identity_at_the_start():
    x = minicnn.rand(2, 8, 6, 6)
    assert np.abs(BasicBlock(8, 8)(x).numpy() - x.numpy()).max() > 0.1


def test_a_deeper_network_can_do_whatever_a_shallower_one_does():
    """The construction with which the paper begins: copy the shallow network, and let the added blocks be identities."""
    shallow, deep = (ResNet(BasicBlock, depths, num_classes=5, width=4) for depths in ((1, 1, 1, 1), (2, 3, 1, 2)))
    deep.load_state_dict(shallow.state_dict(), strict=False)
    for added in (deep.layer1[1], deep.layer2[1], deep.layer2[2], deep.layer4[1]):
        make_residual_zero(added)
    x = minicnn.randn(2, 3, 64, 64)
    np.testing.assert_array_equal(deep(x).numpy(), shallow(x).numpy())


def test_shortcut_A_takes_every_second_pixel_and_puts_zeros_on_either_side():
    x = np.random.default_rng(1).random((2, 4, 5, 6), np.float32)
    expected = np.zeros((2, 10, 3, 3), np.float32)
    expected[:, 3:7] = x[:, :, [0, 2, 4]][:, :, :, [0, 2, 4]]
    shortcut = ZeroPadShortcut(4, 10, stride=2)
    np.testing.assert_array_equal(shortcut(Tensor(x)).numpy(), expected)
    assert not list(shortcut.parameters())
    block = make_residual_zero(BasicBlock(4, 10, stride=2, shortcut="A"))
    np.testing.assert_array_equal(block(Tensor(x)).numpy(), expected)


def test_only_blocks_that_change_the_shape_have_a_shortcut_with_parameters():
    with use_backend("meta"):
        for network, names in ((models.ResNet34, (2, 3, 4)), (models.ResNet50, (1, 2, 3, 4))):
            found = [name for name, _ in network().named_parameters() if "downsample" in name]
            assert found == [f"layer{i}.0.downsample.{part}" for i in names for part in ("0.weight", "1.weight", "1.bias")]
        assert not any("downsample" in name for name in models.ResNet34(shortcut="A").state_dict())


@pytest.mark.parametrize(("stride_on_1x1", "products", "sides"), [(True, 3_857_973_248, (28, 28)), (False, 4_089_184_256, (56, 28))])
def test_where_the_stride_is(stride_on_1x1, products, sides):
    """Parameters are the same either way; the 3x3 convolution sees all pixels, or a quarter of them."""
    with use_backend("meta"):
        summary = summarize(models.ResNet50(stride_on_1x1=stride_on_1x1))
    assert (summary.parameters, summary.macs) == (25_557_032, products)
    assert tuple(summary.outputs[f"layer2.0.conv{i}"][2] for i in (1, 2)) == sides


@pytest.mark.parametrize(("network", "depth"), [(models.ResNet18, 18), (models.ResNet34, 34), (models.ResNet50, 50), (models.ResNet152, 152)])
def test_the_name_counts_the_layers_with_weights(network, depth):
    with use_backend("meta"):
        layers = [name for name, m in network().named_modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and "downsample" not in name]
    assert len(layers) == depth


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (75, 109), (1, 1)])
def test_images_may_have_any_size(size):
    """The lecture: no linear layer but the classifier, so "input image of variable sizes"."""
    net = ResNet(Bottleneck, (1, 1, 1, 1), num_classes=5, width=4)
    assert net(minicnn.randn(2, 3, *size)).shape == (2, 5)


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_basic_blocks_equal_pytorch(shortcut):
    check_against_torch(models.ResNet18(num_classes=5, shortcut=shortcut, width=4), in_torch, (3, 3, 43, 54))


@pytest.mark.parametrize("stride_on_1x1", [True, False])
def test_bottlenecks_equal_pytorch(stride_on_1x1):
    net = ResNet(partial(Bottleneck, stride_on_1x1=stride_on_1x1), (2, 1, 2, 1), num_classes=5, width=4)
    check_against_torch(net, partial(in_torch, stride_on_1x1=stride_on_1x1), (3, 3, 43, 54))


def test_messages():
    with pytest.raises(ArgumentError, match="ResNet: shortcut must be one of 'A', 'B', not 'C'"):
        models.ResNet18(shortcut="C", width=4)
    with pytest.raises(ArgumentError, match="a group has 4 channels for each 64: the number of channels must be a multiple of 16, not 8"):
        group_width(8, base_width=4)
    with pytest.raises(ShapeError, match=r"^conv1 Conv2d\(3, 4, .*input has 1 channels, expected 3"):
        models.ResNet18(width=4)(minicnn.zeros(2, 1, 32, 32))
