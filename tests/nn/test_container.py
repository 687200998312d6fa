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


def test_module_list_is_not_called():
    with pytest.raises(ArgumentError, match="loop over its modules"):
        nn.ModuleList([nn.ReLU()])(minicnn.ones(1))
