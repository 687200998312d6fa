"""The folder of one training run: its log, its curve and its checkpoint."""

import contextlib
import importlib.metadata
import itertools
import json
import os
import platform
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from minicnn._version import __version__
from minicnn.errors import ArgumentError

LOG, CURVE, CHECKPOINT = "log.jsonl", "curve.png", "checkpoint.safetensors"


class RunFolder:
    """A folder that belongs to one run.

        log.jsonl                a line with all settings and versions, a line per epoch, a line at the end
        curve.png                loss and accuracy by epoch, if matplotlib is installed
        checkpoint.safetensors   the network after the last epoch

    There is no "best" checkpoint: to pick the epoch that does best on held-out images would be to train on them.

    Example:
        >>> import tempfile
        >>> run = RunFolder.new(Path(tempfile.mkdtemp(), "first"))
        >>> run.log("epoch", epoch=1, train_loss=0.5)
        >>> list(read_log(run.path / LOG))
        [{'kind': 'epoch', 'epoch': 1, 'train_loss': 0.5}]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint, self.curve = path / CHECKPOINT, path / CURVE

    @classmethod
    def new(cls, path: str | os.PathLike[str] | None, stem: str = "run") -> "RunFolder":
        """Make a run's folder: `path`, which must not hold anything yet, or else `runs/<stem>-<the next free number>`.

        Raises:
            ArgumentError: the folder holds files already, or cannot be made.
        """
        try:
            return cls(_numbered(Path("runs"), stem) if path is None else _fresh(Path(path)))
        except OSError as error:
            raise ArgumentError(f"the run's folder cannot be made: {error.strerror}: {error.filename}") from None

    def remove_if_empty(self) -> None:
        """Leave no folder of a run that came to nothing."""
        with contextlib.suppress(OSError):  # it holds files
            self.path.rmdir()

    def log(self, kind: str, **values: Any) -> None:
        """Append a line to the log; it is on its way to the disk when this returns."""
        with (self.path / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, **values}, allow_nan=False) + "\n")

    def log_settings(self, settings: Mapping[str, Any]) -> None:
        """Append the line that says what was run, with which versions, on which machine."""
        self.log("run", settings=dict(settings), versions=versions(), platform=platform.platform(), processors=os.cpu_count())


def read_log(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The lines of a log.

    Raises:
        ArgumentError: the file is missing, or a line is no JSON.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"the log {path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    for number, line in enumerate(lines, 1):
        try:
            yield json.loads(line)
        except ValueError:
            raise ArgumentError(f"the log {path} is damaged: line {number} is no JSON") from None


def versions() -> dict[str, str | None]:
    """Versions of minicnn, Python and of the packages that can change a number; None for what is not installed."""
    packages = {name: version_of(name) for name in ("numpy", "numba", "llvmlite")}
    return {"minicnn": __version__, "python": platform.python_version(), **packages}


def version_of(distribution: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _fresh(path: Path) -> Path:
    if path.is_file():
        raise ArgumentError(f"--out {path} is a file, but a run needs a folder of its own")
    if path.is_dir() and any(path.iterdir()):
        raise ArgumentError(f"the folder {path} holds files already, and a run overwrites nothing: give another --out, or delete it first")
    path.mkdir(parents=True, exist_ok=True)
    return path


def _numbered(parent: Path, stem: str) -> Path:
    stem = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    parent.mkdir(parents=True, exist_ok=True)
    taken = [int(found[1]) for entry in parent.iterdir() if (found := re.fullmatch(rf"{stem}-(\d+)", entry.name))]
    for number in itertools.count(max(taken, default=0) + 1):
        path = parent / f"{stem}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            continue  # another run took the number this moment
        return path
    raise AssertionError
