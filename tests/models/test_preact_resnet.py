"""Pre-activation ResNets: nothing but additions from block to block, one shared activation where shapes change, PyTorch's arithmetic."""

from functools import partial

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.preact_resnet import PreActBasicBlock, PreActBottleneck, PreActResNet
from minicnn.models.residual_block import make_stage
from minicnn.ops import relu
from tests.models.against_torch import check_against_torch
from tests.models.residual_in_torch import preact_resnet, preact_resnet_cifar

BLOCKS = [partial(PreActBasicBlock, 8, 8), partial(PreActBottleneck, 8, 2)]


def make_residual_zero(block):
    """F(a) = 0: the last convolution is zero."""
    last = block.conv3 if isinstance(block, PreActBottleneck) else block.conv2
    last.weight = nn.Parameter(np.zeros_like(last.weight.numpy()))
    return block


@pytest.mark.parametrize("block", BLOCKS, ids=["basic", "bottleneck"])
def test_a_block_whose_F_is_zero_is_the_identity_both_ways(block):
    """For inputs of either sign, unlike in the first ResNet, for there is no ReLU after the addition."""
    block = make_residual_zero(block())
    x = minicnn.randn(2, 8, 6, 6).requires_grad_()
    dy = minicnn.randn(2, 8, 6, 6)
    y = block(x)
    y.backward(dy)
    np.testing.assert_array_equal(y.numpy(), x.numpy())
    np.testing.assert_array_equal(x.grad.numpy(), dy.numpy())


def test_a_stage_adds_up_what_its_blocks_compute():
    """Equation 4: x_L = x_l + sum of all F(x_i)."""
    stage, _ = make_stage(PreActBasicBlock, 4, 8, 8, stride=1)
    x = minicnn.randn(2, 8, 6, 6)
    terms, y = [], x
    for block in stage:
        terms.append(block.residual(relu(block.norm1(y))).numpy())
        y = block(y)
    np.testing.assert_allclose(stage(x).numpy(), x.numpy() + sum(terms), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("block", [partial(PreActBasicBlock, 8, 8, 2), partial(PreActBottleneck, 8, 8)], ids=["stride", "channels"])
def test_where_the_shape_changes_both_ways_take_the_same_activation(block):
    block = block()
    seen = {}
    for name in ("conv1", "downsample"):
        block.get_submodule(name).register_forward_hook(lambda _, inputs, __, name=name: seen.update({name: inputs[0]}))
    x = minicnn.randn(2, 8, 6, 6)
    block(x)
    assert seen["conv1"] is seen["downsample"]
    np.testing.assert_array_equal(seen["conv1"].numpy(), relu(block.norm1(x)).numpy())
    assert [type(part) for part in block.downsample] == [nn.Conv2d]  # no batch norm


def test_norm_and_relu_before_or_after_the_first_pooling_are_the_same():
    """In evaluation, for scales above 0, as the docstring says: max pooling commutes with increasing functions."""
    random = np.random.default_rng(1)
    norm = nn.BatchNorm2d(4)
    norm.load_state_dict({
        "weight": random.uniform(0.1, 2, 4), "bias": random.normal(size=4),
        "running_mean": random.normal(size=4), "running_var": random.uniform(0.1, 2, 4), "num_batches_tracked": 1,
    })  # fmt: skip
    norm.eval()
    pool, x = nn.MaxPool2d(3, stride=2, padding=1), minicnn.randn(2, 4, 9, 9)
    np.testing.assert_array_equal(relu(norm(pool(x))).numpy(), pool(relu(norm(x))).numpy())
    assert list(models.PreActResNet18(width=4).stem.state_dict()) == ["conv.weight"]


def as_in_fb_resnet_torch(net, x):
    """The network with the first block's BN and ReLU in the stem, before the pooling; both ways of the block begin behind it."""
    first, *others = (block for stage in net.stages for block in stage.blocks)
    x = net.stem.pool(relu(first.norm1(net.stem.conv(x))))
    x = first.residual(x) + first.downsample(x)
    for block in others:
        x = block(x)
    return net.head(relu(net.norm(x))).flatten(1)


@pytest.mark.parametrize(("block", "same"), [(PreActBottleneck, True), (PreActBasicBlock, False)])
def test_a_network_of_bottlenecks_is_that_of_fb_resnet_torch_in_evaluation(block, same):
    """With basic blocks it is not: the first shortcut is the identity, and carries x before BN and ReLU here, after them there."""
    minicnn.manual_seed(1)
    net = PreActResNet(block, (2, 1, 1, 1), num_classes=5, width=4).astype("float64")
    x = minicnn.randn(2, 3, 43, 54).astype("float64")
    net(x)  # statistics other than 0 and 1
    net.eval()
    assert np.allclose(net(x).numpy(), as_in_fb_resnet_torch(net, x).numpy(), rtol=1e-9, atol=1e-9) is same


@pytest.mark.parametrize(("stride_on_1x1", "products"), [(True, 244_500_992), (False, 247_646_720)])
def test_where_the_stride_is(stride_on_1x1, products):
    with use_backend("meta"):
        summary = summarize(models.PreActResNetCIFAR(stride_on_1x1=stride_on_1x1))
    assert (summary.parameters, summary.macs) == (1_703_258, products)


@pytest.mark.parametrize(
    ("network", "depth"),
    [(models.PreActResNet18, 18), (models.PreActResNet50, 50), (models.PreActResNet200, 200), (models.PreActResNetCIFAR, 164)],
)
def test_the_name_counts_the_layers_with_weights(network, depth):
    with use_backend("meta"):
        layers = [name for name, m in network().named_modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and "downsample" not in name]
    assert len(layers) == depth


@pytest.mark.parametrize("size", [(32, 32), (75, 109)])
def test_images_may_have_any_size(size):
    assert PreActResNet(PreActBottleneck, (1, 1, 1, 1), num_classes=5, width=4)(minicnn.randn(2, 3, *size)).shape == (2, 5)


def test_basic_blocks_equal_pytorch():
    check_against_torch(models.PreActResNet18(num_classes=5, width=4), preact_resnet, (3, 3, 43, 54))


def test_bottlenecks_equal_pytorch():
    check_against_torch(PreActResNet(PreActBottleneck, (2, 1, 2, 1), num_classes=5, width=4), preact_resnet, (3, 3, 43, 54))
    check_against_torch(models.PreActResNetCIFAR(20, 5, width=4), preact_resnet_cifar, (3, 3, 15, 18))


def test_an_output_is_a_row_of_scores():
    assert models.PreActResNet18(num_classes=7, width=4)(Tensor(np.ones((2, 3, 64, 64), np.float32))).shape == (2, 7)


def test_message():
    with pytest.raises(ArgumentError, match=r"PreActResNetCIFAR: depth must be 9n \+ 2, such as 992 or 1001, not 1000"):
        models.PreActResNetCIFAR(1000)
