"""NumPy's arrays in pickles, as CIFAR's files hold them, without running what NumPy would run.

An array is pickled as a call that makes an empty one, `_reconstruct(ndarray, (0,), b"b")`, and a state: version, shape, element type, whether columns come first, and
the bytes. An element type is a call `dtype("u1", 0, 1)` and a state with the byte order.
"""

import math
from typing import Any

import numpy as np

from minicnn.errors import CheckpointError
from minicnn.io.file import FileBytes
from minicnn.io.unpickler import Allowed, Pending, printable, unpickle
from minicnn.kernels.types import Array

LARGEST = 2**40  # size of an axis
TYPES = ("u1", "i1", "i2", "i4", "i8", "f4", "f8")


class PickledType(Pending):
    """An element type: a number of a few bytes."""

    def __init__(self, code: Any, *_: Any) -> None:
        if code not in TYPES:
            raise CheckpointError(f"has an array of elements {printable(str(code))}, which are no numbers: refused")
        self.dtype = np.dtype(str(code))

    def complete(self, state: Any) -> None:
        """Byte order is the second entry: < or > or, for a single byte, |."""
        if not (isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "|")):
            raise CheckpointError("is damaged: the state of an element type makes no sense")
        self.dtype = self.dtype.newbyteorder(state[1])


class PickledArray(Pending):
    """An array; `array` once its state has come."""

    def __init__(self, *_: Any) -> None:
        self.array: Array | None = None

    def complete(self, state: Any) -> None:
        """Version, shape, element type, columns first?, bytes."""
        match state:
            case (int(), tuple(shape), PickledType(dtype=dtype), fortran, str() | bytes() as text) if all(type(n) is int and n >= 0 for n in shape):
                data = _encoded(text, "latin1") if isinstance(text, str) else text  # a text of Python 2: bytes
                if len(shape) > 8 or max(shape, default=0) > LARGEST or len(data) != math.prod(shape) * dtype.itemsize:
                    raise CheckpointError(f"is damaged: an array of shape {shape} has {len(data):,} bytes")
                self.array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C").astype(dtype.newbyteorder("="))
            case _:
                raise CheckpointError("is damaged: the state of an array makes no sense")


def _encoded(text: Any, encoding: Any) -> bytes:
    """Bytes, as Python 3 writes them for Python 2 to read."""
    if not (isinstance(text, str) and encoding == "latin1"):
        raise CheckpointError("is damaged: bytes are written in no known way")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise CheckpointError("is damaged: bytes are written in no known way") from None


NDARRAY = object()  # what stands for the class
NAMES = {
    **{(module, "_reconstruct"): Allowed(PickledArray) for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    ("numpy", "ndarray"): NDARRAY,
    ("numpy", "dtype"): Allowed(PickledType),
    ("_codecs", "encode"): Allowed(_encoded),
    ("__builtin__", "bytes"): Allowed(lambda: b""),
}


def unpickle_arrays(file: FileBytes) -> dict[str, Any]:
    """The dict that a pickle describes; its arrays are NumPy's.

    Raises:
        CheckpointError: it is no dict, damaged, or asks for anything that arrays, numbers, texts and lists do not need.

    Example:
        >>> import io, pickle
        >>> unpickle_arrays(FileBytes(io.BytesIO(pickle.dumps({"data": np.arange(3, dtype="u1"), "labels": [7]}))))
        {'data': array([0, 1, 2], dtype=uint8), 'labels': [7]}
    """
    found = unpickle(file, NAMES, _refer)
    if not isinstance(found, dict):
        raise CheckpointError("is a pickle, but not of a dict")
    for value in found.values():
        if isinstance(value, PickledArray) and value.array is None:
            raise CheckpointError("is damaged: an array has no values")
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else (value,)
        if any(isinstance(v, Pending) and not (v is value and isinstance(v, PickledArray)) for v in inner):
            raise CheckpointError("holds an array inside of a list or a dict: refused")
    return {key: value.array if isinstance(value, PickledArray) else value for key, value in found.items()}


def _refer(_: Any) -> Any:
    raise CheckpointError("refers to objects outside of the file: refused")
