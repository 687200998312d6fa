"""AlexNet on two workers and in one process, with the same images: what both compute. The functions get a communicator first."""

import random
from unittest import mock

import numpy as np

import minicnn
from minicnn import Tensor, models, ops, optim
from minicnn.distributed import AlexNetTwoWorkers
from minicnn.distributed import gather as gathers
from tests.distributed.ring_programs import Slow

SMALL = {"channels": (6, 16, 24, 24, 16), "hidden": 32, "num_classes": 5}
BATCH, STEPS = 2, 3


def batch(number=0):
    rng = np.random.default_rng([7, number])
    return Tensor(rng.standard_normal((BATCH, 3, 227, 227)) * 5), Tensor(rng.integers(0, 5, BATCH))


def whole_network():
    """The network in one process, with random weights that are large enough for both normalisations to matter."""
    minicnn.manual_seed(4)
    net = models.AlexNetGrouped(**SMALL, norm_groups=2).astype("float64")
    rng = np.random.default_rng(1)
    net.load_state_dict({name: value + 0.02 * rng.standard_normal(value.shape) for name, value in net.state_dict().items()})
    return net


def two_workers(communicator):
    net = AlexNetTwoWorkers(communicator, **SMALL).astype("float64")
    net.load_halves(whole_network().state_dict())
    return net


def one_step(net, *, training=False):
    """Scores, loss and all gradients; in training with dropout."""
    net.train(training)
    net.zero_grad()
    minicnn.manual_seed(9)
    images, labels = batch()
    scores = net(images)
    loss = ops.cross_entropy(scores, labels)
    loss.backward()
    return {"scores": scores.numpy().copy(), "loss": loss.item(), **{name: p.grad.numpy().copy() for name, p in net.named_parameters()}}


def some_steps(net):
    """Losses of a few training steps with dropout, momentum and weight decay."""
    net.train()
    minicnn.manual_seed(11)
    optimizer = optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
    losses = []
    for number in range(STEPS):
        images, labels = batch(number)
        optimizer.zero_grad()
        loss = ops.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def own_gradient_only(self, dy):
    """Planted: the gradients that the other worker computes are not asked for."""
    return (self._of_workers(dy)[self.attributes["communicator"].rank].copy(),)


def sum_of_gradients(self, dy):
    """Planted: the gradients of the one loss that both compute are added up."""
    dy = dy.copy()
    self.attributes["communicator"].all_reduce(dy)
    return (self._of_workers(dy)[self.attributes["communicator"].rank],)


def everything(communicator):
    minicnn.set_num_threads(1)
    net = two_workers(communicator)
    found = {"eval": one_step(net), "rows": net.traffic.rows, "training": one_step(net, training=True), "names": list(net.state_dict())}
    with mock.patch.object(gathers.GatherMaps, "backward", own_gradient_only):
        found["planted: no exchange on the way back"] = one_step(net)
    with mock.patch.object(gathers.GatherScores, "backward", sum_of_gradients):
        found["planted: the loss counts twice"] = one_step(net)
    found["whole state"] = net.whole_state_dict()
    with minicnn.no_grad():
        net.traffic.clear()
        net.eval()(batch()[0])
        found["rows without gradients"] = net.traffic.rows
    net.traffic.clear()
    found["losses"], found["trained"], found["rows of steps"] = some_steps(net), net.whole_state_dict(), net.traffic.rows
    rng = random.Random(communicator.rank)
    communicator._office.signals = [tuple(Slow(signal, rng) for signal in pair) for pair in communicator._office.signals]
    net.load_halves(found["whole state"])
    found["slow"] = one_step(net)
    minicnn.manual_seed(2)
    found["drawn"] = AlexNetTwoWorkers(communicator, **SMALL).state_dict()["features.conv1.weight"]
    return found
