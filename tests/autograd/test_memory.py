"""Memory: given back by counting references alone, as soon as nobody needs it."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, ops


@pytest.fixture
def without_collector():
    """Reference counting only, so that a cycle would keep its memory."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def memory_of_arrays():
    everything = tracemalloc.take_snapshot()
    arrays = everything.filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    return sum(trace.size for trace in arrays.traces)


@pytest.mark.usefixtures("without_collector")
def test_backward_frees_the_graph():
    x = minicnn.ones(4, requires_grad=True)
    hidden = ops.exp(x)
    loss = (hidden * hidden).sum()
    array, node = weakref.ref(hidden.data), weakref.ref(hidden.creator)
    del hidden
    assert array() is not None
    loss.backward()
    assert array() is None
    assert node() is None


@pytest.mark.usefixtures("without_collector")
def test_a_graph_that_is_dropped_is_gone():
    x = minicnn.ones(4, requires_grad=True)
    hidden = ops.exp(x)
    loss = (hidden * hidden).sum()
    array = weakref.ref(hidden.data)
    del hidden, loss
    assert array() is None


@pytest.mark.usefixtures("without_collector")
def test_a_retained_gradient_leaves_no_cycle_behind():
    x = minicnn.ones(4, requires_grad=True)
    hidden = ops.exp(x).retain_grad()
    array = weakref.ref(hidden.data)
    hidden.sum().backward()
    del hidden
    assert array() is None


@pytest.mark.usefixtures("without_collector")
def test_a_training_loop_does_not_grow():
    w1, w2 = (Tensor(np.eye(64, dtype=np.float32), requires_grad=True) for _ in range(2))
    x = minicnn.ones(256, 64)

    def step():
        loss = ops.maximum(x @ w1, 0.0) @ w2
        loss = (loss * loss).mean()
        for w in (w1, w2):
            w.zero_grad()
        loss.backward()
        with minicnn.no_grad():
            for w in (w1, w2):
                w -= 0.01 * w.grad
        return loss.item()

    tracemalloc.start()
    losses = [step() for _ in range(40)]  # fills Python's lists of free tuples
    tracemalloc.reset_peak()
    losses += [step()]
    (_, peak), held = tracemalloc.get_traced_memory(), memory_of_arrays()
    losses += [step() for _ in range(40)]
    (_, peak_later), held_later = tracemalloc.get_traced_memory(), memory_of_arrays()
    tracemalloc.stop()
    assert held_later == held
    assert peak_later - peak < 256 * 64 * 4  # less than one activation, of 41 steps
    assert losses[-1] < losses[0]


@pytest.mark.usefixtures("without_collector")
def test_backward_frees_while_it_walks():
    """The peak of backward over a long chain is that of the forward plus a few arrays, not twice as much."""
    x = Tensor(np.ones(10_000, np.float32), requires_grad=True)
    tracemalloc.start()
    y = x
    for _ in range(50):
        y = ops.exp(y * 0.01)
    loss = y.sum()
    del y
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    loss.backward()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - held < 6 * x.data.nbytes
