"""The sum over all ranks, computed round a ring.

The ranks stand in a circle, and each sends to its right neighbour only. The array is cut into as many chunks as there are ranks.

    reduce-scatter   size - 1 steps: each rank passes a chunk on to the right and adds the chunk that comes from the left to its own.
                     Then every rank has one chunk that is the sum over all ranks, each another one.
    all-gather       size - 1 steps: the finished chunks travel round, and overwrite what they meet.

In each of the 2 (size - 1) steps every rank sends 1/size of the array: together 2 (size - 1)/size of it, less than twice the array however many ranks
there are. No scheme sends less (Patarasuk & Yuan 2009, sec. 3), and all links work all the time. A chunk is added up once, in one order, and copied from
there, so that all ranks hold the same bits.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from minicnn import checks
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array

LETTERS = "abcdefghijklmnopqrstuvwxyz"

Swap = Callable[[Array, Array, int, int], None]  # (what is sent, where to put what comes, to, source)


class RingStep(NamedTuple):
    """What one rank does in one step.

    Attributes:
        step: its number, 0 .. 2 (size - 1) - 1.
        rank: who does it, from 0 to size - 1.
        sends: number of the chunk that goes to the right, from 0.
        receives: number of the chunk that comes from the left, from 0.
        adds: the chunk is added to the rank's own one (reduce-scatter); otherwise it overwrites it (all-gather).
    """

    step: int
    rank: int
    sends: int
    receives: int
    adds: bool


def ring_steps(size: int) -> list[RingStep]:
    """Who sends which chunk when: the whole timetable of a ring all-reduce, step by step and rank by rank.

    Args:
        size: number of ranks.

    Returns:
        2 (size - 1) size entries; none for a single rank.

    Raises:
        ArgumentError: `size` is no integer above 0.

    Source:
        Patarasuk & Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations", sec. 4; used for gradients by
        Sergeev & Del Balso 2018, "Horovod: fast and easy distributed deep learning in TensorFlow" (arXiv:1802.05799), sec. 3.

    Example:
        >>> for step in ring_steps(2):
        ...     print(*step)
        0 0 0 1 True
        0 1 1 0 True
        1 0 1 0 False
        1 1 0 1 False
    """
    size = checks.integer(size, "ring_steps: size")
    return [_step(number, rank, size) for number in range(2 * (size - 1)) for rank in range(size)]


def _step(number: int, rank: int, size: int) -> RingStep:
    """A rank begins with the chunk of its own number; what it has received in one step, it sends in the next."""
    sends = (rank - number) % size
    return RingStep(number, rank, sends, (sends - 1) % size, adds=number < size - 1)


def chunks(length: int, size: int) -> list[slice]:
    """The `size` stretches of an array of `length` numbers, as equal as can be. Those of a short array may be empty.

    >>> chunks(7, 3)
    [slice(0, 3, None), slice(3, 5, None), slice(5, 7, None)]
    """
    small, larger = divmod(length, size)
    starts = [i * small + min(i, larger) for i in range(size + 1)]
    return [slice(a, b) for a, b in pairwise(starts)]


def ring_all_reduce(array: Array, rank: int, size: int, swap: Swap, after_step: Callable[[RingStep, Array], None] | None = None) -> None:
    """One rank's part in the all-reduce.

    Args:
        array: one axis; becomes the sum over all ranks.
        rank: whose part.
        size: number of ranks.
        swap: `swap(sent, into, to, source)` sends one array to a rank and receives another from a rank, at once.
        after_step: is told each step that has been made, and shown the array.
    """
    parts = chunks(len(array), size)
    for number in range(2 * (size - 1)):
        step = _step(number, rank, size)
        mine = array[parts[step.receives]]
        received = np.empty_like(mine)
        swap(array[parts[step.sends]], received, (rank + 1) % size, (rank - 1) % size)
        _merge(mine, received, step)
        if after_step is not None:
            after_step(step, array)


def _merge(mine: Array, received: Array, step: RingStep) -> None:
    mine[...] = received + mine if step.adds else received


def ring_trace(arrays: Sequence[Array]) -> list[list[Array]]:
    """What each rank holds at the start and after each step, played in one process.

    Args:
        arrays: of each rank; one axis, all of one length and element type.

    Returns:
        1 + 2 (size - 1) lists of an array for each rank.

    Raises:
        ArgumentError: there is no array.
        ShapeError: an array has not one axis, or they differ in length.

    Source:
        As for `ring_steps`.

    Example:
        >>> for held in ring_trace([np.array([1, 2]), np.array([10, 20])]):
        ...     print([array.tolist() for array in held])
        [[1, 2], [10, 20]]
        [[1, 22], [11, 20]]
        [[11, 22], [11, 22]]
    """
    if not arrays:
        raise ArgumentError("ring_trace: give the array of at least one rank")
    if arrays[0].ndim != 1 or any(array.shape != arrays[0].shape for array in arrays):
        raise ShapeError(f"ring_trace: the ranks' arrays must have one axis and one length, not {[array.shape for array in arrays]}")
    return _play(arrays)


def _play(arrays: Sequence[Array]) -> list[list[Array]]:
    size = len(arrays)
    parts = chunks(len(arrays[0]), size)
    trace = [[array.copy() for array in arrays]]
    for number in range(2 * (size - 1)):
        before, after = trace[-1], [array.copy() for array in trace[-1]]
        for rank in range(size):
            step = _step(number, rank, size)
            part = parts[step.receives]
            _merge(after[rank][part], before[rank - 1][part], step)
        trace.append(after)
    return trace


def ring_picture(size: int) -> str:
    """The steps as a table: for each rank and chunk, whose numbers have been added up there, in their order.

    The numbers that rank 0 began with are called a, those of rank 1 b, and so on. What has just come from the left is in brackets.

    Args:
        size: number of ranks, up to 26.

    Raises:
        ArgumentError: `size` is no integer from 1 to 26.

    Source:
        As for `ring_steps`.

    Example:
        >>> print(ring_picture(3))
                     rank 0             rank 1             rank 2
                  0     1     2      0     1     2      0     1     2
        start     a     a     a      b     b     b      c     c     c
        add       a     a   [ca]   [ab]    b     b      c   [bc]    c
        add       a  [bca]   ca     ab     b  [cab]  [abc]   bc     c
        copy   [abc]  bca    ca     ab  [bca]  cab    abc    bc  [cab]
        copy    abc   bca  [cab]  [abc]  bca   cab    abc  [bca]  cab
    """
    if checks.integer(size, "ring_picture: size") > len(LETTERS):
        raise ArgumentError(f"ring_picture: size must be an integer from 1 to {len(LETTERS)}, not {size}")
    trace = _play([np.array([letter] * size, object) for letter in LETTERS[:size]])
    width = size + 2
    ranks = [f"rank {rank}".center((width + 1) * size - 1) for rank in range(size)]
    numbers = [" ".join(f"{chunk} ".rjust(width) for chunk in range(size))] * size
    lines = ["  ".join(["     ", *ranks]), "  ".join(["     ", *numbers]), "  ".join(["start", *_cells(trace[0], None, width)])]
    for number, held in enumerate(trace[1:]):
        steps = [_step(number, rank, size) for rank in range(size)]
        lines.append("  ".join(["add  " if steps[0].adds else "copy ", *_cells(held, steps, width)]))
    return "\n".join(line.rstrip() for line in lines)


def _cells(held: list[Array], steps: list[RingStep] | None, width: int) -> list[str]:
    """A text for each rank, with what has just come in brackets."""
    new = [step.receives for step in steps] if steps else [-1] * len(held)
    return [
        " ".join((f"[{text}]" if chunk == new[rank] else f"{text} ").rjust(width) for chunk, text in enumerate(array))
        for rank, array in enumerate(held)
    ]
