"""What is new in the folders of runs, look by look."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from minicnn.dashboard.log import Line, LogTail
from minicnn.errors import ArgumentError
from minicnn.train.run_folder import HELD_OUT, LOG

PATIENCE = 60.0  # seconds without a new line after which a run counts as stalled, unless its epochs take longer


class Event(NamedTuple):
    """Something to tell the page: a kind, the run's name, and what belongs to it.

        lines      {"anew": bool, "lines": [...]}: of the log, further ones, or all of them from the beginning
        held_out   the contents of held_out.json, which has changed
        status     {"status": "waiting" | "running" | "stalled" | "stopped" | "ended"}
        gone       {}: there is no such folder any more
    """

    kind: str
    run: str
    data: dict[str, Any]


class Watch:
    """Looks into run folders, and into folders that runs are made in, again and again.

    Args:
        folders: each the folder of a run, or a folder of such folders; what appears in it later is found.

    Raises:
        ArgumentError: there is no such folder.

    Example:
        >>> import tempfile
        >>> runs = Path(tempfile.mkdtemp(), "runs")
        >>> (runs / "first").mkdir(parents=True)
        >>> watch = Watch([runs])
        >>> watch.look()
        []
        >>> _ = (runs / "first" / "log.jsonl").write_text('{"kind": "end", "steps": 0, "stopped": null}\\n')
        >>> [(event.kind, event.run) for event in watch.look()]
        [('lines', 'first'), ('status', 'first')]
    """

    def __init__(self, folders: Sequence[str | os.PathLike[str]]) -> None:
        for folder in folders:
            if not Path(folder).is_dir():
                raise ArgumentError(f"there is no folder {folder}: name the folder of a run, or the folder that runs are made in, such as runs")
        self.folders = [Path(folder).resolve() for folder in folders]
        self._runs: dict[str, _RunWatch] = {}

    def look(self) -> list[Event]:
        """What is new since the last look; the first time, everything."""
        found = self.runs()
        gone = [Event("gone", name, {}) for name in self._runs if name not in found]
        self._runs = {name: self._runs.get(name) or _RunWatch(name, folder) for name, folder in found.items()}
        return [*gone, *(event for run in self._runs.values() for event in run.look())]

    def runs(self) -> dict[str, Path]:
        """The folders that hold a log, by name: the path below what all of them have in common."""
        candidates = [path for folder in self.folders for path in (folder, *_subfolders(folder))]
        found = dict.fromkeys(path for path in candidates if (path / LOG).is_file())
        above = self.folders[0] if len(self.folders) == 1 else Path(os.path.commonpath([folder.parent for folder in self.folders]))
        return {path.name if path == above else path.relative_to(above).as_posix(): path for path in found}


class _RunWatch:
    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log, self.held_out = LogTail(folder / LOG), folder / HELD_OUT
        self.seen: tuple[int, int] | None = None  # the version of held_out.json
        self.told = ""  # the status
        self.last: Line = {"kind": ""}
        self.longest_epoch = 0.0

    def look(self) -> Iterator[Event]:
        anew, lines = self.log.news()
        if anew or lines:
            self.last = lines[-1] if lines else {"kind": ""}
            self.longest_epoch = max([self.longest_epoch, *(_seconds(line) for line in lines)])
            yield Event("lines", self.name, {"anew": anew, "lines": lines})
        if (contents := self._held_out_if_new()) is not None:
            yield Event("held_out", self.name, contents)
        if (status := self._status()) != self.told:
            self.told = status
            yield Event("status", self.name, {"status": status})

    def _held_out_if_new(self) -> dict[str, Any] | None:
        try:
            info = self.held_out.stat()
            version = (info.st_ino, info.st_mtime_ns)
            if version == self.seen:
                return None
            contents = json.loads(self.held_out.read_bytes(), parse_constant=lambda _: None)
        except (OSError, ValueError):
            return None  # there is none yet, or it is being written
        self.seen = version
        return contents if isinstance(contents, dict) else None

    def _status(self) -> str:
        if self.last["kind"] == "":
            return "waiting"
        if self.last["kind"] == "end":
            return "ended" if self.last.get("stopped") is None else "stopped"
        try:
            silent = time.time() - self.log.path.stat().st_mtime
        except OSError:
            return "stalled"
        return "stalled" if silent > max(PATIENCE, 3 * self.longest_epoch) else "running"


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []  # deleted meanwhile


def _seconds(line: Line) -> float:
    seconds = line.get("seconds")
    return seconds if line["kind"] == "epoch" and isinstance(seconds, (int, float)) else 0.0
