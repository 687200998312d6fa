"""Sequential and ModuleList."""

import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentError


def test_sequential_by_position_and_by_name():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    assert list(net.state_dict()) == ["0.weight", "0.bias"]
    named = nn.Sequential({"conv": nn.Conv2d(1, 2, 3), "relu": nn.ReLU()})
    assert list(named.state_dict()) == ["conv.weight", "conv.bias"]
    assert len(net) == 2
    assert net[-1] is list(net)[1]
    with pytest.raises(ArgumentError, match="has 2 modules; there is no index 2"):
        net[2]


def test_a_class_instead_of_an_instance_is_named():
    with pytest.raises(ArgumentError, match=r"make an instance: ReLU\(\.\.\.\)"):
        nn.Sequential(nn.ReLU)


def test_a_slice_of_a_sequential_shares_its_modules_and_names():
    net = nn.Sequential({"conv": nn.Conv2d(1, 2, 3), "act": nn.ReLU(), "pool": nn.MaxPool2d(2)})
    head = net[:2]
    assert type(head) is nn.Sequential
    assert [m is n for m, n in zip(head, net, strict=False)] == [True, True]
    assert list(head.state_dict()) == ["conv.weight", "conv.bias"]
    assert [type(m).__name__ for m in net[::-2]] == ["MaxPool2d", "Conv2d"]
    assert len(net[3:]) == 0


def test_a_slice_of_a_subclass_does_not_call_its_init():
    class Block(nn.Sequential):
        def __init__(self, channels):
            super().__init__(nn.Conv2d(channels, channels, 3), nn.ReLU())

    block = Block(2)
    assert block[0:1][0] is block[0]


def test_a_slice_of_a_module_list_counts_anew():
    layers = nn.ModuleList([nn.ReLU(), nn.Linear(2, 3), nn.Tanh()])
    assert [name for name, _ in layers[1:].named_parameters()] == ["0.weight", "0.bias"]
    assert len(layers[1:].append(nn.ReLU())) == 3


@pytest.mark.parametrize("index", ["a", 1.0, None])
def test_an_index_is_an_integer_or_a_slice(index):
    with pytest.raises(ArgumentError, match="Sequential: an index is an integer or a slice"):
        nn.Sequential(nn.ReLU())[index]


@pytest.mark.parametrize("name", ["training", "forward", "eval", "_hooks", "__call__"])
def test_a_name_that_is_taken_is_refused(name):
    with pytest.raises(ArgumentError, match=f"Sequential: a module cannot be named '{name}'"):
        nn.Sequential({name: nn.ReLU()})


@pytest.mark.parametrize("name", ["", "a.b", 3])
def test_a_name_is_a_text_without_dots(name):
    with pytest.raises(ArgumentError, match="a name is a text without dots"):
        nn.Sequential({name: nn.ReLU()})


def test_module_list_is_not_called():
    with pytest.raises(ArgumentError, match="loop over its modules"):
        nn.ModuleList([nn.ReLU()])(minicnn.ones(1))
