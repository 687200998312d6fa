"""What is frozen stays as it is, to the last bit, while the rest is trained; and groups have their rates."""

import numpy as np
import pytest

import minicnn
from minicnn import data, models, nn, optim
from minicnn.errors import ArgumentError
from minicnn.train import Trainer
from minicnn.transfer import apply_strategy, freeze, freeze_all_but, parameter_groups, unfreeze

RNG = np.random.default_rng(7)
BATCHES = data.DataLoader(data.ArrayDataset(RNG.standard_normal((24, 3, 16, 16)).astype(np.float32), np.arange(24) % 4), batch_size=8)


@pytest.fixture
def net():
    minicnn.manual_seed(0)
    model = models.ResNet18(num_classes=4, width=4)
    for images, _ in BATCHES:
        model(images)  # its batch norms have seen something
    return model


def learning(model):
    return {name.partition(".")[0] for name, parameter in model.named_parameters() if parameter.requires_grad}


def trained(model):
    optimizer = optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05)
    Trainer(model, optimizer).fit(BATCHES, BATCHES, epochs=2)
    return model.state_dict()


def test_frozen_parameters_and_running_statistics_are_bit_identical_after_training(net):
    freeze(net, "conv1", "bn1", "layer[123]")
    before = net.state_dict()
    after = trained(net)
    changed = {name for name in before if before[name].tobytes() != after[name].tobytes()}
    assert {name.partition(".")[0] for name in changed} == {"layer4", "fc"}
    assert any("running_mean" in name for name in changed)  # of layer4, which learns


def test_a_network_in_evaluation_mode_is_switched_first(net):
    net.eval()
    freeze(net, "layer1")
    assert net.training
    assert all(module.training for module in net.layer2.modules())
    assert not any(module.training for module in net.layer1.modules())


def test_what_was_frozen_before_stays_so_when_more_is(net):
    freeze(net, "conv1", "bn1", "layer1")
    net.eval()
    freeze(net, "layer2")
    assert (net.training, net.bn1.training, net.layer2[0].bn1.training, net.layer3[0].bn1.training) == (True, False, False, True)
    assert not any(module.training for module in net.layer1.modules())


class Shifted(nn.Module):
    """Has a parameter of its own, and one in a part."""

    def __init__(self):
        super().__init__()
        self.shift, self.fc = nn.Parameter(np.zeros(2, np.float32)), nn.Linear(2, 2)


def test_parameters_of_the_network_itself_belong_to_all_of_it():
    model = Shifted()
    freeze(model, "*")
    assert learning(model) == set()
    unfreeze(model, "*")
    assert learning(model) == {"shift", "fc"}
    freeze_all_but(model, "fc")
    assert learning(model) == {"fc"}
    freeze(model, "fc")
    unfreeze(model, "fc")
    assert learning(model) == {"fc"}


def test_unfreeze_and_all_but(net):
    freeze_all_but(net, "fc", "layer4")
    assert learning(net) == {"fc", "layer4"}
    unfreeze(net, "layer3")
    assert learning(net) == {"fc", "layer3", "layer4"}
    assert net.layer3.training
    assert not net.layer2.training


def test_strategies(net):
    apply_strategy(net, "all", (3, 64, 64))
    assert learning(net) == {"conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"}
    apply_strategy(net, "few", (3, 64, 64))
    assert learning(net) == {"layer4", "fc"}
    apply_strategy(net, "linear", (3, 64, 64))
    assert learning(net) == {"fc"}
    with pytest.raises(ArgumentError, match=r"the strategy must be .*linear.*, not 'some'"):
        apply_strategy(net, "some", (3, 64, 64))


def test_all_layers_are_trained_and_the_statistics_of_their_batch_norms_are_kept(net):
    apply_strategy(net, "all", (3, 16, 16))
    before = net.state_dict()
    after = trained(net)
    changed = {name for name in before if before[name].tobytes() != after[name].tobytes()}
    assert changed == {name for name, _ in net.named_parameters()}


def test_statistics_are_kept_though_the_network_was_in_evaluation_mode(net):
    apply_strategy(net.eval(), "all", (3, 16, 16))
    before = net.bn1.running_mean.numpy().copy()
    assert trained(net)["bn1.running_mean"].tobytes() == before.tobytes()


@pytest.mark.parametrize(("first", "then"), [("linear", "all"), ("linear", "few"), ("few", "all")])
def test_a_strategy_is_not_put_upon_another_that_froze_what_it_trains(net, first, then):
    apply_strategy(net, first, (3, 64, 64))
    with pytest.raises(ArgumentError, match=rf'the strategy {then} would train \S+, .* are frozen: unfreeze\(model, "\*"\) first'):
        apply_strategy(net, then, (3, 64, 64))
    unfreeze(net, "*")
    apply_strategy(net, then, (3, 64, 64))


def test_wrong_paths_name_the_nearest(net):
    with pytest.raises(ArgumentError, match=r"ResNet has no layer 'layr4'; the nearest are .*layer4"):
        freeze(net, "layr4")
    with pytest.raises(ArgumentError, match=r"freeze: no path in ResNet is like 'block\*'"):
        freeze(net, "block*")
    with pytest.raises(ArgumentError, match="freeze: name the parts by their paths"):
        freeze(net)
    with pytest.raises(ArgumentError, match="unfreeze: a part of the network is named by its path"):
        unfreeze(net, "")


def test_each_group_moves_at_its_rate(net):
    """One step of plain gradient descent: the change is the rate times the gradient."""
    groups = parameter_groups(net, {"fc": 0.5, "layer[34]": 0.25, "*": 0.125})
    assert [group["lr"] for group in groups] == [0.5, 0.25, 0.125]
    assert sum(len(group["params"]) for group in groups) == len(list(net.parameters()))
    before = {name: parameter.numpy().copy() for name, parameter in net.named_parameters()}
    optimizer = optim.SGD(groups, lr=1.0)
    images, labels = next(iter(BATCHES))
    minicnn.ops.cross_entropy(net(images), labels).backward()
    optimizer.step()
    for name, rate in (("fc.weight", 0.5), ("layer3.0.conv1.weight", 0.25), ("bn1.bias", 0.125)):
        parameter = dict(net.named_parameters())[name]
        np.testing.assert_allclose(before[name] - parameter.numpy(), rate * parameter.grad.numpy(), rtol=1e-3, atol=1e-6)


def test_groups_leave_out_what_is_frozen_and_nothing_that_learns(net):
    freeze(net, "conv1", "bn1", "layer1", "layer2", "layer3")
    assert [group["lr"] for group in parameter_groups(net, {"layer1": 0.1, "layer4": 0.2, "fc": 0.3})] == [0.2, 0.3]
    with pytest.raises(ArgumentError, match=r'fc\.weight, fc\.bias would be in no group and never change: add "\*": LR'):
        parameter_groups(net, {"layer4": 0.2})
    with pytest.raises(ArgumentError, match="the learning rate of 'fc' must be"):
        parameter_groups(net, {"fc": -1})
    with pytest.raises(ArgumentError, match=r"ResNet has no layer 'fx'; the nearest are fc"):
        parameter_groups(net, {"fx": 0.1, "*": 0.1})
    with pytest.raises(ArgumentError, match="give learning rates by path"):
        parameter_groups(net, {})
