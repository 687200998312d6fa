"""Files inside a tar archive, read where they are: nothing is unpacked, so no path in the archive can lead elsewhere."""

from __future__ import annotations

import os
import posixpath
import tarfile
from pathlib import Path

from minicnn.errors import CheckpointError, DataError
from minicnn.io.file import FileBytes, require_file

PROGRAMS = {b"\x1f\x8b": "gunzip", b"BZh": "bunzip2", b"\xfd7zXZ": "unxz", b"\x28\xb5\x2f\xfd": "unzstd", b"PK\x03\x04": "unzip"}  # by how a file begins


class TarFiles:
    """The files of an uncompressed tar archive: a walk over its headers finds where each begins, and from then on any of them is one step away.

    A compressed archive has no such places: to read its last file, all before it must be decompressed. Links, devices and files with
    holes are passed over; of two files with one name, the later counts, as when unpacking.

    Args:
        path: the archive. It is opened for each `read` anew, so that the object can be sent to another process.

    Raises:
        DataError: it is missing, damaged, compressed, or no tar archive.

    Example:
        >>> with tarfile.open("small.tar", "w") as archive:
        ...     _ = Path("a.txt").write_text("hello")
        ...     archive.add("a.txt", "letters/a.txt")
        >>> files = TarFiles("small.tar")
        >>> files.folders(), files.read("letters/a.txt")
        ({'letters': ['a.txt']}, b'hello')
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.places: dict[str, tuple[int, int]] = {}  # where a file begins in the archive, and how many bytes it has
        require_file(self.path, "archive", DataError)
        try:
            with tarfile.open(self.path, "r:") as archive:
                for member in archive:
                    if member.isreg() and not member.issparse():
                        self.places[posixpath.normpath(member.name)] = member.offset_data, member.size
            with self.path.open("rb") as file:
                FileBytes(file).at(archive.offset, tarfile.BLOCKSIZE)  # an empty block ends an archive, and tarfile does not miss it
        except (tarfile.TarError, OSError, EOFError, ValueError, CheckpointError) as error:
            if program := _unpacked_by(self.path):
                raise DataError(f"{self.path} is compressed, and must be decompressed first, so that any file in it can be read by itself: {program} {self.path}") from None
            raise DataError(
                f"{self.path} cannot be read as a tar archive ({error}): it may be damaged or compressed, and a compressed one must be decompressed "
                "first (gunzip, bunzip2, unxz)"
            ) from None

    def folders(self, inside: str = "") -> dict[str, list[str]]:
        """The names of the files that lie straight in each subfolder of the folder `inside`, in order; those of deeper folders do not count."""
        start = f"{inside}/" if inside else ""
        found: dict[str, list[str]] = {}
        for name in sorted(self.places):
            folder, slash, file = name.removeprefix(start).partition("/")
            if name.startswith(start) and folder and slash:
                found.setdefault(folder, []).extend([file] if "/" not in file else [])
        return found

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            DataError: the archive has become shorter, or cannot be opened any more.
        """
        offset, size = self.places[name]
        try:
            with self.path.open("rb") as file:
                return FileBytes(file).at(offset, size)
        except (OSError, CheckpointError) as error:
            raise DataError(f"{name} in {self.path} cannot be read: {error}") from None


def _unpacked_by(path: Path) -> str | None:
    """The program that decompresses a file of this kind, if it is compressed."""
    try:
        with path.open("rb") as file:
            begin = file.read(8)
    except OSError:
        return None
    return next((program for beginning, program in PROGRAMS.items() if begin.startswith(beginning)), None)
