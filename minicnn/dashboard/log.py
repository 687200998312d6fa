"""The log of a run that may still be going on: which lines are whole, and which of them still count."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

Line: TypeAlias = dict[str, Any]
"""A line of log.jsonl: `kind` says what it tells of."""


def standing(lines: Iterable[Line]) -> list[Line]:
    """The lines that still count.

    A run that was killed and resumed goes back to its checkpoint: the line `resumed` says to which step and epoch. What the log
    tells of later ones was lost and computed anew.

    Example:
        >>> before = [{"kind": "step", "step": 10}, {"kind": "step", "step": 20}]
        >>> standing([*before, {"kind": "resumed", "step": 10, "epoch": 0}])
        [{'kind': 'step', 'step': 10}, {'kind': 'resumed', 'step': 10, 'epoch': 0}]
    """
    kept: list[tuple[float, Line]] = []  # with the step that the run had reached
    reached = 0.0
    for line in lines:
        if line["kind"] == "resumed":
            reached, epoch = _number(line, "step"), _number(line, "epoch")
            kept = [(step, old) for step, old in kept if step <= reached and not (old["kind"] == "epoch" and _number(old, "epoch") > epoch)]
        elif line["kind"] == "step":
            reached = _number(line, "step")
        kept.append((reached, line))
    return [line for _, line in kept]


class LogTail:
    """Follows a log that grows.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "log.jsonl")
        >>> tail = LogTail(path)
        >>> tail.news()
        (False, [])
        >>> _ = path.write_text('{"kind": "epoch", "epoch": 1}\\n{"kind": "epo')     # the second line is being written
        >>> tail.news()
        (True, [{'kind': 'epoch', 'epoch': 1}])
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file = 0  # its number in the file system: another one means another file
        self._read = 0  # bytes

    def news(self) -> tuple[bool, list[Line]]:
        """Whether the log has to be told from its beginning again, and its lines since then, or since the last call.

        A log has a new beginning when the file is another one, has become shorter, or when lines that were read have been superseded.
        A file that is not there, or cannot be read at this moment, has no news.
        """
        try:
            info = self.path.stat()
            anew = info.st_ino != self._file or info.st_size < self._read
            lines = self._lines(0 if anew else self._read)
            if not anew and any(line["kind"] == "resumed" for line in lines):
                anew, lines = True, self._lines(0)
        except OSError:
            return False, []
        self._file = info.st_ino
        return anew, standing(lines) if anew else lines

    def _lines(self, start: int) -> list[Line]:
        """The whole lines from a byte on. The last one may be half written: it is left for the next time."""
        with self.path.open("rb") as file:
            file.seek(start)
            text = file.read()
        whole = text.rfind(b"\n") + 1
        self._read = start + whole
        parsed = (_parse(line) for line in text[:whole].decode("utf-8", errors="replace").splitlines())
        return [line for line in parsed if line is not None]


def _parse(text: str) -> Line | None:
    """A line, or None if it is none. When a run is killed within a line, the resumed one writes on behind the half of it."""
    for start in (0, text.rfind('{"kind"')):
        try:
            line = json.loads(text[start:], parse_constant=lambda _: None)  # NaN is no JSON: a browser would refuse it
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict) and isinstance(line.get("kind"), str):
            return line
    return None


def _number(line: Line, key: str) -> float:
    value = line.get(key)
    return value if isinstance(value, (int, float)) else 0
