"""A kernel that a student has written, compiled and loaded: in a notebook, or in the process of its own in which it is checked."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import BackendError, SimulatorError
from minicnn.kernels.cuda.simulator import Kernel, Module
from minicnn.kernels.cuda.simulator.compiler import compile_file
from minicnn.kernels.cuda.simulator.guard import Traffic
from minicnn.kernels.cuda.simulator.settings import set_thread_order, settings

UNWRITTEN = re.compile(r'^\s*#\s*(?:error "not written yet|YOUR CODE HERE)', re.MULTILINE)  # nbgrader puts the second one there
AT_LOAD = r"\((?:INIT|PREINIT_ARRAY)\)|\bIFUNC\b|IRELATIV|\(INIT_ARRAYSZ\)\s+"  # in the words of readelf: code that runs when a library is loaded


def compiled(text: str, name: str, *, unchecked: bool = True) -> Module:
    """The text as a module of the simulator, translated with the memory check. Nothing of it has run when this returns.

    Even its kernels' names and parameters are told by functions in the library, which a text can replace: `Module.kernels` runs them.

    Args:
        name: what the file is called in messages, without .cu.
        unchecked: translated without the memory check, too.

    Raises:
        NotImplementedError: it still says that it is not written yet.
        SimulatorError: it does not compile, or has code in it that would run before any kernel is launched.
        BackendError: there is no C++ compiler.
    """
    if UNWRITTEN.search(text):
        raise NotImplementedError(f"not written yet: {name}")
    with tempfile.TemporaryDirectory() as folder, how("forward", 0, check=True):
        path = Path(folder) / f"{name}.cu"
        path.write_text(text, encoding="utf-8")
        try:
            return _loaded(path, (True, False) if unchecked else (True,))
        except SimulatorError as error:
            raise SimulatorError(str(error).replace(f"{folder}/", "")) from None


def _loaded(path: Path, checks: Sequence[bool]) -> Module:
    for check in checks:
        if _runs_when_loaded(compile_file(path, (), check), check):
            raise SimulatorError(f"{path.name} has code in it that would run before any kernel is launched: variables outside of functions may have constant values only")
    module = Module(path)
    for check in checks:
        module.library(check)
    return module


def _runs_when_loaded(library: Path, check: bool) -> bool:
    """Whether there is code in a library that the system runs as soon as it loads it, beside the function with which -fsanitize=thread begins."""
    return sys.platform == "linux" and re.search(AT_LOAD + (r"(?!\s|8 )" if check else ""), _described(library)) is not None


def _kernels_in(library: Path) -> list[str]:
    """The names of the kernels in a library that need not even be loaded."""
    return re.findall(r" simulator_launch_(\w+)$", _described(library), re.MULTILINE)


def _described(library: Path) -> str:
    """By readelf: what a library asks of the system, and its symbols."""
    reader = shutil.which("readelf")
    if reader is None:
        raise BackendError("kernels of students are looked into with readelf, which is not installed: sudo apt install binutils")
    return subprocess.run([reader, "-W", "-d", "-r", "--dyn-syms", str(library)], capture_output=True, text=True, check=False).stdout


@contextlib.contextmanager
def how(order: str, seed: int, *, check: bool) -> Iterator[None]:
    """Threads in that order, with the memory check or without; afterwards as before."""
    now = settings()
    before = now.order, now.seed, now.memory_check
    try:
        set_thread_order(order, seed)
        now.memory_check = check
        yield
    finally:
        now.order, now.seed, now.memory_check = before


def run(kernel: Kernel, grid: tuple[int, ...], block: tuple[int, ...], arguments: Sequence[Any], order: str, seed: int, check: bool) -> list[Traffic]:
    """Launch a kernel. Python's integers become `int`, its floats `float`. Returns what each argument has cost in global memory, if that was counted."""
    given = [np.int32(a) if type(a) is int else np.float32(a) if type(a) is float else a for a in arguments]
    with how(order, seed, check=check):
        kernel(grid, block, given)
    return kernel.traffic if check else []


class Prepared:
    """In a process of its own: a text that is compiled and loaded, so that its kernels can be launched when no file can be read any more.

    Attributes:
        problem: why that was not possible, or "".
    """

    def __init__(self, text: str, name: str, *, unchecked: bool) -> None:
        self.problem = ""
        self.module: Module | None = None
        try:
            self.module = compiled(text, name, unchecked=unchecked)
            self._look_up(self.module, unchecked)
        except (SimulatorError, BackendError, NotImplementedError) as error:
            self.problem = str(error)

    def _look_up(self, module: Module, unchecked: bool) -> None:
        """Everything that a launch looks for in the library."""
        checked = module.library(True)
        checked.look_up_lines()
        self.functions = {name: module.known(name) for name in (_kernels_in(checked.path) if sys.platform == "linux" else module.kernels)}
        for check in (True, False)[: 1 + unchecked]:
            with how("forward", 0, check=check):
                for function in self.functions.values():
                    function.look_up()

    def launch(
        self, kernel: str, grid: tuple[int, ...], block: tuple[int, ...], arguments: list[Any], read_only: list[bool], order: str, seed: int, check: bool
    ) -> dict[str, Any]:
        """{"arrays": as they are after the launch, "traffic": of each argument}, or {"error": what the simulator says}."""
        assert self.module is not None
        for argument, only in zip(arguments, read_only, strict=True):
            if only:
                argument.setflags(write=False)
        try:
            traffic = run(self.functions.get(kernel) or self.module.get_function(kernel), grid, block, arguments, order, seed, check)
        except SimulatorError as error:
            return {"error": str(error)}
        return {"arrays": [a for a in arguments if isinstance(a, np.ndarray)], "traffic": [list(each) for each in traffic]}
