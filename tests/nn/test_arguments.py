"""What layers are made with, and given: numbers of NumPy are welcome, anything else is refused in one sentence."""

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentError
from minicnn.models import LeNet5


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: nn.Conv2d(3.0, 6, 5), "Conv2d: in_channels must be an integer >= 1, not 3.0"),
        (lambda: nn.Conv2d(3, "6", 5), "Conv2d: out_channels must be an integer >= 1, not '6'"),
        (lambda: nn.Conv2d(3, 6, "5"), "Conv2d: kernel_size must be an integer >= 1"),
        (lambda: nn.Conv2d(3, 6, 5, stride=0), "Conv2d: stride must be"),
        (lambda: nn.Conv2d(3, 6, 5, padding=0.5), "Conv2d: padding must be"),
        (lambda: nn.Conv2d(3, 6, 5, dilation=None), "Conv2d: dilation must be"),
        (lambda: nn.Conv2d(4, 6, 5, groups=4), "Conv2d: groups=4 must divide both in_channels=4 and out_channels=6"),
        (lambda: nn.Conv2d(4, 6, 5, groups=True), "Conv2d: groups must be an integer >= 1, not True"),
        (lambda: nn.Conv2d(4, 6, 5, bias=0), "Conv2d: bias must be True or False, not 0"),
        (lambda: nn.Linear("10", 5), "Linear: in_features must be an integer >= 1, not '10'"),
        (lambda: nn.Linear(10, 0), "Linear: out_features must be an integer >= 1, not 0"),
        (lambda: nn.Linear(10, 5, bias=None), "Linear: bias must be True or False"),
        (lambda: nn.BatchNorm2d("3"), "BatchNorm2d: num_features must be an integer >= 1, not '3'"),
        (lambda: nn.BatchNorm1d(3, eps="a"), "BatchNorm1d: eps must be a number above 0, not 'a'"),
        (lambda: nn.BatchNorm1d(3, momentum=2), "BatchNorm1d: momentum must be a number from 0 to 1"),
        (lambda: nn.BatchNorm1d(3, affine=1), "BatchNorm1d: affine must be True or False"),
        (lambda: nn.GroupNorm(2.0, 4), "GroupNorm: num_groups must be an integer >= 1, not 2.0"),
        (lambda: nn.GroupNorm(2, 5), "GroupNorm: num_groups=2 must divide num_channels=5"),
        (lambda: nn.GroupNorm(2, 4, eps=0), "GroupNorm: eps must be"),
        (lambda: nn.InstanceNorm2d(None), "InstanceNorm2d: num_features must be"),
        (lambda: nn.InstanceNorm2d(2, affine="yes"), "InstanceNorm2d: affine must be"),
        (lambda: nn.LayerNorm("ab"), "LayerNorm: each size in normalized_shape must be"),
        (lambda: nn.LayerNorm(()), "LayerNorm: normalized_shape must name at least one axis"),
        (lambda: nn.LayerNorm(4, eps=-1), "LayerNorm: eps must be"),
        (lambda: nn.LocalResponseNorm(5.0), "LocalResponseNorm: size must be"),
        (lambda: nn.LocalResponseNorm(5, convention="caffe"), "LocalResponseNorm: convention must be one of"),
        (lambda: nn.ChannelShuffle("x"), "ChannelShuffle: groups must be an integer >= 1, not 'x'"),
        (lambda: nn.MaxPool2d(2, padding="valid"), "MaxPool2d: padding must be"),
        (lambda: nn.MaxPool2d(2, ceil_mode=1), "MaxPool2d: ceil_mode must be"),
        (lambda: nn.AvgPool2d(2, 0), "AvgPool2d: stride must be"),
        (lambda: nn.AvgPool2d(2, count_include_pad=1), "AvgPool2d: count_include_pad must be"),
        (lambda: nn.AdaptiveMaxPool2d(2.5), "AdaptiveMaxPool2d: output_size must be"),
        (lambda: nn.Dropout("a"), "Dropout: p must be"),
        (lambda: nn.LeakyReLU("a"), "LeakyReLU: negative_slope must be"),
        (lambda: nn.SmoothL1Loss(beta="a"), "SmoothL1Loss: beta must be"),
        (lambda: LeNet5(num_classes="a"), "out_features must be an integer >= 1, not 'a'"),
    ],
)
def test_a_wrong_argument_is_refused(make, sentence):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert sentence in str(caught.value)


def test_numbers_of_numpy_are_as_good_as_those_of_python():
    two, four = np.int64(2), np.int32(4)
    assert repr(nn.Conv2d(two, four, (two, two), groups=two)) == "Conv2d(2, 4, kernel_size=2, groups=2)"
    assert repr(nn.Linear(two, four)) == "Linear(2, 4)"
    assert repr(nn.GroupNorm(two, four, eps=np.float32(0.5))) == "GroupNorm(2, 4, eps=0.5)"
    assert repr(nn.BatchNorm2d(four, momentum=np.float64(0.5), affine=np.bool_(False))) == "BatchNorm2d(4, momentum=0.5, affine=False)"
    assert repr(nn.Dropout(np.float32(0.5))) == "Dropout(p=0.5)"


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Flatten, (2, 3, 4)),
        (lambda: nn.ChannelShuffle(3), (2, 6, 1, 1)),
        (lambda: nn.BatchNorm1d(3), (2, 3)),
        (lambda: nn.BatchNorm2d(3), (2, 3, 2, 2)),
        (lambda: nn.GroupNorm(2, 4), (2, 4, 2)),
        (lambda: nn.InstanceNorm2d(3), (2, 3, 2, 2)),
        (lambda: nn.LayerNorm(4), (2, 4)),
        (lambda: nn.Linear(4, 2), (3, 4)),
        (lambda: nn.Conv2d(3, 2, 1), (2, 3, 2, 2)),
        (nn.Softmax, (2, 3)),
    ],
)
def test_arrays_and_lists_are_inputs_too(layer, shape):
    layer = layer()
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    expected = layer(minicnn.tensor(x)).numpy()
    np.testing.assert_array_equal(layer(x).numpy(), expected)
    np.testing.assert_array_equal(layer(x.tolist()).numpy(), expected)
