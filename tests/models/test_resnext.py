"""ResNeXt: its block in three forms that are one function, at the cost of ResNet's, and the arithmetic of PyTorch."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.residual_block import Bottleneck
from minicnn.models.resnext_block import SplitTransformConcatenate, SplitTransformSum, split_paths
from tests.models.against_torch import check_against_torch
from tests.models.residual_in_torch import resnet, resnet_cifar

FORMS = {"a": SplitTransformSum, "b": SplitTransformConcatenate}
PATHS, WIDTH = 4, 8


def grouped_block(in_channels, channels, stride):
    """Form (c) with statistics that are not those of a fresh network, so that it matters where they go."""
    minicnn.manual_seed(1)
    block = Bottleneck(in_channels, channels, stride, groups=PATHS, base_width=WIDTH).astype("float64")
    random = np.random.default_rng(1)
    state = {name: value if value.ndim != 1 else value + random.uniform(0.1, 1, value.shape) for name, value in block.state_dict().items()}
    block.load_state_dict(state)
    return block


def run(block, x, training):
    """The output, and the gradients of all parameters and of x, for one upstream gradient."""
    x = Tensor(x).requires_grad_()
    y = block.train(training)(x)
    y.backward(Tensor(np.random.default_rng(3).standard_normal(y.shape)))
    return y.numpy(), {name: p.grad.numpy() for name, p in block.named_parameters()}, x.grad.numpy()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("in_channels", "stride"), [(64, 1), (24, 1), (64, 2)])
@pytest.mark.parametrize("form", ["a", "b"])
def test_the_three_forms_are_one_function(form, in_channels, stride, training):
    grouped = grouped_block(in_channels, 16, stride)
    split = FORMS[form](in_channels, 16, stride, cardinality=PATHS, base_width=WIDTH).astype("float64")
    split.load_state_dict(split_paths(grouped.state_dict(), PATHS, form))
    x = np.random.default_rng(2).standard_normal((3, in_channels, 7, 6))
    y, gradients, dx = run(grouped, x, training)
    mine = run(split, x, training)
    np.testing.assert_allclose(mine[0], y, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(mine[2], dx, rtol=1e-9, atol=1e-12)
    expected = split_paths(gradients, PATHS, form)
    assert set(mine[1]) == set(expected)
    for name, gradient in expected.items():
        assert gradient.any(), name
        np.testing.assert_allclose(mine[1][name], gradient, rtol=1e-8, atol=1e-11, err_msg=name)
    state = split_paths(grouped.state_dict(), PATHS, form)  # in training, the statistics of the batch have been added
    for name, value in split.state_dict().items():
        np.testing.assert_allclose(value, state[name], rtol=1e-12, atol=1e-13, err_msg=name)


def test_the_forms_learn_the_same_numbers_as_the_paper_counts():
    """Figure 1: 32 paths of 4 channels have about as many weights as one of 64."""

    def weights(block):
        return sum(p.size for p in block.parameters() if p.ndim == 4)

    with use_backend("meta"):
        assert weights(Bottleneck(256, 64)) == 69_632 == 256 * 64 + 3 * 3 * 64 * 64 + 64 * 256
        for block in (Bottleneck(256, 64, groups=32, base_width=4), SplitTransformSum(256, 64), SplitTransformConcatenate(256, 64)):
            assert weights(block) == 70_144 == 32 * (256 * 4 + 3 * 3 * 4 * 4 + 4 * 256)


def test_costs_as_much_as_resnet():
    with use_backend("meta"):
        for resnext, plain in ((models.ResNeXt50_32x4d, models.ResNet50), (models.ResNeXt101_32x4d, models.ResNet101)):
            new, old = summarize(resnext()), summarize(plain())
            assert abs(new.parameters / old.parameters - 1) < 0.03
            assert abs(new.macs / old.macs - 1) < 0.04


@pytest.mark.parametrize(
    ("network", "paths", "channels"),
    [
        (models.ResNeXt50_32x4d, 32, 4), (models.ResNeXt101_32x4d, 32, 4), (models.ResNeXt101_64x4d, 64, 4),
        (models.ResNeXt101_32x8d, 32, 8), (models.ResNeXtCIFAR, 16, 64),
    ],
)  # fmt: skip
def test_the_name_tells_paths_and_their_channels(network, paths, channels):
    with use_backend("meta"):
        net = network()
    for stage in (net.layer1, net.layer2, net.layer3):
        for block in stage:
            assert block.conv2.groups == paths
            assert block.conv2.out_channels == paths * channels
        channels *= 2


def test_the_depth_of_the_network_for_cifar_counts_layers():
    with use_backend("meta"):
        net = models.ResNeXtCIFAR(29, 8, 64)
    assert sum(isinstance(m, (nn.Conv2d, nn.Linear)) for name, m in net.named_modules() if "downsample" not in name) == 29


def test_equals_pytorch():
    check_against_torch(models.ResNeXt50_32x4d(num_classes=5, cardinality=8, width=16), resnet, (3, 3, 43, 54))
    check_against_torch(models.ResNeXtCIFAR(11, 4, 16, 5, width=8), resnet_cifar, (3, 3, 15, 18))


def test_messages():
    with pytest.raises(ArgumentError, match="must be a multiple of 16, not 24"):
        models.ResNeXt50_32x4d(width=24)
    with pytest.raises(ArgumentError, match="must be a multiple of 8, not 12"):
        models.ResNeXt101_32x8d(width=12)
    with pytest.raises(ArgumentError, match="split_paths: form must be one of 'a', 'b', not 'c'"):
        split_paths({}, 4, "c")
    with pytest.raises(ArgumentError, match=r"ResNeXtCIFAR: depth must be 9n \+ 2, such as 20 or 29, not 28"):
        models.ResNeXtCIFAR(28)
