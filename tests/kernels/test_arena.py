"""Memory that is used again: never while somebody sees it, and never without end."""

import gc
import threading

import numpy as np
import pytest

from minicnn.kernels.cpu import arena

SHAPE = (arena.LARGE // 4,)  # float32, just large enough


@pytest.fixture(autouse=True)
def only_what_this_test_makes():
    gc.collect()
    arena.release()


def address(x):
    return x.__array_interface__["data"][0]


def test_memory_is_used_again_after_the_last_view_has_gone():
    x = arena.empty(SHAPE, np.float32)
    first, view = address(x), x.reshape(2, -1)[1:, ::3].T
    x = None
    assert address(arena.empty(SHAPE, np.float32)) != first, "a view still looks at it"
    view = view[:1]
    assert address(arena.empty(SHAPE, np.float32)) != first
    view = None
    assert address(arena.empty(SHAPE, np.float32)) == first


def test_arrays_that_live_at_the_same_time_share_nothing():
    random = np.random.default_rng(0)
    alive = {}
    for k in range(400):
        if alive and random.random() < 0.5:
            key = random.choice(list(alive))
            assert (alive.pop(key) == key).all()
        x = arena.empty((int(random.integers(1, 9)) * arena.LARGE // 4 + int(random.integers(0, 999)),), np.float32)
        x.fill(k)
        alive[k] = x
        if len(alive) > 20:
            alive.pop(next(iter(alive)))
    for k, x in alive.items():
        assert (x == k).all()


def test_what_is_held_does_not_grow_from_step_to_step():
    def step():
        layers = [arena.empty((n * 1_000_003,), np.float32) for n in (9, 3, 7, 1, 5)]
        return len(layers)

    step()
    held = arena.held()
    for _ in range(10):
        step()
    assert arena.held() == held
    gc.collect()
    arena.release()
    assert arena.held() < held


def test_slabs_for_sizes_that_are_gone_are_given_back():
    for size in range(20, 80, 5):
        arena.empty((size << 20,), np.uint8)
    assert arena.held() <= 3 * (80 << 20)


def test_zeros_are_zero_in_used_memory():
    arena.empty(SHAPE, np.float32).fill(7)
    assert not arena.zeros(SHAPE, np.float32).any()


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (0, 3, 1, 2), (3, 2, 1, 0)])
def test_empty_like_has_the_same_order_in_memory(axes):
    x = np.zeros((8, 40, 50, 24), np.float32).transpose(axes)
    y = arena.empty_like(x)
    assert y.shape == x.shape
    assert y.strides == x.strides


def test_threads_get_different_memory():
    wrong = []

    def work(k):
        for _ in range(100):
            x = arena.empty(SHAPE, np.float32)
            x.fill(k)
            if not (x == k).all():
                wrong.append(k)

    callers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_after_too_large_a_wish_all_is_as_before():
    kept = arena.empty(SHAPE, np.float32)
    before = arena._in_use, arena._peak, arena.held()
    with pytest.raises(MemoryError):
        arena.empty((1 << 55,), np.uint8)
    assert (arena._in_use, arena._peak, arena.held()) == before
    assert kept.shape == SHAPE
