"""The communicator on shared memory: sums, the ring's steps, the other operations, whatever the timing. Once in real processes, else in threads."""

import math

import numpy as np
import pytest

from minicnn.distributed import ring_steps, ring_trace, spawn
from minicnn.distributed.ring import chunks
from minicnn.errors import ArgumentError, CommunicationError, DtypeError
from tests.distributed import ring_programs as programs
from tests.distributed.in_threads import in_threads
from tests.distributed.ring_programs import LENGTHS, TYPES, numbers


@pytest.fixture(scope="module", params=[1, 2, 3, 4, 5])
def summed(request):
    """What each of so many ranks has after each all-reduce."""
    return (spawn if request.param == 3 else in_threads)(programs.sums, request.param)


@pytest.mark.parametrize("dtype", TYPES)
def test_the_sum_is_right_and_the_same_everywhere(summed, dtype):
    size = len(summed)
    for length in LENGTHS:
        arrays = [numbers(rank, dtype, length) for rank in range(size)]
        sums = [found[dtype, length][0] for found in summed]
        assert all(array.dtype == dtype and array.tobytes() == sums[0].tobytes() for array in sums)
        np.testing.assert_array_equal(sums[0], ring_trace(arrays)[-1][0])  # to the last bit: the order of adding is the ring's
        if dtype.startswith("int"):
            np.testing.assert_array_equal(sums[0], np.sum(arrays, axis=0))
        else:
            exact = np.array([math.fsum(column) for column in np.array(arrays, np.float64).T]) if length else np.zeros(0)
            assert (np.abs(sums[0] - exact) <= size * np.finfo(dtype).eps * np.abs(arrays).sum(axis=0)).all()


def test_an_array_of_two_axes_is_summed_in_place(summed):
    size = len(summed)
    for found in summed:
        np.testing.assert_array_equal(found["grid"], np.full((2, 3), size * (size + 1) / 2))


def test_a_rank_sends_2_n_minus_1_over_n_of_the_array(summed):
    size = len(summed)
    for dtype in TYPES:
        for length in LENGTHS:
            item = np.dtype(dtype).itemsize
            sent = [found[dtype, length][1] for found in summed]
            assert sum(sent) == 2 * (size - 1) * length * item
            shortest, longest = (item * (length // size + more) for more in (0, 1 if length % size else 0))
            assert all(2 * (size - 1) * shortest <= each <= 2 * (size - 1) * longest for each in sent)
            if length % size == 0:
                assert sent == [2 * (size - 1) * length * item // size] * size


@pytest.mark.parametrize(("size", "length"), [(2, 5), (3, 7), (4, 3)])
def test_the_steps_are_those_of_the_timetable(size, length):
    trace = ring_trace([numbers(rank, "float32", length) for rank in range(size)])
    for rank, (made, held) in enumerate(in_threads(programs.steps, size, length)):
        assert made == [step for step in ring_steps(size) if step.rank == rank]
        for number, (step, array) in enumerate(zip(made, held, strict=True), start=1):
            part = chunks(length, size)[step.receives]
            np.testing.assert_array_equal(array[part], trace[number][rank][part])
            np.testing.assert_array_equal(array, trace[number][rank])


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_other_operations(size):
    check_others((spawn if size == 2 else in_threads)(programs.others, size))


def check_others(results):
    size = len(results)
    for rank, found in enumerate(results):
        for root in range(size):
            np.testing.assert_array_equal(found["broadcast"][root], np.arange(5.0) + 10 * root)
        for other, array in enumerate(found["all_gather"]):
            assert array.shape == (other, 2)
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, np.full((other, 2), -1 if other == rank else other))
        if size > 1:
            np.testing.assert_array_equal(found["exchange"], np.full(90_000, (rank - 1) % size))
    assert results[0]["pairs"] == {source: source for source in range(1, size)}


@pytest.mark.parametrize(("size", "seed"), [(2, 0), (3, 1), (3, 2), (4, 3)])
def test_pauses_at_random_change_nothing(size, seed):
    results = in_threads(programs.in_slow_motion, size, seed)
    for number, length in enumerate((3, 6_000, 5, 1)):
        expected = ring_trace([numbers(rank, "float64", length) for rank in range(size)])[-1][0]
        for sums, _ in results:
            np.testing.assert_array_equal(sums[number], expected)
    check_others([found for _, found in results])


def test_a_barrier_waits_for_the_last():
    results = in_threads(programs.meet, 3, 0.3)
    assert max(before for before, _ in results) <= min(after for _, after in results)


def test_a_duplicate_is_for_another_thread():
    assert in_threads(programs.two_at_once, 3) == [{1: [3, 3, 3], 10: [30] * 4}] * 3


@pytest.mark.parametrize(("size", "program", "args", "error", "text"), [
    (1, programs.third, (), ArgumentError, "duplicate: there are mailboxes for 2 communicators only, and this is the last"),
    (2, programs.differ, ((4, "f4"), (6, "f4")), CommunicationError,
     "all_reduce: rank 1 sent 12 bytes of float32, and rank 0 expects 8 of float32: all ranks must make the same calls in the same order"),
    (2, programs.differ, ((4, "f4"), (4, "i4")), CommunicationError, "all_reduce: rank 1 sent 8 bytes of int32, and rank 0 expects 8 of float32"),
    (2, programs.return_early, (), CommunicationError, "all_reduce: rank 0 waits for rank 1, which has returned: all ranks must make the same calls"),
    (1, programs.call, ("all_reduce", np.zeros((4, 4)).T[:2]), ArgumentError, "all_reduce: the array must be one of NumPy, and contiguous"),
    (1, programs.call, ("all_reduce", [1, 2]), ArgumentError, "all_reduce: the array must be one of NumPy, and contiguous"),
    (1, programs.call, ("all_gather", np.zeros((4, 4)).T[:2]), ArgumentError, "all_gather: the array must be one of NumPy, and contiguous"),
    (1, programs.call, ("all_gather", [1, 2]), ArgumentError, "all_gather: the array must be one of NumPy, and contiguous"),
    (1, programs.call, ("all_reduce", np.zeros(2, bool)), DtypeError, "all_reduce: an array of numbers is needed, not of bool"),
    (1, programs.call, ("broadcast", np.zeros(2), 1), ArgumentError, "broadcast: root must be a rank from 0 to 0, not 1"),
    (1, programs.call, ("send", np.zeros(2), 0), ArgumentError, "send: to must be the rank of another process, from 0 to 0 and not 0, not 0"),
    (1, programs.call, ("receive", np.zeros(2), -1), ArgumentError, "receive: source must be the rank of another process"),
    (1, programs.call, ("exchange", np.zeros(2), 7, 7), ArgumentError, "exchange: to must be the rank of another process"),
])  # fmt: skip
def test_messages(size, program, args, error, text):
    with pytest.raises(error) as caught:
        in_threads(program, size, *args)
    assert text in str(caught.value)
