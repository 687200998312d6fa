"""Channel shuffle against PyTorch, its inverse, its messages, and its layer."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops
from minicnn.errors import ArgumentError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


@pytest.mark.parametrize("seed", range(8))
def test_equals_pytorch(seed, equals_pytorch):
    torch = pytest.importorskip("torch")
    equals_pytorch(CASES["channel_shuffle"](RandomDraw(seed)), torch.nn.functional.channel_shuffle)


def test_shuffling_with_the_transposed_groups_undoes_it():
    x = Tensor(np.arange(12.0).reshape(1, 12, 1, 1))
    np.testing.assert_array_equal(ops.channel_shuffle(ops.channel_shuffle(x, 3), 4).numpy(), x.numpy())


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: ops.channel_shuffle(x[0], 2), ShapeError, ["channel_shuffle: ", "4 axes"]),
        (lambda x: ops.channel_shuffle(x, 4), ArgumentError, ["6 channels", "4"]),
        (lambda x: ops.channel_shuffle(x, 2.0), ArgumentError, ["channel_shuffle: groups must be an integer"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(1, 6, 2, 2))
    for part in parts:
        assert part in str(caught.value)


def test_layer():
    x = Tensor(np.arange(6.0).reshape(1, 6, 1, 1))
    layer = nn.ChannelShuffle(3)
    assert layer(x).flatten().tolist() == [0, 2, 4, 1, 3, 5]
    assert repr(layer) == "ChannelShuffle(3)"
    with pytest.raises(ArgumentError, match=r"^ChannelShuffle\(4\): 4 groups do not divide the 6 channels"):
        nn.ChannelShuffle(4)(x)
