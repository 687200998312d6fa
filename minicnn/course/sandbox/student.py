"""Code of a student as seen from outside: its functions are called by name, in its own process.

    with Student(cells, file="a2.ipynb") as student:
        y = student.conv_forward(x, w)          # arrays there and back
        v = student.Value(2.0)                  # an object stays there; this stands for it
        (v * 3 + 1).data
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from minicnn.course.sandbox.handle import Handle, RemoteObject, named, stand_in
from minicnn.course.sandbox.process import Process
from minicnn.course.sandbox.wire import WireError
from minicnn.errors import MinicnnError

CHANNEL = "your code has written into the channel of the checks"


@dataclass(frozen=True)
class Limits:
    """What the code of one question may take.

    Attributes:
        seconds: of waiting for it, all in all; processor time is limited to as much.
        memory: bytes, beside those of Python and NumPy.
    """

    seconds: float = 30.0
    memory: int = 2 * 2**30


class StudentError(MinicnnError, AssertionError):
    """The code of a student raised an exception, broke off, or went beyond a limit. `kind` is the exception's class, if it was one."""

    def __init__(self, message: str, kind: str = "", function: str = "") -> None:
        super().__init__(message)
        self.kind, self.function = kind, function


class Student:
    """A process in which cells of a notebook have been run. Its functions and classes are attributes.

    Args:
        cells: (name, source) of each cell of the student, in order.
        file: what the notebook is called in messages.
        provided: cells that come with the assignment, and are run before, when the doors are still open.
        imports: modules of minicnn that they need. Without any, nothing of minicnn is in the process.
        headers: folders in which a compiler that they start may read; None if they start none. They find a folder to write into as their working folder.
        limits: what the code may take.
        objects: its objects may be looked into: their attributes, operators and indices say what the code wants them to say.

    Attributes:
        problems: by cell, what went wrong in it; the cells behind it are run all the same.
        walls: which of those of `guard` stand: "files", "calls".

    Raises:
        StudentError: the process did not start, or ended while it ran the cells.
    """

    def __init__(
        self,
        cells: Sequence[tuple[str, str]],
        *,
        file: str,
        provided: Sequence[tuple[str, str]] = (),
        imports: Sequence[str] = (),
        headers: Sequence[str] | None = None,
        limits: Limits | None = None,
        objects: bool = False,
    ) -> None:
        self._objects, self._limits = objects, limits or Limits()
        self._process = Process(self._limits.seconds, writes=headers is not None)
        order = {
            "file": file, "cells": list(cells), "provided": list(provided), "imports": list(imports), "headers": list(headers or ()), "folder": self._process.folder,
            "limits": {"seconds": self._limits.seconds, "memory": self._limits.memory},
        }  # fmt: skip
        try:
            self.walls: Sequence[str] = self._begin(order)
            self.problems: Mapping[str, str] = {cell: _in_words(error) for cell, error in self._run_cells().items()}
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if (value := self.ask("name", name)) != ["missing"]:
            return named(value[0], name)
        why = "".join(f"; {cell} did not run to its end: {problem}" for cell, problem in self.problems.items())
        raise StudentError(f"not written yet: there is no {name}{why}" if not why else f"there is no {name}{why}")

    @property
    def ended(self) -> bool:
        """Has the process come to its end?"""
        return self._process.ended

    @property
    def late(self) -> bool:
        """Has it been ended because it took too long?"""
        return self._process.late

    @property
    def printed(self) -> str:
        """What the code has printed, as far as it is kept."""
        return self._process.printed

    def ask(self, *request: Any) -> Any:
        """Have something done in the process.

        Raises:
            StudentError: it raised an exception, ended, or took too long.
        """
        answer = self._exchange(list(request))
        if not isinstance(answer, dict) or answer.keys() not in ({"value"}, {"error"}):
            raise StudentError(CHANNEL)
        if "error" in answer:
            error = answer["error"]
            raise StudentError(_in_words(error), str(error["type"]), str(error["function"]))
        return answer["value"]

    def at_end(self, function: Callable[[], None]) -> None:
        """Call a function when the process is ended."""
        self._process.at_end(function)

    def close(self) -> None:
        """End the process, with all that it has started."""
        self._process.close()

    def _begin(self, order: dict[str, Any]) -> list[str]:
        """Send the order; which walls stand when what comes with the assignment has run. The student's code has not run yet."""
        answer = self._exchange(order, "the process in which answers run does not start")
        if "error" in answer:
            raise StudentError(f"what comes with the assignment does not run: {_in_words(answer['error'])}")
        return [str(wall) for wall in answer["walls"]]

    def _run_cells(self) -> Any:
        """By cell, what went wrong."""
        answer = self._answer()
        if not isinstance(answer, dict) or not isinstance(answer.get("problems"), dict):
            raise StudentError(CHANNEL)
        return answer["problems"]

    def _exchange(self, message: Any, trouble: str = "") -> Any:
        try:
            self._process.send(message, stand_in)
        except (BrokenPipeError, ConnectionError, TimeoutError):
            raise StudentError(self._why_it_ended(trouble)) from None
        except WireError as error:
            raise StudentError(str(error)) from None
        return self._answer(trouble)

    def _answer(self, trouble: str = "") -> Any:
        try:
            return self._process.receive(self._object)
        except (EOFError, ConnectionError, TimeoutError):
            raise StudentError(self._why_it_ended(trouble)) from None
        except WireError as error:
            raise StudentError(f"{CHANNEL}: {error}") from None

    def _object(self, what: dict[str, Any]) -> Handle:
        return (RemoteObject if self._objects else Handle)(self, int(what["object"]), str(what["type"]))

    def _why_it_ended(self, trouble: str) -> str:
        """In words; `trouble` says what it means if the code of the student has not begun yet."""
        code, last = self._process.wait(), self.printed.strip().splitlines()[-1:]
        printed = "".join(f"; it printed last: {line[:300]}" for line in last)
        if self.late:
            return f"it took longer than {self._limits.seconds:g} seconds: an endless loop?"
        if trouble:
            return f"{trouble}{printed}"
        if code == -9 or "MemoryError" in self.printed:
            return f"it was ended by the system: more than {self._limits.memory / 2**30:g} GiB of memory, or {self._limits.seconds:g} seconds of processor time"
        if code == -24:
            return f"it took longer than {self._limits.seconds:g} seconds of processor time: an endless loop?"
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return f"your code has ended the process in which it is checked, {how}{printed}"


def walls_here() -> Sequence[str]:
    """Which walls of `guard` stand around answers on this computer: "files", "calls"."""
    with Student((), file="") as student:
        return student.walls


def _in_words(error: Any) -> str:
    if not isinstance(error, dict) or error.keys() != {"type", "message", "where", "function"} or not isinstance(error["where"], list):
        raise StudentError(CHANNEL)
    if error["type"] == "NotImplementedError":
        name = error["function"]
        return f"not written yet: {name}() raises NotImplementedError" if name and name != "<module>" else f"not written yet: {error['message'] or 'NotImplementedError'}"
    return "\n  ".join([f"{error['type']}: {error['message']}", *map(str, error["where"])])
