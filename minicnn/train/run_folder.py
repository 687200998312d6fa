"""The folder of one training run: its log, its curve and its checkpoint."""

import contextlib
import itertools
import json
import os
import platform
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from minicnn._version import __version__
from minicnn.errors import ArgumentError, CheckpointError

LOG, CURVE, CHECKPOINT, BEST = "log.jsonl", "curve.png", "checkpoint.safetensors", "best.safetensors"
RECIPE, HELD_OUT = "recipe.toml", "held_out.json"
SAMPLES = "samples.jsonl"  # of a search, which is no run


class RunFolder:
    """A folder that belongs to one run.

        recipe.toml              all settings: `minicnn train --recipe .../recipe.toml` does the same again
        log.jsonl                a line with all settings and versions, lines about steps and epochs, a line at the end
        held_out.json            after the last epoch: which classes are taken for which, with the worst mistakes
        curve.png                loss and accuracy by epoch, if matplotlib is installed
        checkpoint.safetensors   the last state: the network, and all that `--resume` needs
        best.safetensors         the state after the epoch with the lowest validation loss, if images are set aside for validation
        epoch-0010.safetensors   ... the states that `keep_every` keeps

    Without validation images there is no "best" one: to pick the epoch that does best on the held-out images would be to train on them.

    Example:
        >>> import tempfile
        >>> run = RunFolder.new(Path(tempfile.mkdtemp(), "first"))
        >>> run.log("epoch", epoch=1, train_loss=0.5)
        >>> list(read_log(run.path / LOG))
        [{'kind': 'epoch', 'epoch': 1, 'train_loss': 0.5}]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint, self.best, self.curve = path / CHECKPOINT, path / BEST, path / CURVE
        self.recipe, self.held_out = path / RECIPE, path / HELD_OUT

    def kept(self, epoch: int) -> Path:
        """Where the state after an epoch is kept."""
        return self.path / f"epoch-{epoch:04d}.safetensors"

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

    @classmethod
    def existing(cls, path: str | os.PathLike[str]) -> "RunFolder":
        """The folder of a run that was broken off, rid of what a killed process left half written.

        Raises:
            ArgumentError: there is no run in it that could go on, or it is still going on.
        """
        folder = cls(Path(path))
        if not folder.path.is_dir():
            raise ArgumentError(f"no run at {path}: there is no such folder")
        if (folder.path / SAMPLES).is_file():
            raise ArgumentError(f"no run at {path}, but a search: minicnn search --resume {shlex.quote(str(path))}")
        if not folder.checkpoint.is_file():
            raise ArgumentError(f"the run {path} cannot be resumed: it has no {CHECKPOINT}, which is written after the first epoch, or the first step of several workers; start it again")
        with folder.held():
            for part in folder.path.glob(".*.part"):
                part.unlink()
            cut_half_line(folder.path / LOG)
        return folder

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Inside, the folder is this run's alone: two that write into it would spoil log and checkpoint.

        Raises:
            ArgumentError: another process holds it.
        """
        try:
            import fcntl
        except ImportError:  # on Windows nobody is kept out
            yield
            return
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise ArgumentError(f"the run {self.path} is still going on, in another process: wait until it is done, or end it first") from None
            yield
        finally:
            os.close(descriptor)  # which lets go of it

    def remove_if_empty(self) -> None:
        """Leave no folder of a run that came to nothing."""
        with contextlib.suppress(OSError):  # it holds files
            self.path.rmdir()

    def remove_unbegun(self) -> None:
        """Leave no folder of a run that has not taken a step: so far it has a log and a recipe, and both can be had again."""
        if not self.checkpoint.exists():
            for path in (self.path / LOG, self.recipe):
                path.unlink(missing_ok=True)
            self.remove_if_empty()

    def log(self, kind: str, **values: Any) -> None:
        """Append a line to the log; it is on its way to the disk when this returns.

        Raises:
            CheckpointError: it cannot be written.
        """
        line = json.dumps({"kind": kind, **values}, allow_nan=False) + "\n"
        try:
            with (self.path / LOG).open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise CheckpointError(f"the log {self.path / LOG} cannot be written: {error.strerror or error}") from None

    def has_end(self) -> bool:
        """Does the log say that the run came to an end, and has it not gone on since?

        Raises:
            ArgumentError: there is no log, or it is damaged.
        """
        kinds = [line["kind"] for line in read_log(self.path / LOG)]
        return kinds[-1:] == ["end"]

    def log_settings(self, settings: Mapping[str, Any], **values: Any) -> None:
        """Append the line that says what was run, with which versions, on which machine."""
        self.log("run", settings=dict(settings), **values, versions=versions(), platform=platform.platform(), processors=os.cpu_count())


def read_log(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The lines of a log.

    Raises:
        ArgumentError: the file is missing, or a line is no JSON.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), LOG)
        >>> path.write_text('{"kind": "end", "steps": 460}')
        29
        >>> list(read_log(path))
        [{'kind': 'end', 'steps': 460}]
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


def computed_on(path: str | os.PathLike[str]) -> tuple[str | None, int | None, int]:
    """Backend, threads, and number of workers of the run in a folder, as its log says; what it does not say is None, and one worker."""
    try:
        lines = [line for line in read_log(Path(path, LOG)) if line["kind"] == "run"]
        settings = lines[-1]["settings"]
        return settings["backend"], lines[-1].get("threads"), lines[-1].get("workers", 1)
    except (ArgumentError, IndexError, KeyError, TypeError):
        return None, None, 1  # whoever resumes it will say what is wrong


def versions() -> dict[str, str | None]:
    """Versions of minicnn, Python and of the packages that can change a number; None for what is not installed."""
    packages = {name: version_of(name) for name in ("numpy", "numba", "llvmlite")}
    return {"minicnn": __version__, "python": platform.python_version(), **packages}


def version_of(distribution: str) -> str | None:
    """The installed version of a distribution, or None."""
    import importlib.metadata  # takes long to import

    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def cut_half_line(log: Path) -> None:
    """A process that is killed may leave the beginning of a line."""
    text = log.read_bytes() if log.is_file() else b""
    if text and not text.endswith(b"\n"):
        os.truncate(log, text.rfind(b"\n") + 1)


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
