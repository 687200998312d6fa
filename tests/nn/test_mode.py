"""Evaluation for a while."""

import pytest

from minicnn import nn
from minicnn.nn.mode import evaluating


def modes(model):
    return [module.training for module in model.modules()]


def test_each_module_is_as_it_was_also_after_an_error():
    net = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.BatchNorm2d(3).eval(), nn.ReLU()))
    before = modes(net)
    assert before == [True, True, True, False, True]
    with evaluating(net) as inside:
        assert inside is net
        assert not any(modes(net))
    assert modes(net) == before
    with pytest.raises(KeyError), evaluating(net):
        raise KeyError
    assert modes(net) == before


def test_a_network_in_evaluation_mode_stays_there():
    net = nn.Sequential(nn.Dropout(0.5)).eval()
    with evaluating(net):
        pass
    assert modes(net) == [False, False]
