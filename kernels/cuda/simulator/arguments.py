"""The arguments of a kernel: checked against its parameters, and packed as it expects them."""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.errors import SimulatorError

NAMES = {("f", 4): "float", ("f", 8): "double", ("i", 4): "int", ("u", 4): "unsigned", ("i", 8): "long long", ("u", 8): "unsigned long long"}
CODES = {("f", 4): "f", ("f", 8): "d", ("i", 1): "b", ("i", 2): "h", ("i", 4): "i", ("i", 8): "q", ("u", 1): "B", ("u", 2): "H", ("u", 4): "I", ("u", 8): "Q"}
KINDS = {"i": "i", "u": "u", "b": "u", "f": "f"}  # of NumPy's types


class Parameter:
    """One parameter of a kernel: a pointer, a number, or a structure given by its value."""

    def __init__(self, kernel: str, number: int, line: str) -> None:
        pointer, kind, size, self.declaration = line.split(" ", 3)
        self.kernel, self.number, self.pointer, self.kind, self.size = kernel, number, pointer == "*", kind, int(size)
        self.accepted: set[Any] = set()  # types, of arrays element types, that have passed the checks before
        self.as_bytes = not self.pointer and (kind, self.size) not in CODES
        code = "P" if self.pointer else CODES.get((kind, self.size), f"{size}s")
        self.code = f"{code}{-struct.calcsize(code) % 16}x"  # the next one starts at a multiple of 16 bytes

    def value(self, given: Any) -> Any:
        """What `struct` packs for it.

        Raises:
            SimulatorError: it is not what the kernel declares.
        """
        if self.pointer:
            return self._address(given)
        if type(given) not in self.accepted:
            given = self._number(given)
        return given.tobytes() if self.as_bytes else given

    def _address(self, given: Any) -> int:
        if given is None:
            return 0
        if not isinstance(given, np.ndarray):
            raise self._refused(given, "needs an array or None")
        if given.dtype not in self.accepted:
            if not self._fits(given.dtype):
                raise self._refused(given, "would read its memory as another type")
            self.accepted.add(given.dtype)
        return int(given.__array_interface__["data"][0])

    def _fits(self, dtype: np.dtype[Any]) -> bool:
        """Whether memory of that type makes sense to a kernel that declares this one. Bytes fit all, and packs of several numbers."""
        if self.kind == "v" or self.size == 1 or dtype.names:
            return True
        if self.kind == "s":
            return self.size >= dtype.itemsize
        return self.size == dtype.itemsize and (self.size == 2 or (self.kind == "f") == (dtype.kind == "f"))

    def _number(self, given: Any) -> Any:
        """One number or structure, whose type is checked. A Python number has the type that CuPy gives it."""
        if not isinstance(given, (bool, int, float, np.ndarray, np.generic)):
            raise self._refused(given, "needs a number")
        value = np.asarray(given)
        if value.size != 1:
            raise self._refused(given, "needs one number")
        if value.dtype.itemsize != self.size or (self.kind != "s" and KINDS.get(value.dtype.kind) != self.kind):
            raise self._refused(given, self._rule(given))
        if not isinstance(given, np.ndarray):
            self.accepted.add(type(given))
        return value if self.as_bytes else value.item()

    def _rule(self, given: Any) -> str:
        """Why a Python number arrives as another type than a reader of Python would expect, and what to write instead."""
        wanted = {("i", 4): "np.int32", ("u", 4): "np.uint32", ("f", 4): "np.float32", ("i", 8): "np.int64", ("u", 8): "np.uint64", ("f", 8): "float"}
        cast = wanted.get((self.kind, self.size))
        advice = f": give {cast}({given})" if cast and np.size(given) == 1 else ""
        if type(given) is int:
            return f"would read it as another type; CuPy hands a Python int over as int64{advice}"
        if type(given) is float:
            return f"would read it as another type; CuPy hands a Python float over as float64{advice}"
        return f"would read it as another type{advice}"

    def _refused(self, given: Any, reason: str) -> SimulatorError:
        return SimulatorError(f"{self.kernel}: argument {self.number + 1} is {_described(given)}, but the kernel declares `{self.declaration}` and {reason}")


def parameters_of(kernel: str, signature: str) -> list[Parameter]:
    """The parameters of a kernel, from a line for each."""
    return [Parameter(kernel, number, line) for number, line in enumerate(signature.splitlines())]


def packer(parameters: Sequence[Parameter]) -> struct.Struct:
    """Packs the values of all parameters."""
    return struct.Struct("@" + "".join(p.code for p in parameters))


def values_of(kernel: str, parameters: Sequence[Parameter], args: Sequence[Any]) -> list[Any]:
    """The arguments of one launch, as `struct` packs them.

    Raises:
        SimulatorError: there are too many or too few, or one is not what the kernel declares.
    """
    if len(args) != len(parameters):
        declared = ", ".join(p.declaration for p in parameters)
        raise SimulatorError(f"{kernel} takes {len(parameters)} arguments ({declared}), and {len(args)} {'was' if len(args) == 1 else 'were'} given")
    return [parameter.value(given) for parameter, given in zip(parameters, args, strict=True)]


def _described(given: Any) -> str:
    if isinstance(given, np.ndarray):
        return f"an array of {given.dtype} {given.shape}"
    if isinstance(given, np.generic):
        return f"an {given.dtype}" if given.dtype.name.startswith("int") else f"a {given.dtype}"
    return {type(None): "None", int: f"a Python int ({given})", float: f"a Python float ({given})"}.get(type(given), f"of type {type(given).__name__}")
