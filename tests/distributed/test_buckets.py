"""Gradients added up over the workers while the backward pass goes on."""

import threading

import numpy as np
import pytest

from minicnn.autograd import Tensor
from minicnn.distributed import Buckets
from minicnn.distributed.buckets import in_buckets
from minicnn.errors import AutogradError
from minicnn.ops import exp
from tests.distributed.threads import run_threads

SHAPES = ((3, 2), (5,), (1,), (4, 4), (2,))


def parameters(dtype=np.float32):
    return [Tensor(np.random.default_rng(i).standard_normal(shape).astype(dtype), requires_grad=True) for i, shape in enumerate(SHAPES)]


def loss(tensors, rank):
    """A chain in which the last tensor is met first on the way back."""
    y = Tensor(np.ones((), tensors[0].dtype))
    for i, tensor in enumerate(tensors):
        y = exp(y * 0.1) * (tensor * (1 + rank + i)).sum()
    return y


def alone(rank):
    tensors = parameters()
    loss(tensors, rank).backward()
    return [t.grad.numpy() for t in tensors]


@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("size", [1, 24, 1 << 20], ids=["a bucket each", "some", "one bucket"])
@pytest.mark.parametrize("ranks", [2, 3])
def test_gradients_are_the_sums_over_the_workers(ranks, size, overlap):
    def work(communicator):
        tensors = parameters()
        buckets = Buckets(tensors, communicator, size=size, overlap=overlap)
        for _ in range(2):  # the second time all is as it was
            for tensor in tensors:
                tensor.grad = None
            with buckets.reducing():
                loss(tensors, communicator.rank).backward()
        return [t.grad.numpy() for t in tensors], buckets.sent_during_backward, len(buckets.buckets)

    results = run_threads(ranks, work, delay=0.002)
    expected = [np.sum(parts, axis=0) for parts in zip(*map(alone, range(ranks)), strict=True)]
    for gradients, sent, count in results:
        for got, first, want in zip(gradients, results[0][0], expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-6)
            assert got.tobytes() == first.tobytes()
        assert sent == (count if overlap else 0), "every bucket is complete before the walk is over"


def test_buckets_go_in_one_order_whatever_is_ready_first():
    """One worker meets the tensors from the first to the last, the other from the last to the first."""

    def work(communicator):
        tensors = parameters()
        buckets = Buckets(tensors, communicator, size=1)
        with buckets.reducing():
            loss(tensors if communicator.rank else tensors[::-1], 0).backward()
        return communicator.reduced, [t.grad.numpy() for t in tensors]

    (order, gradients), (other_order, other_gradients) = run_threads(2, work)
    assert order == other_order == [int(np.prod(shape)) + 1 for shape in reversed(SHAPES)]
    for a, b in zip(gradients, other_gradients, strict=True):
        assert a.tobytes() == b.tobytes()


def test_what_has_a_gradient_nowhere_has_none_and_what_has_one_somewhere_counts_as_zero_elsewhere():
    def work(communicator):
        tensors = parameters()
        with Buckets(tensors, communicator, size=24).reducing():
            loss(tensors[:2] if communicator.rank else tensors[1:2], 0).backward()
        return [None if t.grad is None else t.grad.numpy() for t in tensors]

    only_one, both = alone_of([0, 1]), alone_of([1])
    for gradients in run_threads(2, work):
        assert [g is None for g in gradients] == [False, False, True, True, True]
        np.testing.assert_allclose(gradients[0], only_one[0], rtol=1e-6)
        np.testing.assert_allclose(gradients[1], only_one[1] + both[1], rtol=1e-6)


def alone_of(which):
    tensors = parameters()
    loss([tensors[i] for i in which], 0).backward()
    return [None if t.grad is None else t.grad.numpy() for t in tensors]


def test_gradients_from_before_the_pass_are_added_up_too():
    def work(communicator):
        tensors = parameters()
        loss(tensors, communicator.rank).backward()
        with Buckets(tensors, communicator).reducing():
            loss(tensors, communicator.rank).backward()
        return [t.grad.numpy() for t in tensors]

    expected = [2 * np.sum(parts, axis=0) for parts in zip(alone(0), alone(1), strict=True)]
    for got, want in zip(run_threads(2, work)[0], expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_types_are_not_mixed_and_no_bucket_is_empty():
    small, large = parameters(), parameters(np.float64)
    buckets = in_buckets([*small, *large], 1 << 20)
    assert [{p.dtype.name for p in bucket} for bucket in buckets] == [{"float32"}, {"float64"}]
    assert [len(bucket) for bucket in in_buckets(small, 1)] == [1] * 5


def test_an_error_in_the_thread_is_raised_where_somebody_hears_it():
    class Broken:
        rank, size = 0, 2

        def all_reduce(self, array):
            raise ConnectionError("the cable is cut")

    tensors = parameters()
    with pytest.raises(ConnectionError, match="cable"), Buckets(tensors, Broken()).reducing():
        loss(tensors, 0).backward()


def test_an_error_in_the_backward_pass_waits_for_nobody_and_its_thread_ends():
    release, finished = threading.Event(), threading.Event()

    class Silent:
        rank, size = 0, 2

        def all_reduce(self, array):
            release.wait(20)
            finished.set()

    tensors, before = parameters(), set(threading.enumerate())
    last = tensors[0] * 1.0
    last.creator.backward = lambda dy: (dy, dy, dy)  # gradients too many: an error at the very end of the pass

    with pytest.raises(AutogradError, match="must return"), Buckets(tensors[1:], Silent(), size=1 << 20).reducing():
        loss([last, *tensors[1:]], 0).backward()
    assert not finished.is_set()
    release.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive()
