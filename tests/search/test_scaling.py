"""The rule by itself: EfficientNet's own numbers, small networks of each family that compute, and what is refused."""

import numpy as np
import pytest

import minicnn
from minicnn import models, use_backend
from minicnn.errors import ArgumentError
from minicnn.models.compound_scaling import compound_scaling
from minicnn.models.registry import defaults
from minicnn.search import FAMILIES, scale
from minicnn.search.families import BY_NAME
from tests.search.small import SMALL, shapes


def test_alpha_alone_adds_blocks_of_the_same_channels():
    with use_backend("meta"):
        net = scale("ResNet18", 1, 1.5, 1, 1).build()
    assert [len(stage) for stage in (net.layer1, net.layer2, net.layer3, net.layer4)] == [3, 3, 3, 3]
    assert [stage[-1].conv2.weight.shape[0] for stage in (net.layer1, net.layer2, net.layer3, net.layer4)] == [64, 128, 256, 512]


@pytest.mark.parametrize("phi", [-4, -1.5, -1, 0, 0.5, 1, 2, 3, 6.2])
@pytest.mark.parametrize("network", ["EfficientNetB0", "EfficientNetLite0"])
def test_efficientnet_is_scaled_as_by_its_authors(network, phi):
    scaled = scale(network, phi)
    depth, width, side = compound_scaling(phi)
    assert (scaled.kwargs["depth"], scaled.kwargs["width"], scaled.resolution) == (round(depth, 6), round(width, 6), side)
    if network == "EfficientNetB0":
        with use_backend("meta"):
            assert shapes(scaled.build()) == shapes(models.EfficientNet(*compound_scaling(phi)))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_scaled_network_of_each_family_computes(name):
    kwargs, resolution = SMALL[name]
    minicnn.manual_seed(3)
    scaled = scale(FAMILIES[name].networks[0], 1.5, num_classes=10, in_channels=1, resolution=resolution, **kwargs)
    assert scaled.macs > scaled.baseline_macs
    net, side = scaled.build(), scaled.resolution
    assert net.input_shape == (1, side, side)
    with use_backend("numpy"):
        scores = net(minicnn.randn(2, 1, side, side)).numpy()
    assert scores.shape == (2, 10)
    assert np.isfinite(scores).all()
    assert sum(p.size for p in net.parameters()) == scaled.parameters


def test_the_line_of_python_builds_it():
    scaled = scale("nasnetamobile", -1, filters=8, cells=2, resolution=64)
    assert scaled.python == 'models.create("NASNetAMobile", filters=8, cells=2, resolution=64)'
    with use_backend("meta"):
        assert shapes(eval(scaled.python)) == shapes(scaled.build())


def test_a_depth_in_the_name_is_where_the_scaling_starts():
    assert set(BY_NAME) <= set(models.list_models())
    scaled = scale("ResNet56", 1)
    assert (scaled.name, scaled.kwargs) == ("ResNetCIFAR", {"depth": 68, "width": 18})
    with use_backend("meta"):
        assert shapes(scale("ResNet56", 0).build()) == shapes(models.ResNet56())


def test_every_network_that_takes_a_depth_and_a_width_is_in_the_table():
    listed = {network for family in FAMILIES.values() for network in family.networks} | set(BY_NAME)
    for name in models.list_models():
        arguments = set(defaults(name))
        both = bool(arguments & {"depth", "depths", "blocks", "cells"}) and bool(arguments & {"width", "growth", "k", "filters"})
        assert both == (name in listed - set(BY_NAME)), name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("GoogLeNet", 1), "scale: GoogLeNet does not take both a depth and a width that could be multiplied; these families do: VGG, PlainNet, "),
        (("lenet5", 1), "scale: LeNet5 does not take both a depth and a width"),
        (("ResNet81", 1), "unknown model 'ResNet81': did you mean ResNet18"),
        (("ResNet18", float("nan")), "scale: phi must be a finite number, not nan"),
        (("ResNet18", 11), "scale: phi must be a number from -10 to 10, not 11: each step doubles the cost"),
        (("ResNet18", 1, 0.9), "scale: alpha must be a finite number >= 1, not 0.9"),
        (("ResNet18", 1, 1, "1"), "scale: beta must be a finite number >= 1, not '1'"),
        (("ResNet18", 1, 1, 1, True), "scale: gamma must be a finite number >= 1, not True"),
    ],
)
def test_what_cannot_be_scaled(call, message):
    with pytest.raises(ArgumentError) as caught:
        scale(*call)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"resolution": 0}, "scale: resolution must be an integer >= 1, not 0"),
        ({"weights": "imagenet"}, "scale: published weights fit only the ResNet18 that they were trained in: scale it without weights"),
        ({"depths": 3}, "ResNet: depths must be 4 integers >= 1, not 3"),
        ({"colour": 3}, "ResNet18("),
    ],
)
def test_wrong_arguments_of_the_network(kwargs, message):
    with pytest.raises(ArgumentError) as caught:
        scale("ResNet18", 1, **kwargs)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("network", "per_block", "beside"),
    [("PlainNetCIFAR", 6, 2), ("ResNetCIFAR", 6, 2), ("PreActResNetCIFAR", 9, 2), ("WideResNetCIFAR", 6, 4), ("ResNeXtCIFAR", 9, 2), ("DenseNetCIFAR", 6, 4)],
)
def test_networks_for_cifar_grow_by_whole_blocks(network, per_block, beside):
    """As their papers count layers: 6n + 2 and so on."""
    grow, n = FAMILIES[network].depth["depth"], (defaults(network)["depth"] - beside) / per_block
    for phi in np.linspace(-4.01, 6.02, 41):  # not -1: 3 blocks become 2.5 there
        assert grow(defaults(network)["depth"], 1.2**phi) == per_block * max(1, round(n * 1.2**phi)) + beside
