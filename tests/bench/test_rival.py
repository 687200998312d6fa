"""The replay in PyTorch computes what minicnn computes: scores, loss, every gradient, and running statistics."""

import importlib.util

import numpy as np
import pytest

from minicnn import nn, ops, use_backend
from minicnn.bench import Workload, rival
from minicnn.bench.workload import pose
from minicnn.errors import ArgumentError
from tests.bench.replay import check_inference, check_training, draw, replay_of, small

NETWORKS = {
    "LeNet5(num_classes=5)": (1, 32, 32),
    "AlexNet(channels=(4, 8, 12, 12, 8), hidden=16, num_classes=5)": (3, 227, 227),
    "VGG11(width=4, hidden=16, num_classes=5)": (3, 32, 32),
    "GoogLeNetBN(width=0.125, num_classes=5)": (3, 64, 64),
    "ResNet18(width=4, num_classes=5)": (3, 32, 32),
    "ResNet20(width=4, num_classes=5)": (3, 16, 16),
    "DenseNetCIFAR(22, 4, num_classes=5)": (3, 16, 16),
    "SqueezeNet1_1(width=16, num_classes=5)": (3, 63, 63),
    "MobileNetV2(width=0.125, num_classes=5)": (3, 48, 48),
    "ShuffleNetV1(width=0.25, num_classes=5)": (3, 48, 48),
    "NASNetALarge(filters=4, cells=1, drop_path=0.1, num_classes=5)": (3, 34, 34),
    "EfficientNetB0(depth=0.3, width=0.2, num_classes=5)": (3, 33, 33),
}


@pytest.fixture(autouse=True)
def whole_arrays():
    with use_backend("numpy"):  # nothing to compile
        yield


@pytest.mark.parametrize("code", NETWORKS)
def test_training(code):
    check_training(small(code), *draw(NETWORKS[code]))


@pytest.mark.parametrize("code", NETWORKS)
def test_inference(code):
    check_inference(small(code), draw(NETWORKS[code])[0])


@pytest.mark.parametrize("code", ["ResNet20(width=4, num_classes=5)", "MobileNetV2(width=0.125, num_classes=5)"])
def test_channels_last(code):
    images, labels = draw(NETWORKS[code])
    replay = check_training(small(code), images, labels, channels_last=True)
    torch = pytest.importorskip("torch")
    filters = [p for p in replay.parameters.values() if p.ndim == 4 and p.shape[1] > 1 and p.shape[2] > 1]
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in filters)
    check_inference(small(code), images, channels_last=True)


def test_activations_and_shortcuts_are_computed_in_place():
    """ResNet-18 has 17 ReLUs after a batch norm or a sum, and 8 sums, as torchvision writes them."""
    code = "ResNet18(width=4, num_classes=5)"
    assert check_inference(small(code), draw(NETWORKS[code])[0]).in_place == 25


class Branches(nn.Module):
    """An input that two read must not be overwritten, nor a result that a backward needs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.head = nn.Linear(3, 5)

    def forward(self, x):
        y = self.conv(x)
        z = ops.relu(ops.sigmoid(ops.relu(y) + y))  # the sum may overwrite nothing, the ReLU neither
        return self.head(ops.mean(z, (2, 3)))


def test_what_somebody_else_reads_is_not_overwritten():
    assert check_training(Branches().astype("float64"), *draw((3, 6, 6))).in_place == 0


PIECES = {
    "asymmetric convolution": lambda x: ops.conv2d(x, ops.transpose(x[:2], (0, 1, 2, 3))[:, :, :3, :3], stride=2, padding=(0, 1, 0, 1)),
    "asymmetric pools": lambda x: ops.max_pool2d(x, 3, 2, padding=(0, 1, 0, 1)) + ops.avg_pool2d(x, 3, 2, padding=(0, 1, 0, 1)),
    "pool without padding": lambda x: ops.avg_pool2d(x, 3, 2, padding=(0, 1, 0, 1), count_include_pad=False),
    "ceil mode": lambda x: ops.max_pool2d(x, 3, 2, ceil_mode=True) * ops.avg_pool2d(x, 3, 2, ceil_mode=True),
    "adaptive": lambda x: ops.adaptive_avg_pool2d(x, 5) - ops.adaptive_max_pool2d(x, 5),
    "norms": lambda x: ops.group_norm(x, 2) + ops.layer_norm(x, (8, 8)) + ops.local_response_norm(x, 3) + ops.batch_norm(x, training=True),
    "activations": lambda x: ops.hardswish(x) + ops.leaky_relu(x, 0.2) + ops.silu(x) + ops.tanh(x) + ops.relu6(3 * x) + ops.sigmoid(x),
    "softmax": lambda x: ops.softmax(x, 1) + ops.log_softmax(x, -1),
    "reductions": lambda x: ops.sum(x, 3) + ops.mean(x, 3) + ops.max(x, 3) + ops.min(x, 3) + ops.var(x, 3, correction=1) + ops.logsumexp(x, 3),
    "arithmetic": lambda x: -ops.abs(x) / (ops.exp(x) + 1) + (x * x) ** 2 - ops.sqrt(x * x + 1) + ops.log(x * x + 0.5),
    "choices": lambda x: ops.clip(x, -0.5, 0.5) + ops.maximum(x, 0.1) + ops.minimum(x, 2 * x),
    "shapes": lambda x: ops.concatenate([ops.pad(x, (0, 1, 2, 0), 0.5)[:, [2, 0], ::2, 1:-1]] * 2, axis=1).transpose((0, 2, 3, 1)),
    "matrices": lambda x: ops.matmul(x, ops.transpose(x, (0, 1, 3, 2))) + ops.broadcast_to(x[:, :1, :1, :1], (3, 4, 8, 8)),
    "shuffle": lambda x: ops.channel_shuffle(x, 2),
    "types": lambda x: x.astype("float32").astype("float64"),
}


@pytest.mark.parametrize("piece", PIECES)
def test_every_operation_has_its_counterpart(piece):
    """Values and the gradient of the input, under a random cotangent."""
    torch = pytest.importorskip("torch")
    from minicnn import Tensor

    images = draw((4, 8, 8))[0]
    replay = replay_of(nn.ReLU(), PIECES[piece], images)
    ours, theirs = Tensor(images, requires_grad=True), torch.tensor(images, requires_grad=True)
    y, z = PIECES[piece](ours), replay(theirs)
    np.testing.assert_allclose(z.detach().numpy(), y.numpy(), rtol=1e-6, atol=1e-9)
    cotangent = np.random.default_rng(3).standard_normal(y.shape)
    (y * Tensor(cotangent)).sum().backward()
    (z * torch.tensor(cotangent)).sum().backward()
    np.testing.assert_allclose(theirs.grad.numpy(), ours.grad.numpy(), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("drop", [ops.dropout, ops.dropout2d, ops.drop_path])
def test_dropout_drops_the_same_parts(drop):
    torch = pytest.importorskip("torch")
    images = np.ones((64, 16, 4, 4))
    y = replay_of(nn.ReLU(), lambda x: drop(x, 0.25, training=True), images)(torch.tensor(images)).numpy()
    assert set(np.unique(y.round(9))) == {0.0, round(4 / 3, 9)}
    together = {ops.dropout: (), ops.dropout2d: (2, 3), ops.drop_path: (1, 2, 3)}[drop]
    parts = y.mean(axis=together) if together else y
    assert set(np.unique(parts.round(9))) == {0.0, round(4 / 3, 9)}
    assert 0.4 < (parts == 0).mean() / 0.25 < 1.8


def test_an_operation_without_counterpart_is_named():
    with pytest.raises(ArgumentError, match="the operation MSELoss has no counterpart in PyTorch yet"):
        replay_of(nn.ReLU(), lambda x: ops.mse_loss(x, x), draw((3, 4, 4))[0])
    with pytest.raises(ArgumentError, match="runs backwards"):
        replay_of(nn.ReLU(), lambda x: x[:, ::-1], draw((3, 4, 4))[0])


def test_a_wrong_counterpart_is_noticed(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setitem(rival.counterpart.__globals__["COUNTERPARTS"], "ReLU", lambda torch, a: lambda x: x[:1])
    images = draw((3, 4, 4))[0]
    with pytest.raises(ArgumentError, match="its counterpart is wrong"):
        replay_of(nn.ReLU(), ops.relu, images)(torch.tensor(images))


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_training_step_is_minicnns(channels_last):
    """Two steps of SGD with momentum on the same weights: the losses agree, so the updates do."""
    pytest.importorskip("torch")
    from minicnn.bench import contender

    problem = pose(Workload("LeNet5", (1, 32, 32), 4, "train"))
    ours, theirs = contender.build(problem, "numpy"), rival.build(problem, channels_last=channels_last)
    losses = [(ours().item(), theirs().item()) for _ in range(3)]
    assert all(a == pytest.approx(b, rel=1e-4) for a, b in losses)
    assert losses[0][0] != losses[2][0]


def test_without_pytorch_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ArgumentError, match=r"which is not installed: .* -m pip install torch=="):
        rival.torch_contenders()
