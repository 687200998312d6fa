"""Wide ResNets: wider, and only where they should be; dropout inside of the blocks; PyTorch's arithmetic."""

import numpy as np
import pytest

import minicnn
from minicnn import models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.wide_resnet import WideBlock
from tests.models.against_torch import check_against_torch
from tests.models.residual_in_torch import preact_resnet_cifar, resnet


def test_the_stages_are_k_times_as_wide_and_the_first_convolution_is_not():
    with use_backend("meta"):
        outputs = summarize(models.WideResNetCIFAR(28, 10)).outputs
    sizes = [outputs[name][1:] for name in ("conv1", "layer1", "layer2", "layer3")]
    assert sizes == [(16, 32, 32), (160, 32, 32), (320, 16, 16), (640, 8, 8)]


def test_the_name_counts_the_convolutions():
    """With those on shortcuts, and without the linear layer: 28 in WRN-28-10."""
    with use_backend("meta"):
        assert sum(isinstance(m, nn.Conv2d) for m in models.WideResNetCIFAR(28, 10).modules()) == 28


def test_wrn_50_2_doubles_the_3x3_convolutions_and_nothing_between_blocks():
    with use_backend("meta"):
        wide, narrow = summarize(models.WideResNet50_2()).outputs, summarize(models.ResNet50()).outputs
    for stage in (1, 2, 3, 4):
        assert wide[f"layer{stage}"] == narrow[f"layer{stage}"]
        assert wide[f"layer{stage}.1.conv2"][1] == 2 * narrow[f"layer{stage}.1.conv2"][1]


def test_dropout_is_between_the_convolutions_and_not_on_the_shortcut():
    block = WideBlock(8, 8, dropout=1.0)
    x = minicnn.randn(2, 8, 6, 6)
    np.testing.assert_array_equal(block(x).numpy(), x.numpy())  # all of F(x) is lost, all of x is there
    assert np.abs(block.eval()(x).numpy() - x.numpy()).max() > 0.1
    seen = []
    block.dropout.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].numpy()))
    block(x)
    assert seen[0].min() == 0  # after a ReLU


def test_equals_pytorch():
    check_against_torch(models.WideResNetCIFAR(10, 2, 5, dropout=0.3), preact_resnet_cifar, (3, 3, 15, 18))
    check_against_torch(models.WideResNet50_2(num_classes=5, width=4), resnet, (3, 3, 43, 54))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 27}, "WideResNetCIFAR: depth must be 6n + 4, such as 22 or 28, not 27"),
        ({"depth": 10, "k": 0}, "WideResNetCIFAR: k must be an integer >= 1, not 0"),
        ({"depth": 10, "k": 1, "dropout": 1.5}, "Dropout: p must be a number from 0 to 1, not 1.5"),
    ],
)
def test_messages(arguments, message):
    with pytest.raises(ArgumentError) as caught:
        models.WideResNetCIFAR(**arguments)
    assert str(caught.value) == message
