"""For the memory check: copies of a kernel's arrays that lie far apart, so that whoever misses one does not hit another."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minicnn.kernels.cuda.simulator.arguments import Parameter

ALIGNMENT = 512  # of memory that CuPy allocates
GAP = 1 << 16
RECORD = np.dtype(  # struct Array of memory_check.h
    [("begin", "u8"), ("bytes", "u8"), ("element", "u8"), ("argument", "i4"), ("writable", "i4"), ("read", "u8"), ("written", "u8"), ("atomic", "u8")]
)


class Traffic(NamedTuple):
    """Bytes of an array in global memory that the threads of a launch have read and written, each as often as it was; and changed atomically, which counts as both, too."""

    read: int = 0
    written: int = 0
    atomic: int = 0


class Guarded:
    """The arrays among the arguments of one launch, as copies. Arrays that share memory share it in the copies, too.

    Attributes:
        gap: bytes before and behind each copy that belong to nobody.
        records: of each array, what the simulator wants to know of its copy, and counts.
        addresses: there are numbers of 64 bits in an array or a structure, which may be addresses of other memory: that cannot be copied, nor checked.
    """

    def __init__(self, parameters: Sequence[Parameter], args: Sequence[Any]) -> None:
        self.arrays = [(p.number, a) for p, a in zip(parameters, args, strict=True) if p.pointer and a is not None]
        self.addresses = any(_has_addresses(a.dtype) for a in args if isinstance(a, (np.ndarray, np.void)))
        self.pieces = _pieces([array for _, array in self.arrays])
        self.gap = max([GAP, *(end - begin for begin, end, _ in self.pieces)])
        sizes = [-(-(end - begin + 2 * ALIGNMENT + self.gap) // ALIGNMENT) * ALIGNMENT for begin, end, _ in self.pieces]
        self.memory = np.empty(sum(sizes) + self.gap + ALIGNMENT, np.uint8)
        start = -(-(self.memory.ctypes.data + self.gap) // ALIGNMENT) * ALIGNMENT
        self.places = [start + sum(sizes[:i]) + offset for i, (_, _, offset) in enumerate(self.pieces)]
        for (begin, end, _), place in zip(self.pieces, self.places, strict=True):
            _bytes(place, end - begin)[:] = _bytes(begin, end - begin)
        self.records = np.array([self._record(number, array) for number, array in self.arrays], RECORD)

    def moved(self, address: int) -> int:
        """Where the copy of what lies at that address is."""
        for (begin, end, _), place in zip(self.pieces, self.places, strict=True):
            if begin <= address < end:
                return place + address - begin
        return 0  # of an array without elements

    def _record(self, number: int, array: Any) -> tuple[int, ...]:
        begin, end = np.lib.array_utils.byte_bounds(array)
        return self.moved(begin), end - begin if array.size else 0, array.itemsize, number, array.flags.writeable, 0, 0, 0

    def traffic(self, arguments: int) -> list[Traffic]:
        """Of each argument; nothing for those that are no arrays."""
        counted = {int(record["argument"]): Traffic(*(int(record[field]) for field in Traffic._fields)) for record in self.records}
        return [counted.get(number, Traffic()) for number in range(arguments)]

    def bring_back(self) -> None:
        """What the kernel has written, into the arrays themselves."""
        for (begin, end, _), place in zip(self.pieces, self.places, strict=True):
            if any(a.flags.writeable and begin <= a.ctypes.data < end for _, a in self.arrays):
                _bytes(begin, end - begin)[:] = _bytes(place, end - begin)


def _pieces(arrays: Sequence[Any]) -> list[tuple[int, int, int]]:
    """Begin and end of the memory of the arrays, those that overlap as one; and what a GPU's alignment would leave over."""
    pieces: list[tuple[int, int, int]] = []
    for begin, end, offset in sorted((*np.lib.array_utils.byte_bounds(a), _offset(a)) for a in arrays if a.size):
        if pieces and begin < pieces[-1][1]:
            pieces[-1] = pieces[-1][0], max(end, pieces[-1][1]), pieces[-1][2]
        else:
            pieces.append((begin, end, offset))
    return pieces


def _offset(array: Any) -> int:
    """How far the array begins behind a multiple of 512 bytes, if the array that it is a view of began at one, as CuPy's do."""
    whole = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    return (np.lib.array_utils.byte_bounds(array)[0] - whole.ctypes.data) % ALIGNMENT


def _has_addresses(dtype: np.dtype[Any]) -> bool:
    if dtype.fields:
        return any(_has_addresses(field[0]) for field in dtype.fields.values())
    return dtype.base == np.uint64


def _bytes(address: int, count: int) -> Any:
    """Memory as an array of bytes."""
    return np.asarray(_Memory(address, count))


class _Memory:
    """In the form in which NumPy takes memory from others. (Of ctypes' functions for this, Python tells audit hooks, and those of a sandbox may object.)"""

    def __init__(self, address: int, count: int) -> None:
        self.__array_interface__ = {"version": 3, "typestr": "|u1", "shape": (count,), "data": (address, False)}
