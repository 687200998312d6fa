"""What is written down of a network: all operations with the shapes of the batch, and where their inputs come from."""

import numpy as np
import pytest

import minicnn
from minicnn import models, nn, ops
from minicnn.autograd import observer
from minicnn.bench.recording import record
from minicnn.errors import ArgumentError

pytestmark = pytest.mark.usefixtures("on_the_cpu")

IMAGES = np.empty((6, 3, 8, 8), np.float32)


class Odd(nn.Module):
    """Numbers and buffers on the way, an edit in place, and a shape that contains the batch."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4, momentum=0.3)
        self.head = nn.Linear(256, 5)

    def forward(self, x):
        y = self.norm(self.conv(x))
        y += 0.25 * y
        return self.head(y.reshape(x.shape[0], 256))


def test_operations_shapes_and_sources():
    net = Odd()
    program = record(net, net, IMAGES)
    assert [o.kind for o in program.operations] == ["Conv2d", "BatchNorm", "Multiply", "Add", "Reshape", "Linear"]
    conv, norm, multiply, add, reshape, head = program.operations
    assert [program.state[i] for i in conv.inputs[1:]] == ["conv.weight", "conv.bias"]
    assert [program.state[i] for i in norm.inputs[1:]] == ["norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"]
    assert norm.attributes["momentum"] == 0.3
    assert sorted(value.item() for value in program.constants.values()) == [0.25]
    assert add.inputs == (norm.output, multiply.output)
    assert reshape.attributes["shape"] == (6, 256)
    assert (conv.inputs[0],) == program.arguments
    assert program.result == head.output
    assert program.users()[norm.output] == 2


def test_the_mode_is_the_networks_own_and_its_buffers_stay():
    net = Odd()
    before = {name: buffer.numpy().copy() for name, buffer in net.named_buffers()}
    assert record(net, net, IMAGES).operations[1].attributes["training"]
    assert {name: buffer.numpy().tolist() for name, buffer in net.named_buffers()} == {name: value.tolist() for name, value in before.items()}
    assert not record(net.eval(), net, IMAGES).operations[1].attributes["training"]


def test_the_loss_and_auxiliary_classifiers_are_recorded_as_well():
    net = models.GoogLeNet(width=0.125, num_classes=5)
    program = record(net, lambda x, y: models.auxiliary_cross_entropy(net(x), y), np.empty((2, 3, 224, 224), np.float32), np.zeros(2, np.int64))
    losses = [o for o in program.operations if o.kind == "CrossEntropy"]
    assert len(losses) == 3
    assert all(o.inputs[1] == program.arguments[1] for o in losses)


def test_a_value_from_nowhere_is_refused():
    net = nn.Conv2d(3, 4, 3)
    with pytest.raises(ArgumentError, match=r"Add uses \(4, 1, 1\) numbers that are no parameter, no buffer and no result"):
        record(net, lambda x: net(x) + minicnn.Tensor(np.ones((4, 1, 1), np.float32)), IMAGES)


def test_a_network_that_returns_no_tensor_is_refused():
    net = nn.Conv2d(3, 4, 3)
    with pytest.raises(ArgumentError, match="returns a tuple"):
        record(net, lambda x: (net(x), net(x)), IMAGES)


def test_afterwards_nobody_watches_even_after_an_error():
    with pytest.raises(minicnn.errors.ShapeError):
        record(nn.ReLU(), lambda x: ops.linear(x, x), IMAGES)
    assert observer.active is None


def test_recording_takes_no_memory():
    net = nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3))
    program = record(net, net, np.broadcast_to(np.float32(0), (100_000, 3, 224, 224)))
    assert program.operations[-1].shape == (100_000, 64, 220, 220)
