"""Batch norm with what is behind it: the same as one after the other, and joined only where that changes nothing."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops
from minicnn.models.plain_net import PlainBlock
from minicnn.models.residual_block import BasicBlock, Bottleneck
from minicnn.models.resnext_block import SplitTransformSum
from minicnn.models.squeeze_excitation import SEBottleneck


def random(seed, *shape):
    return np.random.default_rng([3, seed]).standard_normal(shape)


@pytest.mark.parametrize("backend", ["loops", "numpy", "numba", "cudasim"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("ceiling", [np.inf, 1.0])
def test_a_residual_is_added_before_the_relu(backend, training, ceiling):
    names = ("x", "gamma", "beta", "z")
    given = dict(zip(names, (random(0, 3, 4, 2, 5), random(1, 4), random(2, 4), random(3, 3, 4, 2, 5)), strict=True))
    running = () if training else (random(4, 4), random(5, 4) ** 2 + 0.5)
    dy = random(6, 3, 4, 2, 5)
    with minicnn.use_backend(backend):
        joint = {k: Tensor(v, requires_grad=True) for k, v in given.items()}
        y = ops.batch_norm(joint["x"], joint["gamma"], joint["beta"], *map(Tensor, running), training=training, ceiling=ceiling, residual=joint["z"])
        y.backward(dy)
    apart = {k: Tensor(v, requires_grad=True) for k, v in given.items()}
    expected = ops.batch_norm(apart["x"], apart["gamma"], apart["beta"], *map(Tensor, running), training=training) + apart["z"]
    expected = ops.clip(expected, 0, ceiling)
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-10, atol=1e-12)
    expected.backward(dy)
    for name in names:
        np.testing.assert_allclose(joint[name].grad.numpy(), apart[name].grad.numpy(), rtol=1e-9, atol=1e-11, err_msg=name)


class Operations:
    """Which operations have made a result, from the last to the first."""

    def __init__(self, y):
        self.names, node = [], y.creator
        while node is not None and not isinstance(node, Tensor):
            self.names.append(node.name)
            node = node.edges[0]


@pytest.mark.parametrize(("backend", "names"), [
    ("cudasim", ["BatchNormAddReLU"]), ("numba", ["ReLU", "Add", "BatchNorm"]), ("numpy", ["ReLU", "Add", "BatchNorm"]),
])  # fmt: skip
def test_norm_relu_joins_a_residual_where_there_is_a_kernel_for_it(backend, names):
    with minicnn.use_backend(backend):
        norm, x, z = nn.BatchNorm2d(4), Tensor(random(0, 3, 4, 2, 5).astype(np.float32)), Tensor(random(1, 3, 4, 2, 5).astype(np.float32))
        y = nn.norm_relu(norm, x, residual=z)
        assert Operations(y).names == names
        expected = ops.relu(norm(x) + z)
        np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)
        assert int(norm.num_batches_tracked) == 2
        seen = []
        norm.register_forward_hook(lambda module, inputs, output: seen.append(output))
        assert Operations(nn.norm_relu(norm, x, residual=z)).names == ["ReLU", "Add", "BatchNorm"]
        np.testing.assert_allclose(seen[0].numpy(), norm(x).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("make", "channels", "name"), [
    (lambda: BasicBlock(8, 8), 8, "BatchNormAddReLU"),
    (lambda: BasicBlock(4, 8, 2), 4, "BatchNormAddReLU"),
    (lambda: Bottleneck(32, 8), 32, "BatchNormAddReLU"),
    (lambda: SplitTransformSum(32, 8, cardinality=2, base_width=8), 32, "BatchNormAddReLU"),
    (lambda: PlainBlock(8, 8), 8, "BatchNormReLU"),
    (lambda: SEBottleneck(64, 16), 64, "ReLU"),
], ids=["basic", "smaller", "bottleneck", "sum of paths", "plain", "scaled"])  # fmt: skip
def test_a_residual_block_ends_with_a_joint_operation(make, channels, name):
    with minicnn.use_backend("cudasim"):
        assert make()(Tensor(random(0, 2, channels, 4, 4).astype(np.float32))).creator.name == name


def test_norm_relu_leaves_broadcasting_and_conversion_to_the_addition():
    with minicnn.use_backend("cudasim"):
        norm, x = nn.BatchNorm2d(4), Tensor(random(0, 3, 4, 2, 5).astype(np.float32))
        assert nn.norm_relu(norm, x, residual=Tensor(np.ones((4, 1, 1), np.float32))).shape == x.shape
        assert nn.norm_relu(norm, x, residual=Tensor(random(0, 3, 4, 2, 5))).dtype == np.float64
