"""Fusion of batch norms: the same results, wherever they stand; and none that must not be fused."""

import numpy as np
import pytest

from minicnn import Tensor, nn, no_grad, ops
from minicnn.errors import ArgumentError, ShapeError

IMAGE = (3, 8, 9)


def trained(net, dtype="float64"):
    """The network with batch norms that have something to do."""
    random = np.random.default_rng(4)
    for norm in net.modules():
        if isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)):
            for name, value in (("weight", 1.5), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
                tensor = getattr(norm, name)
                if tensor is not None:
                    tensor.data = Tensor(value + 0.5 * random.random(tensor.shape), dtype="float32").data
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.fill_(1)
    return net.astype(dtype)


def norms(net):
    return sum(isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)) for m in net.modules())


def assert_equal(net, fused, image=IMAGE):
    x = Tensor(np.random.default_rng(5).standard_normal((2, *image)))
    with no_grad():
        np.testing.assert_allclose(fused(x).numpy(), net.eval()(x).numpy(), rtol=1e-10, atol=1e-10)


class Twisted(nn.Module):
    """Attributes in another order than that of the computation, and names that say nothing."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.BatchNorm2d(3), nn.BatchNorm2d(4)
        self.c, self.d = nn.Conv2d(4, 3, 1), nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return self.a(self.c(ops.relu(self.b(self.d(x)))))


class Used(nn.Module):
    """The convolution's output is normalised, and added as it was."""

    def __init__(self, norm):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 1), norm

    def forward(self, x):
        y = self.conv(x)
        return self.norm(y) + y


class LastAxis(nn.Module):
    """A linear layer along the width of an image, normalised along its channels; both are 4."""

    def __init__(self):
        super().__init__()
        self.conv, self.linear, self.norm = nn.Conv2d(3, 4, 1), nn.Linear(9, 4), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.linear(self.conv(x)))


class TwoNames(nn.Module):
    """The same batch norm as an attribute and in a sequence."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)
        self.block = nn.Sequential(self.conv, self.norm, nn.ReLU())

    def forward(self, x):
        return self.block(x)


class Halved(nn.Conv2d):
    """A convolution of another kind."""

    def forward(self, x):
        return 0.5 * super().forward(x)


class Reused(nn.Module):
    """The weights of a convolution, used once more without it."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(self.conv(x)) + ops.conv2d(x, self.conv.weight)


def hooked():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    net[0].register_forward_hook(lambda _module, _inputs, y: y * 2)
    return net


class Shared(nn.Module):
    """One convolution, normalised in two ways."""

    def __init__(self):
        super().__init__()
        self.conv, self.first, self.second = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.first(self.conv(x)) + self.second(self.conv(-x))


@pytest.mark.parametrize(
    ("build", "left"),
    [
        pytest.param(lambda: nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()), 0, id="conv"),
        pytest.param(lambda: nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6, affine=False)), 0, id="grouped, not affine"),
        pytest.param(lambda: nn.Sequential(nn.Conv2d(3, 3, 3, groups=3), nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), 0, id="depthwise and pointwise"),
        pytest.param(lambda: nn.Sequential(nn.Flatten(), nn.Linear(216, 5, bias=False), nn.BatchNorm1d(5)), 0, id="linear"),
        pytest.param(lambda: nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), 1, id="norm in front"),
        pytest.param(lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)), 1, id="relu between"),
        pytest.param(lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)), 1, id="no statistics"),
        pytest.param(lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm2d(4)), 1, id="two norms"),
        pytest.param(Twisted, 0, id="twisted"),
        pytest.param(lambda: Used(nn.BatchNorm2d(4)), 1, id="used twice"),
        pytest.param(Shared, 2, id="shared"),
        pytest.param(LastAxis, 1, id="linear along another axis"),
        pytest.param(TwoNames, 0, id="two names"),
        pytest.param(lambda: nn.Sequential(Halved(3, 4, 1), nn.BatchNorm2d(4)), 1, id="another forward"),
        pytest.param(Reused, 1, id="weights used again"),
        pytest.param(hooked, 1, id="hook"),
    ],
)
def test_equals_the_network_and_leaves_what_must_stay(build, left):
    net = trained(build())
    before = net.state_dict()
    fused = nn.fuse(net, IMAGE)
    assert norms(fused) == left
    assert_equal(net, fused)
    assert before.keys() == net.state_dict().keys()
    assert all(np.array_equal(before[name], value) for name, value in net.state_dict().items())
    assert [len(module._hooks) for module in net.modules()] == [len(module._hooks) for module in fused.modules()]
    assert sum(len(module._hooks) for module in net.modules()) == (build is hooked)


def test_the_copy_is_in_evaluation_mode_and_the_network_as_before():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    fused = nn.fuse(net, IMAGE)
    assert not any(module.training for module in fused.modules())
    assert all(module.training for module in net.modules())
    assert fused[0].weight is not net[0].weight


def test_a_frozen_network_is_fused_and_stays_frozen():
    net = trained(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)))
    fused = nn.fuse(net.requires_grad_(False), IMAGE)
    assert norms(fused) == 0
    assert not any(p.requires_grad for p in fused.parameters())
    assert_equal(net, fused)


def test_tied_weights_are_not_spoilt():
    net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1))
    net[2].weight = net[0].weight
    assert_equal(trained(net), nn.fuse(net, IMAGE))


def test_float32_stays_float32():
    net = trained(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), "float32")
    assert {p.dtype for p in nn.fuse(net, IMAGE).parameters()} == {np.dtype(np.float32)}


def test_messages():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    with pytest.raises(ArgumentError, match=r"fuse: Sequential does not say for which images it is made: give input_shape=\(C, H, W\)"):
        nn.fuse(net)
    with pytest.raises(ShapeError, match="input has 1 channels, expected 3"):
        nn.fuse(net, (1, 8, 8))
    with pytest.raises(ShapeError, match=r"must be \(C, H, W\)"):
        nn.fuse(net, (8, 8))

    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    with pytest.raises(ArgumentError, match="Pair returns a tuple in evaluation, where one tensor is needed"):
        nn.fuse(Pair(), (3, 8, 8))


def test_a_ceiling_that_only_some_backends_would_keep_is_refused():
    with pytest.raises(ArgumentError, match=r"norm_relu: ceiling must be infinity \(ReLU\) or 6 \(ReLU6\), not 3\.0"):
        nn.norm_relu(nn.BatchNorm2d(4), Tensor(np.ones((2, 4, 3, 3))), 3.0)
    with pytest.raises(ArgumentError, match=r"ConvReLU2d: ceiling must be infinity .* not 3\.0"):
        nn.ConvReLU2d(nn.Conv2d(3, 4, 1), 3.0)
