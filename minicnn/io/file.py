"""What every reader of a file begins with."""

from pathlib import Path

from minicnn.errors import MinicnnError


def require_file(path: Path, what: str, kind: type[MinicnnError]) -> None:
    """The file is there and may be read; otherwise an error of this kind says what it is that cannot be read, and why."""
    try:
        if not path.is_file():
            raise kind(f"no {what} at {path}: {'it is a folder' if path.is_dir() else 'there is no such file'}")
        path.open("rb").close()
    except OSError as error:
        raise kind(f"the {what} {path} cannot be read: {error.strerror or error}") from None
