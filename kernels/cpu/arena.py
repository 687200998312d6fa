"""Large arrays without the cost of new memory.

The operating system hands out memory page by page, at the first touch of each, and clears it before: an array of 50 MB costs as much time to be
touched as to be filled. The C library gives large pieces back as soon as they are freed, so that a training step would pay for the same
memory again and again. So large arrays are cut from slabs that stay: the piece of an array that nobody sees any more is joined with the free pieces
beside it, and used for the next one that fits.

Nothing is visible from outside: `empty` and `zeros` are NumPy's, but that arrays begin with a cache line. A slab without arrays is given
back when the slabs together are more than SLACK times as large as what was ever in use at once; `release` gives back all that can be.
"""

import math
import os
import threading
import weakref
from bisect import insort
from collections import deque
from typing import Any

import numpy as np

from minicnn.kernels.types import Array

SMALL = 1 << 14  # bytes; where an array begins is not worth a thought
LARGE = 1 << 19  # NumPy and the C library are good at what is smaller
SLAB = 1 << 26
LINE = 64  # bytes of a cache line
PAGE = 1 << 12  # pieces of a slab begin at multiples of it
SLACK = 1.25


def _aligned(size: int, boundary: int) -> Array:
    """New memory that begins at a multiple of `boundary`. A vector that straddles two cache lines is stored in two steps: every other one would."""
    raw = np.empty(size + boundary, np.uint8)
    first = -raw.__array_interface__["data"][0] % boundary
    return raw[first : first + size]


class _Slab:
    """A piece of memory, of which some intervals are free."""

    def __init__(self, size: int) -> None:
        self.memory: Any = _aligned(size, PAGE)
        self.free = [(0, size)]

    def give_back(self, start: int, stop: int) -> None:
        """Enter a free interval, joined with its neighbours."""
        insort(self.free, (start, stop))
        joined = [self.free[0]]
        for begin, end in self.free[1:]:
            if begin == joined[-1][1]:
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((begin, end))
        self.free = joined

    @property
    def is_empty(self) -> bool:
        return self.free == [(0, self.memory.size)]


_slabs: list[_Slab] = []
_returned: deque[tuple[_Slab, int, int]] = deque()  # by finalizers: they run anywhere, even while somebody holds the lock
_lock = threading.Lock()
_in_use = _peak = 0  # bytes


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """A new array of whatever was in its memory, as `np.empty`.

    >>> empty((2, 3), np.float32).shape
    (2, 3)
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < SMALL:
        return np.empty(shape, dtype)
    if size < LARGE:
        return _aligned(size, LINE).view(dtype).reshape(shape)
    slab, start, stop = _take(-(-size // PAGE) * PAGE)
    # Views of an array keep alive what it looks at. NumPy follows arrays down to the first one, so a memoryview stands in between.
    owner = np.frombuffer(memoryview(slab.memory), np.uint8, size, start)
    weakref.finalize(owner, _returned.append, (slab, start, stop)).atexit = False
    return owner.view(dtype).reshape(shape)


def zeros(shape: tuple[int, ...], dtype: Any) -> Array:
    """A new array of zeros."""
    array = empty(shape, dtype)
    array.fill(0)
    return array


def empty_like(x: Array) -> Array:
    """A new array of the same shape and type, and in the same order in memory if x has no gaps."""
    if x.flags.c_contiguous:
        return empty(x.shape, x.dtype)
    axes = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    return empty(tuple(x.shape[axis] for axis in axes), x.dtype).transpose(np.argsort(axes))


def release() -> None:
    """Give back the memory of all slabs that hold no array."""
    global _peak  # noqa: PLW0603 - one arena for the process
    with _lock:
        _collect()
        _slabs[:] = [slab for slab in _slabs if not slab.is_empty]
        _peak = _in_use


def held() -> int:
    """Bytes of all slabs."""
    return sum(slab.memory.size for slab in _slabs)


def _take(size: int) -> tuple[_Slab, int, int]:
    """The smallest free interval of at least `size` bytes, or the beginning of a new slab."""
    global _in_use, _peak  # noqa: PLW0603 - one arena for the process
    with _lock:
        _collect()
        fitting = [(b - a, i, k) for i, slab in enumerate(_slabs) for k, (a, b) in enumerate(slab.free) if b - a >= size]
        if not fitting:
            _trim(size, max(_peak, _in_use + size))
            _slabs.append(_new_slab(max(size, SLAB)))
            fitting = [(0, len(_slabs) - 1, 0)]
        _in_use += size
        _peak = max(_peak, _in_use)
        _, i, k = min(fitting)
        slab = _slabs[i]
        start, stop = slab.free.pop(k)
        if stop > start + size:
            slab.free.insert(k, (start + size, stop))
        return slab, start, start + size


def _trim(size: int, peak: int) -> None:
    """Drop slabs without arrays, the oldest first, where another one would be more than what SLACK allows."""
    for slab in list(_slabs):
        if held() + size > SLACK * peak and slab.is_empty:
            _slabs.remove(slab)


def _new_slab(size: int) -> _Slab:
    """A slab; if there is not enough memory, once more without those that are empty."""
    try:
        return _Slab(size)
    except MemoryError:
        _slabs[:] = [slab for slab in _slabs if not slab.is_empty]
        return _Slab(size)


def _collect() -> None:
    """Enter what finalizers gave back."""
    global _in_use  # noqa: PLW0603 - one arena for the process
    while _returned:
        slab, start, stop = _returned.popleft()
        _in_use -= stop - start
        slab.give_back(start, stop)


def _forget_lock() -> None:
    global _lock  # noqa: PLW0603 - a forked child must not wait for a thread that only its parent has
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)
