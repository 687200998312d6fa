"""What every reader of a file begins with: the file is there, and no more of it is read than it holds."""

from pathlib import Path
from typing import BinaryIO

from minicnn.errors import CheckpointError, MinicnnError


def require_file(path: Path, what: str, kind: type[MinicnnError]) -> None:
    """The file is there and may be read; otherwise an error of this kind says what it is that cannot be read, and why."""
    try:
        if not path.is_file():
            raise kind(f"no {what} at {path}: {'it is a folder' if path.is_dir() else 'there is no such file'}")
        path.open("rb").close()
    except OSError as error:
        raise kind(f"the {what} {path} cannot be read: {error.strerror or error}") from None


class FileBytes:
    """The bytes of a file, or of a part of it, for readers that believe what the file says about its own lengths.

    A length that goes beyond the end takes no memory: `read` gives what there is, and `at` refuses.

    Args:
        file: opened for reading bytes.
        start: where the part begins.
        size: its length; all that follows `start` if None.

    Example:
        >>> import io
        >>> part = FileBytes(io.BytesIO(b"abcdef"), start=2)
        >>> part.read(2), part.tell(), part.read(10**15), part.at(1, 2)
        (b'cd', 2, b'ef', b'de')
    """

    def __init__(self, file: BinaryIO, start: int = 0, size: int | None = None) -> None:
        self.file, self.start = file, start
        self.size = file.seek(0, 2) - start if size is None else size
        self.position = 0

    def read(self, count: int) -> bytes:
        """The next bytes, at most `count`."""
        self.file.seek(self.start + self.position)
        found = self.file.read(max(0, min(count, self.size - self.position)))
        self.position += len(found)
        return found

    def readline(self) -> bytes:
        """The rest of the line, with its end."""
        self.file.seek(self.start + self.position)
        found = self.file.readline(self.size - self.position)
        self.position += len(found)
        return found

    def tell(self) -> int:
        """How many bytes have been read."""
        return self.position

    def at(self, offset: int, count: int) -> bytes:
        """Exactly `count` bytes from `offset` on.

        Raises:
            CheckpointError: the file ends before.
        """
        self.position = offset
        found = self.read(count) if 0 <= offset <= self.size - count else b""
        if len(found) < count:
            raise CheckpointError(f"was cut off: it ends at byte {self.size:,}, but should go on to byte {offset + count:,} at least")
        return found
