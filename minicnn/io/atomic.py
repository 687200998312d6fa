"""Writing a file so that it is never half there."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from minicnn.errors import CheckpointError


def write_atomically(path: Path, what: str, parts: Iterable[bytes]) -> None:
    """Write beside `path`, wait for the disk, then rename: whoever opens `path` sees the old file or the new, never half.

    Args:
        path: the file; its folder must exist.
        what: what the file is, for the message.
        parts: what it shall hold, piece by piece. If one cannot be had, the old file stays and the error goes on its way.

    Raises:
        CheckpointError: the file cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise CheckpointError(f"the {what} {path} cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
