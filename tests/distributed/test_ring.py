"""The ring all-reduce, played in one process: its timetable, its sums, its picture."""

import math

import numpy as np
import pytest

from minicnn.distributed import ring_picture, ring_steps, ring_trace
from minicnn.distributed.ring import chunks
from minicnn.errors import ArgumentError, ShapeError
from tests.distributed.ring_programs import LENGTHS, TYPES, numbers

SIZES = (1, 2, 3, 4, 5, 8)


@pytest.mark.parametrize("size", SIZES)
def test_chunks_cover_the_array_and_differ_by_one_at_most(size):
    for length in range(30):
        parts = chunks(length, size)
        lengths = [part.stop - part.start for part in parts]
        assert [i for part in parts for i in range(part.start, part.stop)] == list(range(length))
        assert len(parts) == size
        assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("size", SIZES)
def test_in_each_step_everyone_sends_one_chunk_and_receives_what_the_left_one_sends(size):
    steps = ring_steps(size)
    assert len(steps) == 2 * (size - 1) * size
    for number in range(2 * (size - 1)):
        of_ranks = [step for step in steps if step.step == number]
        assert [step.rank for step in of_ranks] == list(range(size))
        assert [step.receives for step in of_ranks] == [of_ranks[rank - 1].sends for rank in range(size)]
        assert sorted(step.sends for step in of_ranks) == list(range(size))  # no two send the same chunk
        assert all(step.adds == (number < size - 1) for step in of_ranks)


@pytest.mark.parametrize("size", SIZES)
def test_each_chunk_passes_each_link_once_in_each_half(size):
    """So a rank sends 2 (size - 1) / size of the array."""
    for rank in range(size):
        for adds in (True, False):
            sent = [step.sends for step in ring_steps(size) if step.rank == rank and step.adds == adds]
            assert len(set(sent)) == len(sent) == size - 1


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", SIZES)
def test_the_trace_ends_with_the_sum_everywhere(size, dtype):
    for length in LENGTHS[:-1]:
        arrays = [numbers(rank, dtype, length) for rank in range(size)]
        *_, last = ring_trace(arrays)
        assert all(array.tobytes() == last[0].tobytes() for array in last)
        if dtype.startswith("int"):
            np.testing.assert_array_equal(last[0], np.sum(arrays, axis=0))
        else:
            exact = [math.fsum(float(array[i]) for array in arrays) for i in range(length)]
            bound = size * np.finfo(dtype).eps * np.abs(arrays).sum(axis=0)
            assert (np.abs(last[0] - exact) <= bound).all()


def test_the_trace_leaves_the_arrays_as_they_are():
    arrays = [np.array([1, 2, 3]), np.array([4, 5, 6])]
    ring_trace(arrays)
    assert [array.tolist() for array in arrays] == [[1, 2, 3], [4, 5, 6]]


def test_after_the_first_half_each_rank_has_one_chunk_that_is_done():
    size = 5
    half = ring_trace([np.full(size, 10**rank) for rank in range(size)])[size - 1]
    assert [[i for i in range(size) if held[i] == 11111] for held in half] == [[(rank + 1) % size] for rank in range(size)]


def test_the_picture_of_two():
    assert ring_picture(2).splitlines() == [
        "         rank 0     rank 1",
        "         0    1     0    1",
        "start    a    a     b    b",
        "add      a  [ba]  [ab]   b",
        "copy   [ab]  ba    ab  [ba]",
    ]


def test_the_picture_of_one_is_its_start():
    assert ring_picture(1).splitlines()[2:] == ["start   a"]


@pytest.mark.parametrize("size", [4, 26])
def test_the_last_row_of_the_picture_has_every_letter_in_every_chunk(size):
    *_, last = ring_picture(size).splitlines()
    sums = last.replace("[", " ").replace("]", " ").split()[1:]
    assert len(sums) == size * size
    assert {"".join(sorted(text)) for text in sums} == {"abcdefghijklmnopqrstuvwxyz"[:size]}
    assert sums[:size] * size == sums  # the same order of adding on each rank


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda: ring_steps(0), ArgumentError, "ring_steps: size must be an integer >= 1, not 0"),
    (lambda: ring_picture(27), ArgumentError, "ring_picture: size must be an integer from 1 to 26, not 27"),
    (lambda: ring_trace([]), ArgumentError, "ring_trace: give the array of at least one rank"),
    (lambda: ring_trace([np.zeros(2), np.zeros(3)]), ShapeError, r"ring_trace: the ranks' arrays must have one axis and one length, not [(2,), (3,)]"),
    (lambda: ring_trace([np.zeros((2, 2))]), ShapeError, "must have one axis and one length, not [(2, 2)]"),
])  # fmt: skip
def test_messages(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)
