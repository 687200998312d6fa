"""Batch norm over all workers' images: that of one worker who has all of them."""

import math

import numpy as np
import pytest

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.backend import use_backend
from minicnn.distributed import SyncBatchNorm2d, Workers, synchronise
from minicnn.errors import ShapeError
from minicnn.models import create
from tests.distributed.threads import run_threads

RNG = np.random.default_rng(5)
X, DY, Z = (RNG.standard_normal((7, 3, 2, 3)) + 1 for _ in range(3))


def norm(momentum=0.1, **options):
    layer = nn.BatchNorm2d(3, momentum=momentum, **options).astype("float64")
    if layer.weight is not None:
        layer.weight.data, layer.bias.data = np.array([0.5, 2.0, -1.0]), np.array([0.1, 0.0, -3.0])
    return layer


def result(layer, x, dy, **behind):
    x = Tensor(x, requires_grad=True)
    y = layer(x, **behind)
    y.backward(dy)
    affine = [] if layer.weight is None else [layer.weight.grad.numpy(), layer.bias.grad.numpy()]
    running = [] if layer.running_mean is None else [b.numpy() for b in (layer.running_mean, layer.running_var, layer.num_batches_tracked)]
    return y.numpy(), x.grad.numpy(), affine, running


@pytest.mark.parametrize("cuts", [[4], [1], [2, 5]], ids=str)
@pytest.mark.parametrize("options", [{}, {"affine": False}, {"track_running_stats": False}, {"momentum": None}], ids=str)
def test_workers_together_compute_what_one_computes_with_the_whole_batch(cuts, options):
    y, dx, affine, running = result(norm(**options), X, DY)
    xs, dys = np.split(X, cuts), np.split(DY, cuts)

    def work(communicator):
        layer = SyncBatchNorm2d(norm(**options), Workers(communicator, overlap=False))
        return result(layer, xs[communicator.rank], dys[communicator.rank])

    results = run_threads(len(xs), work, delay=0.003)
    np.testing.assert_allclose(np.concatenate([r[0] for r in results]), y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.concatenate([r[1] for r in results]), dx, rtol=1e-10, atol=1e-12)
    for i, whole in enumerate(affine):
        np.testing.assert_allclose(np.sum([r[2][i] for r in results], axis=0), whole, rtol=1e-10)
    for _, _, _, own in results:
        for mine, whole in zip(own, running, strict=True):
            np.testing.assert_allclose(mine, whole, rtol=1e-12)


@pytest.mark.parametrize(("ceiling", "residual"), [(math.inf, False), (6.0, False), (math.inf, True)])
def test_what_is_joined_behind_it_is_the_same(ceiling, residual):
    behind = {"ceiling": ceiling, **({"residual": Tensor(Z)} if residual else {})}
    y, dx, *_ = result(norm(), 4 * X, DY, **behind)

    def work(communicator):
        part = slice(0, 3) if communicator.rank == 0 else slice(3, 7)
        mine = {**behind, **({"residual": Tensor(Z[part])} if residual else {})}
        return result(SyncBatchNorm2d(norm(), Workers(communicator, overlap=False)), 4 * X[part], DY[part], **mine)

    results = run_threads(2, work)
    np.testing.assert_allclose(np.concatenate([r[0] for r in results]), y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.concatenate([r[1] for r in results]), dx, rtol=1e-10, atol=1e-12)


def test_a_batch_that_all_compute_whole_counts_once():
    """As in a batch of fewer images than workers: each weighs 1 / size, in the loss as in the statistics."""
    y, dx, _, running = result(norm(), X, DY)

    def work(communicator):
        workers = Workers(communicator, overlap=False)
        workers.weight = 0.5
        return result(SyncBatchNorm2d(norm(), workers), X, DY / 2)

    for own in run_threads(2, work):
        np.testing.assert_allclose(own[0], y, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(own[1], dx / 2, rtol=1e-10, atol=1e-12)
        for mine, whole in zip(own[3], running, strict=True):
            np.testing.assert_allclose(mine, whole, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("affine", [True, False])
def test_with_16_bits_all_in_between_is_float32(dtype, affine):
    """As in a plain norm, which on the simulated GPU is the same."""
    x, dy = (Tensor(array.astype(np.float32)).astype(dtype) for array in (300 * X, DY))
    with use_backend("cudasim"):
        plain = nn.BatchNorm2d(3, affine=affine)
        y, dx, (*gradients,), running = result(plain, x.data, dy.data)

    def work(communicator):
        part = slice(0, 3) if communicator.rank == 0 else slice(3, 7)
        with use_backend("cudasim"):
            return result(SyncBatchNorm2d(nn.BatchNorm2d(3, affine=affine), Workers(communicator, overlap=False)), x.data[part], dy.data[part])

    results = run_threads(2, work)
    assert {r[0].dtype for r in results} == {r[1].dtype for r in results} == {x.dtype}
    for i, whole in ((0, y), (1, dx)):
        both = np.concatenate([r[i].astype(np.float32) for r in results])
        np.testing.assert_allclose(both, whole.astype(np.float32), rtol=2e-2, atol=1e-4)
    for own in results:
        assert [array.dtype.name for array in own[3][:2]] == ["float32"] * 2
        np.testing.assert_allclose(own[3][1], running[1], rtol=1e-5)
    for i, whole in enumerate(gradients):
        np.testing.assert_allclose(sum(r[2][i] for r in results), whole, rtol=1e-2, atol=1e-2)


def test_in_evaluation_and_apart_nobody_is_waited_for():
    def work(communicator):
        workers = Workers(communicator, overlap=False)
        layer = SyncBatchNorm2d(norm(), workers)
        if communicator.rank == 0:  # alone
            with workers.apart():
                result(layer, X, DY)
            layer.eval()
            layer(Tensor(X))
        return True

    assert run_threads(2, work) == [True, True]


def test_one_value_in_all_workers_is_refused():
    def work(communicator):
        workers = Workers(communicator, overlap=False)
        workers.weight = 0.5
        return SyncBatchNorm2d(norm(), workers)(Tensor(X[:1, :, :1, :1]))

    with pytest.raises(ShapeError, match="all workers together have one"):
        run_threads(2, work)


def test_a_network_is_synchronised_without_a_change_of_its_state():
    net = create("ResNet20", num_classes=10, in_channels=1)
    before, parameters = net.state_dict(), list(net.parameters())
    assert synchronise(net, Workers()) is net
    assert not [m for m in net.modules() if type(m) is nn.BatchNorm2d]
    assert list(net.state_dict()) == list(before)
    assert all(a is b for a, b in zip(net.parameters(), parameters, strict=True))
    net.eval()
    assert not any(m.training for m in net.modules())
