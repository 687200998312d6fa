"""Tensors as PyTorch writes them: a window (offset, size, strides) on a storage, which is a row of numbers of one type."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from minicnn.errors import CheckpointError
from minicnn.io.unpickler import LONGEST, REMEDY, Allowed, Foreign, Names, is_key
from minicnn.kernels.types import Array

MOST_AXES, MOST = 32, 2**48  # axes and numbers of a tensor

ByteOrder: TypeAlias = Literal["<", ">"]
"""Which end of a number comes first in the file: the little one, or the big one."""


@dataclass(frozen=True)
class Elements:
    """How the numbers of a storage are written. `bfloat16` is the upper half of a float32, and not among NumPy's types."""

    dtype: np.dtype[Any]
    bfloat16: bool = False


@dataclass(frozen=True)
class Storage:
    """A row of `count` numbers, which lies in the file under `key`, from its number `first` on."""

    key: str
    elements: Elements
    count: int
    first: int = 0


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that has not been read yet. It lies inside its storage: that is checked when it is made."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def extent(self) -> int:
        """From the first number to the last, how many lie in the storage."""
        return 0 if 0 in self.size else 1 + sum((n - 1) * step for n, step in zip(self.size, self.strides, strict=True))

    @property
    def nbytes(self) -> int:
        """The most memory that reading it takes: for the stretch of the storage, or for the tensor."""
        return max(self.extent, math.prod(self.size)) * (4 if self.elements.bfloat16 else self.elements.dtype.itemsize)

    @property
    def elements(self) -> Elements:
        """How its numbers are written."""
        return self.storage.elements

    def array(self, stretch: bytes, byteorder: ByteOrder) -> Array:
        """The tensor, in an array of its own, out of `extent` numbers of its storage from `storage.first + offset` on."""
        numbers: Array = np.frombuffer(stretch, self.elements.dtype.newbyteorder(byteorder))
        if self.elements.bfloat16:
            numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
        elif numbers.dtype.kind == "b":
            numbers = numbers.view(np.uint8) != 0  # in a damaged file, a byte may be neither 0 nor 1
        steps = [step * numbers.itemsize for step in self.strides]
        window = np.lib.stride_tricks.as_strided(numbers, self.size, steps, writeable=False)
        return np.array(window, numbers.dtype.newbyteorder("="), order="C")


def _elements(**codes: str) -> dict[str, Elements]:
    return {name: Elements(np.dtype(code)) for name, code in codes.items()}


UNTYPED = Elements(np.dtype("u1"))
BFLOAT16 = Elements(np.dtype("u2"), bfloat16=True)
STORAGES = {
    **_elements(
        Double="f8", Float="f4", Half="f2", Long="i8", Int="i4", Short="i2", Char="i1", Byte="u1", Bool="?", ComplexDouble="c16", ComplexFloat="c8"
    ),
    "BFloat16": BFLOAT16,
}  # fmt: skip
DTYPES = {
    **_elements(
        float64="f8", float32="f4", float16="f2", int64="i8", int32="i4", int16="i2", int8="i1",
        uint8="u1", uint16="u2", uint32="u4", uint64="u8", bool="?", complex128="c16", complex64="c8",
    ),
    "bfloat16": BFLOAT16,
}  # fmt: skip


def storage(reference: Any) -> Storage:
    """What stands for a storage: `reference` is ('storage', type, key, where it was, count), and in old files the part of it.

    Raises:
        CheckpointError: it refers to something else, or to numbers of a type that NumPy does not have.
    """
    if not (isinstance(reference, tuple) and len(reference) in (5, 6) and reference[0] == "storage"):
        raise CheckpointError(f"refers to something that is no tensor: a whole network, perhaps; {REMEDY}")
    _, elements, key, _, count, *part = reference
    if not (isinstance(key, str) and len(key) <= LONGEST):
        raise CheckpointError("is damaged: it refers to numbers by a key that is no short text")
    whole = Storage(key, _known(elements), _count(count))
    if not part or part[0] is None:
        return whole
    if not (isinstance(part[0], tuple) and len(part[0]) == 3):
        raise CheckpointError("is damaged: it does not say which part of its numbers is meant")
    _, first, count = part[0]
    if _count(first) + _count(count) > whole.count:
        raise CheckpointError("is damaged: a part of its numbers goes beyond their end")
    return Storage(key, whole.elements, count, first)


def _rebuild_tensor(storage: Any, offset: Any, size: Any, strides: Any) -> StoredTensor:
    if not (isinstance(storage, Storage) and _is_shape(size) and _is_shape(strides) and len(size) == len(strides) <= MOST_AXES):
        raise CheckpointError("is damaged: a tensor in it has no storage, no size, or no strides")
    size, strides = tuple(map(_count, size)), tuple(map(_count, strides))
    steps = tuple(step if n > 1 and 0 not in size else 0 for n, step in zip(size, strides, strict=True))  # no step is ever made elsewhere
    tensor = StoredTensor(storage, _count(offset), size, steps)
    if tensor.offset + tensor.extent > storage.count or math.prod(n for n in size if n) >= MOST:
        raise CheckpointError("is damaged: a tensor in it goes beyond the end of its numbers")
    return tensor


def _rebuild_tensor_v2(
    storage: Any, offset: Any, size: Any, strides: Any, requires_grad: Any = None, hooks: Any = None, metadata: Any = None
) -> StoredTensor:
    del requires_grad, hooks
    _no_metadata(metadata)
    return _rebuild_tensor(storage, offset, size, strides)


def _no_metadata(metadata: Any) -> None:
    """With it, PyTorch marks a tensor whose numbers are to be taken negative, or conjugate."""
    if metadata:
        raise CheckpointError("holds a tensor that is stored with the opposite sign: save it with .resolve_conj().resolve_neg()")


def _rebuild_tensor_v3(
    storage: Any, offset: Any, size: Any, strides: Any, requires_grad: Any, hooks: Any, dtype: Any, metadata: Any = None
) -> StoredTensor:
    del requires_grad, hooks
    _no_metadata(metadata)
    elements = _known(dtype)
    if not (isinstance(storage, Storage) and storage.elements == UNTYPED and storage.first == 0):
        raise CheckpointError("is damaged: a tensor in it has no storage")
    return _rebuild_tensor(Storage(storage.key, elements, storage.count // elements.dtype.itemsize), offset, size, strides)


def _rebuild_parameter(tensor: Any, requires_grad: Any = None, hooks: Any = None) -> StoredTensor:
    del requires_grad, hooks
    if not isinstance(tensor, StoredTensor):
        raise CheckpointError("is damaged: a parameter in it is no tensor")
    return tensor


def _ordered_dict(pairs: Any = ()) -> dict[str, Any]:
    if not (isinstance(pairs, Sequence) and all(isinstance(pair, Sequence) and len(pair) == 2 for pair in pairs)):
        raise CheckpointError("is damaged: an OrderedDict in it is made of something else than pairs")
    return {key: value for key, value in pairs if is_key(key)}


def _size(sizes: Any = ()) -> tuple[Any, ...]:
    if not (_is_shape(sizes) and len(sizes) <= MOST_AXES):
        raise CheckpointError("is damaged: a size in it is none, or has too many axes")
    return tuple(sizes)


NAMES: Names = {
    ("collections", "OrderedDict"): Allowed(_ordered_dict),
    ("torch", "Size"): Allowed(_size),
    ("torch._utils", "_rebuild_tensor"): Allowed(_rebuild_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): Allowed(_rebuild_tensor_v2),
    ("torch._utils", "_rebuild_tensor_v3"): Allowed(_rebuild_tensor_v3),
    ("torch._utils", "_rebuild_parameter"): Allowed(_rebuild_parameter),
    ("torch.storage", "UntypedStorage"): UNTYPED,
    **{("torch", f"{name}Storage"): elements for name, elements in STORAGES.items()},
    **{("torch", name): elements for name, elements in DTYPES.items()},
}
"""All that a file of PyTorch may ask for, and what it gets: functions of this file, and descriptions."""


def _known(elements: Any) -> Elements:
    if isinstance(elements, Foreign):
        raise CheckpointError(f"holds numbers of the type {elements.name}, which NumPy does not have: convert them to float32 in PyTorch")
    if not isinstance(elements, Elements):
        raise CheckpointError("is damaged: it does not say of which type its numbers are")
    return elements


def _is_shape(sizes: Any) -> bool:
    return isinstance(sizes, (tuple, list))


def _count(number: Any) -> int:
    """A size, an offset or a stride. None of them is negative in a file that PyTorch has written."""
    if not (type(number) is int and 0 <= number < 2**62):
        raise CheckpointError("is damaged: a size, an offset or a stride in it is no count")
    return number
