"""ResNet for CIFAR: its depth counts layers, its shortcuts cost nothing, and the arithmetic is PyTorch's."""

import pytest

import minicnn
from minicnn import models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.resnet_cifar import blocks_per_stage
from tests.models.against_torch import check_against_torch
from tests.models.residual_in_torch import resnet_cifar


def count(network):
    with use_backend("meta"):
        return summarize(network())


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110, 1202])
def test_the_name_counts_the_layers_with_weights(depth):
    with use_backend("meta"):
        net = getattr(models, f"ResNet{depth}")()
    layers = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(layers) == depth
    assert len(net.layer1) == len(net.layer2) == len(net.layer3) == (depth - 2) // 6


def test_kind_B_shortcuts_add_2752_parameters():
    zeros, convolutions = (count(lambda s=s: models.ResNetCIFAR(20, shortcut=s)).parameters for s in "AB")
    assert convolutions - zeros == 2_752 == (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64)


def test_the_first_stage_keeps_the_image_and_the_others_halve_it():
    outputs = count(models.ResNet20).outputs
    assert [outputs[f"layer{i}"][1:] for i in (1, 2, 3)] == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (8, 8), (1, 1)])
def test_images_may_have_any_size(size):
    assert models.ResNetCIFAR(8, width=4)(minicnn.randn(2, 3, *size)).shape == (2, 10)


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_equals_pytorch(shortcut):
    check_against_torch(models.ResNetCIFAR(14, 5, shortcut=shortcut, width=4), resnet_cifar, (3, 3, 15, 18))


@pytest.mark.parametrize(("depth", "said"), [(21, "20 or 26, not 21"), (2, "8 or 14, not 2"), (1, "8 or 14, not 1")])
def test_a_depth_that_does_not_exist_is_refused_with_its_neighbours(depth, said):
    with pytest.raises(ArgumentError) as caught:
        models.ResNetCIFAR(depth)
    assert str(caught.value) == f"ResNetCIFAR: depth must be 6n + 2, such as {said}"


def test_messages():
    with pytest.raises(ArgumentError, match=r"X: depth must be an integer >= 1, not 20\.0"):
        blocks_per_stage("X", 20.0, 6, 2)
    with pytest.raises(ArgumentError, match="ResNet: shortcut must be one of 'A', 'B', not 'C'"):
        models.ResNetCIFAR(8, shortcut="C")
