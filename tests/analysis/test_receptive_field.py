"""Receptive fields: calculated, measured by a gradient, and equal."""

import numpy as np
import pytest

from minicnn import models, nn, ops
from minicnn.analysis import ReceptiveField, measure_receptive_field, receptive_field
from minicnn.errors import ArgumentError


class TwoWays(nn.Module):
    """A 5x5 and a 1x1 window side by side, joined; then every second pixel, shifted by one."""

    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(2, 3, 5, padding=2), nn.Conv2d(2, 3, 1)

    def forward(self, x):
        x = ops.concatenate([self.wide(x), self.narrow(x)], axis=1)
        return ops.pad(x, (1, 0, 1, 0))[:, :, 1::2, 1::2]


def test_three_3x3_are_one_7x7():
    three, seven = nn.Sequential(*(nn.Conv2d(2, 2, 3) for _ in range(3))), nn.Conv2d(2, 2, 7)
    assert receptive_field(three, (2, 20, 20)) == receptive_field(seven, (2, 20, 20)) == ReceptiveField((7, 7))
    assert receptive_field([(3,)] * 3) == receptive_field([(7,)])
    assert measure_receptive_field(three, (2, 20, 20)).size == measure_receptive_field(seven, (2, 20, 20)).size == (7, 7)
    weights = [sum(p.size for p in net.parameters() if p.ndim == 4) for net in (three, seven)]
    assert weights == [27 * 2 * 2, 49 * 2 * 2]


NETS = [
    (lambda: nn.Conv2d(2, 3, (3, 5), stride=(2, 1), padding=(1, 0, 2, 2)), (2, 22, 24), None),
    (lambda: nn.Conv2d(2, 3, 3, dilation=3), (2, 21, 24), None),
    (lambda: nn.Sequential(nn.Conv2d(2, 4, 3, stride=2), nn.MaxPool2d(3, 2), nn.ReLU(), nn.AvgPool2d(2, 1)), (2, 43, 47), None),
    (lambda: nn.Sequential(nn.Conv2d(2, 4, 4, stride=2, padding="same"), nn.Conv2d(4, 4, 3, padding="same")), (2, 31, 30), None),
    (lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.ChannelShuffle(2), nn.AdaptiveAvgPool2d(5)), (2, 22, 22), None),
    (TwoWays, (2, 24, 24), None),
    (lambda: models.ResNet18(width=2), (3, 260, 260), "layer3"),
    (lambda: models.ResNet50(width=2, stride_on_1x1=True), (3, 200, 200), "layer2"),
    (lambda: models.ResNet34(width=2, shortcut="A"), (3, 200, 200), "layer2"),
    (lambda: models.VGG16(width=2, hidden=4), (3, 320, 320), "features"),
    (lambda: models.MobileNetV2(width=0.25), (3, 250, 250), "features.10"),
    (models.LeNet5, (1, 32, 32), "s4"),
]


@pytest.mark.parametrize(("build", "image", "layer"), NETS)
def test_calculated_is_measured(build, image, layer):
    """Of a position in the middle, whose field does not reach over the border of the image."""
    net = build()
    field, support = receptive_field(net, image, layer=layer), measure_receptive_field(net, image, layer=layer)
    for axis, (first, last) in enumerate((support.rows, support.columns)):
        start = field.offset[axis] + support.position[axis] * field.stride[axis]
        stop = start + field.size[axis] - 1
        size = image[1 + axis]
        assert (first, last) == (max(start, 0), min(stop, size - 1)), (field, support)
    reached = np.zeros(image[1:], bool)
    reached[support.rows[0] : support.rows[1] + 1, support.columns[0] : support.columns[1] + 1] = True
    assert not support.map[~reached].any()
    if max(field.size) < min(image[1:]):
        assert support.rows[0] > 0
        assert support.rows[1] < image[1] - 1


@pytest.mark.parametrize("layer", ["avgpool", "fc", ""])
def test_after_a_global_pooling_all_is_seen(layer):
    field = receptive_field(models.ResNet18(width=2), layer=layer)
    assert (field.size, field.whole) == ((224, 224), True)


class Picked(nn.Module):
    """A function of an image, then a 3x3 window."""

    def __init__(self, function):
        super().__init__()
        self.function, self.conv = function, nn.Conv2d(2, 2, 3)

    def forward(self, x):
        return self.conv(self.function(x))


@pytest.mark.parametrize(
    ("function", "size", "stride", "offset"),
    [
        (lambda x: x[..., ::2, ::2], (5, 5), (2, 2), (0, 0)),
        (lambda x: x[..., 3:], (3, 3), (1, 1), (0, 3)),
        (lambda x: x[:, :, 1::3], (7, 3), (3, 1), (1, 0)),
        (lambda x: x * x.mean(axis=1, keepdims=True), (3, 3), (1, 1), (0, 0)),
    ],
    ids=["dots", "columns", "rows", "mean over channels"],
)
def test_pixels_that_are_picked(function, size, stride, offset):
    assert receptive_field(Picked(function), (2, 20, 20)) == ReceptiveField(size, stride, offset)
    assert measure_receptive_field(Picked(function), (2, 20, 20)).size == size


@pytest.mark.parametrize(
    "function", [lambda x: x[:, :, ::-1], lambda x: x[:, :, :, [0, 1, 2, 3]], lambda x: ops.concatenate([x, x], axis=2)], ids=["turned", "list", "beside"]
)
def test_what_has_no_one_stride_is_refused(function):
    with pytest.raises(ArgumentError, match="use measure_receptive_field"):
        receptive_field(Picked(function), (2, 9, 9))


def test_a_pooling_alone_and_one_under_two_names():
    assert measure_receptive_field(nn.MaxPool2d(3, 2), (1, 9, 9)).size == (3, 3)
    net = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, 1))
    net.again = net[0]
    assert measure_receptive_field(net[:2], (1, 8, 8)).size == (2, 2)


def test_branches_with_opposite_signs_do_not_cancel():
    class Difference(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)

        def forward(self, x):
            return self.a(x) - self.b(x)

    assert measure_receptive_field(Difference(), (1, 9, 9)).size == (3, 3)


def test_an_image_on_its_side_is_not_taken_for_one_that_stands():
    """Height and width exchanged: what a window of 1 x 5 sees is then beyond this calculation, and not claimed to be a row."""

    class Lying(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, (1, 5))

        def forward(self, x):
            return self.conv(x.transpose(0, 1, 3, 2))

    assert measure_receptive_field(Lying(), (1, 9, 9)).size == (5, 1)
    assert receptive_field(Lying(), (1, 9, 9)).whole


def test_a_position_at_the_border():
    support = measure_receptive_field(nn.Conv2d(1, 1, 5, padding=2), (1, 9, 9), position=(0, 8))
    assert (support.rows, support.columns) == ((0, 2), (6, 8))


def test_the_network_is_as_before():
    net = models.ResNet18(width=2)
    state = net.state_dict()
    measure_receptive_field(net, (3, 64, 64), layer="layer1")
    receptive_field(net, layer="layer1")
    assert all(np.array_equal(state[name], value) for name, value in net.state_dict().items())
    assert isinstance(net.maxpool, nn.MaxPool2d)
    assert all(not module._hooks for module in net.modules())
    assert all(module.training for module in net.modules())


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: receptive_field([(0,)]), "kernel size must be an integer >= 1"),
        (lambda: receptive_field([3, 3]), r"a layer is \(kernel size, stride, padding\), not 3"),
        (lambda: receptive_field(nn.ReLU()), "give input_shape="),
        (lambda: receptive_field(nn.AdaptiveAvgPool2d(2), (1, 5, 5)), "makes 2x2 of 5x5, with bins that differ in size"),
        (lambda: receptive_field(models.ResNet18(width=2), layer="layer9"), "no module at 'layer9'"),
        (lambda: receptive_field(models.GoogLeNet(width=0.125), layer="aux1"), "does not run in evaluation"),
        (lambda: measure_receptive_field(models.ResNet18(width=2), (3, 32, 32), layer="fc"), "choose one that does"),
        (lambda: measure_receptive_field(nn.ReLU(), (1, 4, 4), position=(4, 0)), "no position"),
        (lambda: measure_receptive_field(Picked(lambda x: ops.relu(-x)), (2, 5, 5)), "no gradient reaches the image"),
    ],
)
def test_messages(call, text):
    with pytest.raises(ArgumentError, match=text):
        call()
