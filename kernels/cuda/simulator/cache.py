"""Compiled files on disk: `~/.cache/minicnn/simulator`, or where XDG_CACHE_HOME says. Each has the hash of all that it depends on as its name."""

import atexit
import functools
import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KEPT = 30  # days that a file is kept without being used


def cached(key: str, make: Callable[[Path], None]) -> Path:
    """The file of that key; `make` writes it if there is none yet. Of several processes that need it at once, one makes it."""
    folder = cache_folder()
    path = folder / f"{key}.so"
    if not path.exists():
        with _alone(folder / f"{key}.lock"):
            if not path.exists():
                _make(path, make)
                _tidy(folder)
    with suppress(OSError):
        os.utime(path)
    return path


def _make(path: Path, make: Callable[[Path], None]) -> None:
    """Write beside the place, then move there: a file that can be seen is complete."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        make(made)
        made.replace(path)


def hashed(*parts: str) -> str:
    """A name for all of this together, and for the processor, since the compiler uses what the processor can do."""
    digest = hashlib.sha256()
    for part in (*parts, _processor()):
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:32]


@functools.cache
def cache_folder() -> Path:
    """The folder of the user's cache; if it cannot be written to, a temporary one for this process."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minicnn" / "simulator"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        temporary = tempfile.mkdtemp(prefix="minicnn-simulator-")
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        return Path(temporary)


@functools.cache
def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return f"{platform.machine()} {platform.processor()}"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Inside, no other process holds this lock. Where the system has none, two may make the same file, which does no harm."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with path.open("w") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    path.unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    """Remove what has not been used for long."""
    oldest = time.time() - KEPT * 24 * 3600
    for path in folder.iterdir():
        with suppress(OSError):
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()
