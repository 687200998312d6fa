"""The two forms of a file that `torch.save` writes, opened without PyTorch.

Since 1.6, a zip archive, in a folder of any name: `data.pkl`, a pickle of everything but the numbers; `data/KEY`, the numbers of each
storage; `byteorder`. Nothing in it is compressed, so the numbers are read where they lie.

Before, a row of pickles: a magic number, a version, sizes of types, the contents, the list of the storages' keys; then for each of them the
count in 8 bytes, and the numbers.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from minicnn.errors import CheckpointError
from minicnn.io.file import FileBytes
from minicnn.io.torch_tensor import NAMES, ByteOrder, Storage, StoredTensor, storage
from minicnn.io.unpickler import DamagedPickle, printable, unpickle
from minicnn.kernels.types import Array

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, OverflowError, ValueError, RuntimeError)

Reader = Callable[[StoredTensor], Array]
"""`read(tensor) -> array`"""


def open_zip(file: FileBytes, archive: zipfile.ZipFile) -> tuple[Any, Reader]:
    """The contents of a file of PyTorch 1.6 or newer, and what reads the tensors in them.

    Raises:
        CheckpointError: the archive is of another kind or damaged, or its pickle asks for what no weights need.
    """
    entries = _entries(archive)
    if any("/code/" in name or name.endswith("constants.pkl") for name in entries):
        raise CheckpointError("is a TorchScript archive, a program rather than weights: in PyTorch, save torch.jit.load(...).state_dict()")
    pickled, *others = (name for name in entries if name.rpartition("/")[2] == "data.pkl")
    if others:
        raise CheckpointError(f"is damaged: its archive has {len(others) + 1} entries called data.pkl")
    folder = pickled.removesuffix("data.pkl")
    order = _part(file, entries[f"{folder}byteorder"]).read(10) if f"{folder}byteorder" in entries else b"little"
    if order not in (b"little", b"big"):
        raise CheckpointError("is damaged: its byte order is neither little nor big")

    def where(part: Storage) -> int:
        entry = entries.get(f"{folder}data/{part.key}")
        if entry is None:
            raise CheckpointError(f"is damaged: the numbers {printable(part.key)} are missing")
        needed = (part.first + part.count) * part.elements.dtype.itemsize
        if entry.file_size < needed:
            raise CheckpointError(f"is damaged: {needed:,} bytes of numbers should be there, and are {entry.file_size:,}")
        return _start(file, entry)

    contents = unpickle(_part(file, entries[pickled]), NAMES, storage)
    return contents, _reader(file, where, "<" if order == b"little" else ">")


def open_legacy(file: FileBytes) -> tuple[Any, Reader]:
    """The contents of a file from before PyTorch 1.6, and what reads the tensors in them.

    Raises:
        CheckpointError: the file is of another kind, damaged or cut off, or its pickle asks for what no weights need.
    """
    try:
        magic = unpickle(file, NAMES, storage)
    except DamagedPickle:
        raise CheckpointError("is no file of weights: neither .safetensors, nor .npz, nor what torch.save writes; or it was cut off") from None
    if magic != MAGIC:
        raise CheckpointError("is a pickle, but none that torch.save has written: it is not known what its entries mean")
    if unpickle(file, NAMES, storage) != VERSION:
        raise CheckpointError(f"is a file of PyTorch of another version than {VERSION}: it is not known how to read it")
    unpickle(file, NAMES, storage)  # sizes of C's types where it was written; the numbers are little-endian everywhere
    sizes: dict[str, int] = {}

    def note(reference: Any) -> Storage:
        part = storage(reference)
        if sizes.setdefault(part.key, part.elements.dtype.itemsize) != part.elements.dtype.itemsize:
            raise CheckpointError("is damaged: the same numbers are of two types")
        return part

    contents = unpickle(file, NAMES, note)
    keys = unpickle(file, NAMES, storage)
    starts: dict[str, tuple[int, int]] = {}
    position = file.tell()
    for key in keys if isinstance(keys, list) else [None]:
        if not (isinstance(key, str) and key in sizes):
            raise CheckpointError("is damaged: its list of storages does not fit its contents")
        count = int.from_bytes(file.at(position, 8), "little")
        starts[key] = position + 8, count
        position += 8 + count * sizes[key]
    if position > file.size:
        raise CheckpointError(f"was cut off: it has {file.size:,} bytes, and should have {position:,}")

    def where(part: Storage) -> int:
        start, count = starts.get(part.key, (0, 0))
        if part.first + part.count > count:
            raise CheckpointError(f"is damaged: {part.count:,} numbers should be there, and are {count:,}")
        return start

    return contents, _reader(file, where, "<")


def _reader(file: FileBytes, where: Callable[[Storage], int], byteorder: ByteOrder) -> Reader:
    def read(tensor: StoredTensor) -> Array:
        itemsize = tensor.elements.dtype.itemsize
        start = where(tensor.storage) + (tensor.storage.first + tensor.offset) * itemsize
        return tensor.array(file.at(start, tensor.extent * itemsize), byteorder)

    return read


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        if entry.filename in entries:
            raise CheckpointError(f"is damaged: its archive has two entries {printable(entry.filename)}")
        if entry.flag_bits & 0x1 or entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise CheckpointError(f"has a compressed or encrypted entry {printable(entry.filename)}: torch.save never writes one")
        entries[entry.filename] = entry
    return entries


def _start(file: FileBytes, entry: zipfile.ZipInfo) -> int:
    """Where the bytes of an entry begin: after its own header, whose length is in the header."""
    header = file.at(entry.header_offset, 30)
    if header[:4] != b"PK\x03\x04":
        raise CheckpointError(f"is damaged: the entry {printable(entry.filename)} is not where the archive says")
    return entry.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")


def _part(file: FileBytes, entry: zipfile.ZipInfo) -> FileBytes:
    start = _start(file, entry)
    if start + entry.file_size > file.size:
        raise CheckpointError(f"is damaged: the entry {printable(entry.filename)} goes beyond the end of the file")
    return FileBytes(file.file, start, entry.file_size)
