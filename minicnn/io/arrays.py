"""Files that hold nothing but named arrays: .safetensors and .npz."""

import io
import json
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from minicnn.checks import is_16_bit
from minicnn.errors import CheckpointError
from minicnn.io.file import FileBytes
from minicnn.io.unpickler import printable
from minicnn.kernels.types import Array

# How safetensors calls NumPy's types. BF16 is the upper half of a float32.
TYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "BF16": "u2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
    "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
MOST_UNPACKED = 256_000_000, 20  # an archive may unpack to so many bytes, or to so many times its own size


def read_safetensors(file: FileBytes) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays of a .safetensors file, in the order in which they lie there, and its metadata.

    Raises:
        CheckpointError: the file is damaged or cut off, or holds numbers of a type that NumPy does not have.
    """
    from safetensors import SafetensorError, deserialize

    try:
        arrays = deserialize(file.at(0, file.size))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise CheckpointError(f"is damaged, or was cut off while it was copied ({printable(str(error))})") from None
    header = json.loads(file.at(8, int.from_bytes(file.at(0, 8), "little")))  # deserialize has found nothing wrong with it
    in_order = sorted(arrays, key=lambda array: header[array[0]]["data_offsets"])
    return {name: _array(name, stored) for name, stored in in_order}, header.get("__metadata__") or {}


def _array(name: str, stored: Mapping[str, Any]) -> Array:
    kind = stored["dtype"]
    if kind not in TYPES:
        raise CheckpointError(f"holds numbers of a type that NumPy does not have: {printable(name)} is {printable(str(kind))}")
    numbers: Array = np.frombuffer(bytearray(stored["data"]), np.dtype(TYPES[kind]).newbyteorder("<"))
    numbers = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
    if kind == "BF16":
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    try:
        return numbers.reshape(stored["shape"])
    except ValueError:  # more axes than NumPy has, or a size beyond all bounds beside one of 0
        raise CheckpointError(f"holds an array of a shape that NumPy does not have: {printable(name)} is {printable(str(stored['shape'])[:80])}") from None


def read_npz(archive: zipfile.ZipFile, size: int) -> dict[str, Array]:
    """The arrays of a .npz file of `size` bytes.

    Raises:
        CheckpointError: the file is damaged, holds something else than arrays of numbers, or would unpack to far more than itself.
    """
    total = sum(entry.file_size for entry in archive.infolist())
    if total > max(MOST_UNPACKED[0], MOST_UNPACKED[1] * size):
        raise CheckpointError(f"has {size:,} bytes, but says that it unpacks to {total:,}: refused")
    arrays: dict[str, Array] = {}
    for entry in archive.infolist():
        name = entry.filename.removesuffix(".npy")
        if name in arrays or name == entry.filename or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CheckpointError(f"is no .npz file of arrays: what is its entry {printable(entry.filename)}?")
        with archive.open(entry) as packed:
            arrays[name] = _npy(packed.read(entry.file_size), name)
    return arrays


def _npy(data: bytes, name: str) -> Array:
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(file)
    except Exception:  # noqa: BLE001 - a damaged header makes NumPy raise whatever its parser stumbles over
        raise CheckpointError(f"is damaged: the array {printable(name)} cannot be read") from None
    if dtype.kind not in "fiubc":
        raise CheckpointError(f"holds something else than numbers: {printable(name)} is {printable(str(dtype))}")
    if len(data) - file.tell() != math.prod(shape) * dtype.itemsize:
        raise CheckpointError(f"is damaged: the array {printable(name)} has more or fewer numbers than it says")
    numbers = np.frombuffer(data, dtype, offset=file.tell()).astype(dtype.newbyteorder("="))
    return numbers.reshape(shape, order="F" if fortran else "C")


def safetensors_bytes(arrays: Mapping[str, Array]) -> bytes:
    """A .safetensors file of these arrays."""
    from safetensors.numpy import save

    return save({name: np.asarray(array, order="C") for name, array in arrays.items()})


def npz_bytes(arrays: Mapping[str, Array]) -> bytes:
    """A .npz file of these arrays, without pickles. NumPy's files know no bfloat16: it becomes float32, which loses nothing."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, without_bfloat16(array), allow_pickle=False)
    return whole.getvalue()


def without_bfloat16(array: Array) -> Array:
    """The array; as float32, if it is bfloat16."""
    return array.astype(np.float32) if array.dtype.kind == "V" and is_16_bit(array.dtype) else array
