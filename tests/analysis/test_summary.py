"""The summary's numbers are those of the layers as they ran."""

import tracemalloc

import pytest

from minicnn import models, nn
from minicnn.analysis import summarize
from minicnn.errors import ShapeError


class Shared(nn.Module):
    """The same linear layer twice, on rows; one layer that is never used."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 5)
        self.unused = nn.Linear(2, 2)

    def forward(self, x):
        return self.linear(self.linear(x))


def test_grouped_and_strided_convolutions():
    net = nn.Sequential(nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, groups=2, bias=False), nn.ReLU())
    summary = summarize(net, (4, 9, 7))
    assert summary.layers[0].output == (1, 6, 5, 4)
    assert summary.layers[0].macs == 6 * 5 * 4 * (2 * 3 * 2)
    assert summary.parameters == 6 * 2 * 3 * 2
    assert [layer.path for layer in summary.layers] == ["0", "1"]


def test_a_layer_used_twice_counts_its_products_twice_and_its_parameters_once():
    summary = summarize(Shared(), (2, 3, 5))
    assert [layer.parameters for layer in summary.layers] == [30, 0]
    assert summary.macs == 2 * (2 * 3 * 25)
    assert summary.parameters == 30 + 6


def test_modes_and_hooks_are_as_before():
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 4))
    net.get_submodule("0").eval()
    summarize(net, (1, 1, 4))
    assert [m.training for m in net.modules()] == [True, False, True]
    assert all(not m._hooks for m in net.modules())
    with pytest.raises(ShapeError):
        summarize(net, (1, 1, 3))
    assert [m.training for m in net.modules()] == [True, False, True]
    assert all(not m._hooks for m in net.modules())


def test_a_frozen_layer_still_has_parameters():
    net = nn.Sequential(nn.Linear(4, 3))
    net.requires_grad_(False)
    assert summarize(net, (1, 1, 4)).parameters == 15
    assert summarize(net, (1, 1, 4)).layers[0].parameters == 15


@pytest.mark.parametrize("shape", [(1, 32), (0, 32, 32), (1, 1, 32, 32)])
def test_messages(shape):
    with pytest.raises(ShapeError, match=r"must be \(C, H, W\)"):
        summarize(nn.Sequential(nn.ReLU()), shape)



def test_an_image_larger_than_memory_is_refused_before_it_is_made():
    with pytest.raises(ShapeError, match="1 x 1000000 x 1000000 is too large: it has more than 1,000,000,000 numbers"):
        summarize(models.LeNet5(), (1, 10**6, 10**6))
    tracemalloc.start()
    try:
        with pytest.raises(ShapeError, match="32x32 pixels"):
            summarize(models.LeNet5(), (1, 5000, 5000))
        assert tracemalloc.get_traced_memory()[1] < 110e6  # one image, without a copy
    finally:
        tracemalloc.stop()
