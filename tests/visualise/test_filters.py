"""Filters as pictures, and the maps of a layer."""

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentError
from minicnn.visualise import activations, filters


def test_each_filter_is_scaled_for_itself_around_grey():
    net = nn.Sequential(nn.Conv2d(3, 3, 2, bias=False), nn.Conv2d(3, 1, 1))
    w = np.zeros((3, 3, 2, 2), np.float32)
    w[0, 0, 0, 1], w[0, 2, 1, 0] = 4, -2
    w[1, 1, 1, 1] = -0.001  # a weak filter; and the third is nothing at all
    net[0].weight = nn.Parameter(w)
    seen = filters(net)
    assert seen.shape == (3, 2, 2, 3)
    assert seen[0, 0, 1].tolist() == [1, 0.5, 0.5]
    assert seen[0, 1, 0].tolist() == [0.5, 0.5, 0.25]
    assert seen[1, 1, 1].tolist() == [0.5, 0, 0.5]
    assert (seen[2] == 0.5).all()
    assert np.array_equal(net[0].weight.numpy(), w)


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ("0", "those of the layer '0' see 2 channels, and only of 1 or 3 can a picture be made: look at its activations"),
        (None, "those of the layer '0' see 2 channels"),
        ("1", "filters: the layer '1' is no convolution"),
        ("9", "has no layer '9'; the nearest are 0, 1, 2"),
    ],
)
def test_what_is_no_picture(layer, sentence):
    net = nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(), nn.Conv2d(3, 4, 2))
    with pytest.raises(ArgumentError, match=sentence):
        filters(net, layer)
    assert filters(net, "2").shape == (4, 2, 2, 3)


def test_a_network_without_convolutions():
    with pytest.raises(ArgumentError, match="filters: Linear has no convolution"):
        filters(nn.Linear(2, 3))


def test_the_maps_of_a_layer():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten())
    x = np.random.default_rng(0).standard_normal((2, 1, 5, 5)).astype(np.float32)
    maps = activations(net, x, "1")
    np.testing.assert_allclose(maps, np.maximum(0, net[0](minicnn.tensor(x)).numpy()), rtol=1e-6)
    with pytest.raises(ArgumentError, match=r"the layer '2' puts out \(2, 18\), no maps"):
        activations(net, x, "2")
