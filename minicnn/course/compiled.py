"""A kernel that a student has written, compiled and loaded: in a notebook, or in the process of its own in which it is checked."""

from __future__ import annotations

import contextlib
import ctypes
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import BackendError, SimulatorError
from minicnn.kernels.cuda.simulator import Kernel, Module
from minicnn.kernels.cuda.simulator.guard import Traffic
from minicnn.kernels.cuda.simulator.settings import set_thread_order, settings

UNWRITTEN = re.compile(r'^[ \t]*#[ \t]*(?:error "not written yet|YOUR CODE HERE)', re.MULTILINE)  # nbgrader puts the second one there
FOREIGN = {  # what no kernel of an assignment needs, and with which one gets at the simulator, or at Python around it
    "what begins with __builtin or __attribute": r"__(?:builtin|attribute)", "asm": r"\b(?:__)?asm(?:__)?\b", "#include": r"^[ \t]*#[ \t]*include", "#pragma": r"#\s*pragma|_Pragma", "##": r"##|%:",
    "the simulator's own names": r"(?i)simulator", 'extern, but for extern "C" __global__ and extern __shared__': r'\bextern\b(?!\s*(?:"C"\s*__global__|__shared__))', "\\u": r"\\[uU]|\?\?",
}  # fmt: skip
RUNTIME = ("libm.so.6", "libstdc++.so.6", "libgcc_s.so.1")  # what a library may need of the system, which finds it here and not later


def compiled(text: str, name: str, *, unchecked: bool = True, lines: bool = False) -> Module:
    """The text as a module of the simulator, translated with the memory check. Nothing of it is loaded yet.

    Args:
        name: what the file is called in messages, without .cu.
        unchecked: translated without the memory check, too.
        lines: look up all lines that a message may name.

    Raises:
        NotImplementedError: it still says that it is not written yet.
        SimulatorError: it does not compile, or has something in it that leads out of a kernel.
        BackendError: there is no C++ compiler.
    """
    if UNWRITTEN.search(text):
        raise NotImplementedError(f"not written yet: {name}")
    for what, pattern in FOREIGN.items():
        if re.search(pattern, text.replace("\\\n", ""), re.MULTILINE):
            raise SimulatorError(f"{name}.cu: {what} is not for the kernels of an assignment: leave it out")
    with tempfile.TemporaryDirectory() as folder, how("forward", 0, check=True):
        path = Path(folder) / f"{name}.cu"
        path.write_text(text, encoding="utf-8")
        try:
            module = Module(path)
            module.compile(True, lines=lines)
            if unchecked:
                module.compile(False)
        except SimulatorError as error:
            raise SimulatorError(str(error).replace(f"{folder}/", "")) from None
    return module


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
    """In a process of its own: a text that is compiled while a compiler may run, and loaded when nothing of it can do harm any more, for its first launch.

    Attributes:
        problem: why it could not be compiled, or "".
    """

    def __init__(self, text: str, name: str, *, unchecked: bool) -> None:
        self.problem = ""
        self.module: Module | None = None
        try:
            self.module = compiled(text, name, unchecked=unchecked, lines=True)
        except (SimulatorError, BackendError, NotImplementedError) as error:
            self.problem = str(error)
        for library in RUNTIME:
            with contextlib.suppress(OSError):
                ctypes.CDLL(library)

    def launch(
        self, kernel: str, grid: tuple[int, ...], block: tuple[int, ...], arguments: list[Any], read_only: list[bool], order: str, seed: int, check: bool
    ) -> dict[str, Any]:
        """{"arrays": as they are after the launch, "traffic": of each argument}, or {"error": what the simulator says}."""
        assert self.module is not None
        for argument, only in zip(arguments, read_only, strict=True):
            if only:
                argument.setflags(write=False)
        try:
            traffic = run(self.module.get_function(kernel), grid, block, arguments, order, seed, check)
        except SimulatorError as error:
            return {"error": str(error)}
        return {"arrays": [a for a in arguments if isinstance(a, np.ndarray)], "traffic": [list(each) for each in traffic]}
