"""The process of a student: runs the cells of a notebook, and then does what it is asked."""

from __future__ import annotations

import contextlib
import importlib
import linecache
import operator
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import numpy as np

from minicnn.course.sandbox import bounds, guard
from minicnn.course.sandbox.wire import WireError, read_message, write_message

OBJECTS = 200_000  # that are kept for whoever asks
FRAMES = 3  # of a traceback that are told
OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "neg", "pos", "abs", "lt", "le", "eq", "ne", "gt", "ge", "getitem", "setitem", "contains")


class Served:
    """A namespace in which cells have been run, and the objects in it that somebody outside has asked for.

    What comes with the assignment has one of its own: whoever asks for its names gets it as it was, also when a cell has written something else over it.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.given: dict[str, Any] = {"__name__": "__main__", "__file__": file}
        self.names: dict[str, Any] = {}
        self.objects: list[Any] = []

    def open_to_student(self) -> None:
        """From now on cells are the student's."""
        self.names = dict(self.given)

    def run(self, cell: str, source: str) -> dict[str, Any] | None:
        """Run a cell; what went wrong, or None."""
        where = f"{self.file}, {cell}"
        linecache.cache[where] = (len(source), None, source.splitlines(keepends=True), where)
        try:
            exec(compile(source, where, "exec", dont_inherit=True), self.names or self.given)  # noqa: S102 - that is what this process is for
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt, too, are the student's
            return describe(error, self.file)
        return None

    def answer(self, asked: Any) -> dict[str, Any]:
        """{"value": ...}, or {"error": ...}."""
        try:
            kind, *rest = asked
            actions: dict[str, Callable[..., Any]] = {"name": self.by_name, "call": self.call, "get": getattr, "set": setattr, "do": self.do, "len": len}
            value = actions[kind](*rest)
        except BaseException as error:  # noqa: BLE001
            return {"error": describe(error, self.file)}
        return {"value": value}

    def by_name(self, name: str) -> Any:
        """What is called so, in a list; ["missing"] if nothing is."""
        found = self.given if name in self.given else self.names
        return [found[name]] if name in found else ["missing"]

    def call(self, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
        """What a function returns. Arrays that it is given must be afterwards as they were."""
        given = [(name, value, value.copy()) for name, value in [*enumerate(args, 1), *kwargs.items()] if isinstance(value, np.ndarray)]
        result = function(*args, **kwargs)
        for name, value, before in given:
            if value.shape != before.shape or not np.array_equal(value, before, equal_nan=value.dtype.kind in "fc"):
                raise ValueError(f"{getattr(function, '__name__', 'it')} has changed its argument {name} in place; make a new array instead")
        return result

    def do(self, name: str, *args: Any) -> Any:
        """An operator."""
        if name not in OPERATORS:
            raise ValueError(f"no operator {name}")
        return getattr(operator, name)(*args)

    def keep(self, value: Any) -> dict[str, Any]:
        """Stands for an object that is too rich to be sent."""
        if len(self.objects) >= OBJECTS:
            raise WireError(f"more than {OBJECTS:,} objects")
        self.objects.append(value)
        return {"object": len(self.objects) - 1, "type": type(value).__name__}

    def found(self, what: dict[str, Any]) -> Any:
        """The object that was meant."""
        return self.objects[what["object"]]


def describe(error: BaseException, file: str) -> dict[str, Any]:
    """An exception as plain values: its class, its message, and the lines of the student that it came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(file)]
    lines = [f"{frame.filename}, line {frame.lineno}, in {frame.name}: {frame.line}" for frame in frames[-FRAMES:]]
    if isinstance(error, SyntaxError) and str(error.filename).startswith(file):
        lines.append(f"{error.filename}, line {error.lineno}: {(error.text or '').strip()}")
    try:
        message = str(error)
    except Exception:  # noqa: BLE001
        message = "(its message cannot be shown)"
    return {"type": type(error).__name__, "message": message[:2000], "where": [line[:300] for line in lines], "function": frames[-1].name if frames else ""}


def main() -> None:
    """Take the order, run what comes with the assignment, shut the doors, run the cells, and serve until there is nothing more to do."""
    source, sink = _take_over_streams()
    order = read_message(source)
    cells, folder, limits = order["cells"], order["folder"], order["limits"]
    guard.step_down(folder)
    if order["imports"]:
        _import(order["imports"])
    if folder:
        guard.let_compile(folder, order["headers"], limits["memory"])
    served = Served(order["file"])
    for cell, text in order["provided"]:
        if wrong := served.run(cell, text):
            write_message(sink, {"error": wrong})
            return
    walls = guard.close(seconds=limits["seconds"], memory=limits["memory"], folder=folder)
    if not order["imports"]:
        bounds.close_modules()
    write_message(sink, {"walls": walls})
    del order, limits, folder, walls
    served.open_to_student()
    problems = {cell: wrong for cell, text in cells if (wrong := served.run(cell, text))}
    write_message(sink, {"problems": problems})
    while True:
        try:
            asked = read_message(source, served.found)
        except EOFError:
            return
        answer = served.answer(asked)
        with contextlib.suppress(Exception):
            sys.stdout.flush()  # or what was printed is lost when the process is ended
        try:
            write_message(sink, answer, served.keep)
        except Exception as error:  # noqa: BLE001 - an integer of five thousand digits, and the like
            write_message(sink, {"error": describe(error, served.file)})


def _import(modules: Sequence[str]) -> None:
    """Modules of minicnn, in earnest: without the empty packages that stand in its place."""
    del sys.modules["minicnn"], sys.modules["minicnn.course"]
    for name in modules:
        importlib.import_module(name)


def _take_over_streams() -> tuple[BinaryIO, BinaryIO]:
    """The streams of messages, which nobody else finds by number; what is printed goes to the error stream, and there is nothing to read."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink
