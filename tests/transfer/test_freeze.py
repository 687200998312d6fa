"""What is frozen stays as it is, to the last bit, while the rest is trained; and groups have their rates."""

import numpy as np
import pytest

import minicnn
from minicnn import data, models, optim
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
