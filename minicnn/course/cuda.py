"""Kernels in CUDA C++ that students write as texts, for the simulator: no GPU is needed.

In a notebook:

    DOUBLE = r\"\"\"
    extern "C" __global__ void twice(const float* x, float* y, int n) {
      ...
    }
    \"\"\"
    launch(DOUBLE, "twice", grid=(4,), block=(256,), arguments=(x, y, 1000), order="reverse")

In a check, where the text is compiled and run in a process of its own, since it is machine code that could do anything:

    kernels = kernels_of(student, "DOUBLE")
    y, = kernels.launch("twice", (4,), (256,), (x, empty, 1000), order="reverse").outputs
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minicnn import cuda
from minicnn.course import compiled
from minicnn.course.questions import WrongAnswer
from minicnn.course.sandbox.student import Limits, Student, StudentError
from minicnn.course.submission import clean
from minicnn.errors import BackendError
from minicnn.kernels.cuda import simulator
from minicnn.kernels.cuda.simulator.guard import Traffic

ORDERS = ("forward", "reverse", "shuffled")
LONGEST = 20_000  # characters of a text
LIMITS = Limits(seconds=30, memory=2**30)
HEADERS = str(Path(simulator.__file__).resolve().parent)
DRIVER = "from minicnn.course.compiled import Prepared\nprepared = Prepared({text!r}, {name!r}, unchecked={unchecked})\nlaunch, problem = prepared.launch, prepared.problem"


def launch(text: str, kernel: str, grid: tuple[int, ...], block: tuple[int, ...], arguments: Sequence[Any], *, order: str = "forward", seed: int = 0, check: bool = True) -> list[Traffic]:
    """Compile a text and run one of its kernels, for a notebook.

    Args:
        text: CUDA C++. Messages call it by the name of the kernel, in capitals.
        arguments: arrays; integers, which arrive as `int`; floats, which arrive as `float`.
        order: in which threads and blocks take their turns: "forward", "reverse" or "shuffled", with a `seed`.
        check: with the memory check. Without it a kernel is faster, and a wrong index can damage the notebook's process.

    Returns:
        The bytes of each argument that were read and written in global memory; [] without the memory check.

    Raises:
        NotImplementedError: the text is not written yet.
        SimulatorError: it does not compile, or a thread does what it must not.
        BackendError: there is no C++ compiler.

    Example:
        >>> text = 'extern "C" __global__ void twice(const float* x, float* y) { y[threadIdx.x] = 2 * x[threadIdx.x]; }'
        >>> x, y = np.arange(4, dtype=np.float32), np.zeros(4, np.float32)
        >>> launch(text, "twice", (1,), (4,), (x, y))
        [Traffic(read=16, written=0, atomic=0), Traffic(read=0, written=16, atomic=0)]
        >>> y
        array([0., 2., 4., 6.], dtype=float32)
    """
    return compiled.run(_module(text, kernel.upper()).get_function(kernel), grid, block, arguments, order, seed, check)


_module = functools.cache(compiled.compiled)


@dataclass(frozen=True)
class Launched:
    """What came of a launch.

    Attributes:
        outputs: the arrays among the arguments that were not read-only, as they are now.
        traffic: bytes of each argument that were read and written, with the memory check.
    """

    outputs: list[Any]
    traffic: list[Traffic]


class Kernels:
    """The kernels in a text, compiled in a process of its own.

    Args:
        text: CUDA C++.
        name: of the text in messages.
        unchecked: it can be launched without the memory check, too.

    Raises:
        WrongAnswer: it does not compile.
        StudentError: that takes too long.
    """

    def __init__(self, text: str, name: str, *, unchecked: bool = False) -> None:
        self.text, self.name = text, name
        driver = DRIVER.format(text=text, name=name, unchecked=unchecked)
        self._process = Student((), file=f"{name}.cu", provided=[("given", driver)], imports=("minicnn.course.compiled",), headers=(HEADERS,), limits=LIMITS)
        if problem := self._process.problem:
            self.close()
            raise WrongAnswer(str(problem))

    @property
    def ended(self) -> bool:
        """Has the process come to its end?"""
        return self._process.ended

    def close(self) -> None:
        """End it."""
        self._process.close()

    def launch(
        self, kernel: str, grid: tuple[int, ...], block: tuple[int, ...], arguments: Sequence[Any], *, order: str = "forward", seed: int = 0, check: bool = True
    ) -> Launched:
        """Run a kernel on copies of the arguments: arrays, integers (`int`) and floats (`float`). Arrays whose flag `writeable` is off may not be written.

        Raises:
            WrongAnswer: in the words of the simulator, what a thread does that it must not.
            StudentError: the process has ended, or takes too long.
        """
        read_only = [isinstance(a, np.ndarray) and not a.flags.writeable for a in arguments]
        found = self._process.launch(kernel, grid, block, list(arguments), read_only, order, seed, check)
        if isinstance(found, dict) and "error" in found:
            raise WrongAnswer(f"{found['error']}\n  launched as {_launch_in_words(kernel, grid, block, arguments, order)}")
        return self._launched(kernel, arguments, found)

    def _launched(self, kernel: str, arguments: Sequence[Any], found: Any) -> Launched:
        """What has come back, if it is what must come: machine code could have sent anything."""
        given = [a for a in arguments if isinstance(a, np.ndarray)]
        arrays, traffic = found["arrays"], [Traffic(*map(int, each)) for each in found["traffic"]]
        if not all(isinstance(a, np.ndarray) and (a.shape, a.dtype) == (b.shape, b.dtype) for a, b in zip(arrays, given, strict=True)):
            raise StudentError(f"{self.name}.cu has disturbed the process in which it runs")
        for now, before in zip(arrays, given, strict=True):
            if not before.flags.writeable and not np.array_equal(now, before, equal_nan=True):
                raise WrongAnswer(f"{kernel} has changed an array of shape {before.shape} that it may only read")
        return Launched([now for now, before in zip(arrays, given, strict=True) if before.flags.writeable], traffic)


def _launch_in_words(kernel: str, grid: tuple[int, ...], block: tuple[int, ...], arguments: Sequence[Any], order: str) -> str:
    given = ", ".join(f"array {a.shape}" if isinstance(a, np.ndarray) else f"{a}" for a in arguments)
    return f"{kernel}({given}), grid {grid}, block {block}, order {order}"


def kernels_of(student: Student, name: str, *, unchecked: bool = False) -> Kernels:
    """The kernels in a text that a student has written under that name. They are compiled once, and end with the process of the student.

    Args:
        unchecked: they can be launched without the memory check, too: say so at every call for this name, or at none.

    Raises:
        WrongAnswer: it is no text, or not written yet, or does not compile; or there is no compiler.
        StudentError: there is no such name, or to compile it takes too long.
    """
    text = _text(getattr(student, name), name)
    running: dict[str, Kernels] = vars(student).setdefault("_kernels", {})
    known = running.get(name)
    if known is None or known.ended or known.text != text:
        running[name] = Kernels(text, name, unchecked=unchecked)
        student.at_end(running[name].close)
    return running[name]


def _text(found: Any, name: str) -> str:
    """The text, if it is one that may be compiled."""
    if type(found) is not str:
        raise WrongAnswer(f'{name} must be a text, {name} = r"""...""", and is a {type(found).__name__}')
    if len(found) > LONGEST or clean(found) != found:
        raise WrongAnswer(f"{name} must be a text of up to {LONGEST:,} characters that a file can hold, and has {len(found):,}")
    if compiled.UNWRITTEN.search(found):
        raise WrongAnswer(f"not written yet: {name}")
    try:
        cuda.require_compiler()
    except BackendError as error:
        raise WrongAnswer(f"{name} cannot be checked on this computer: {error}") from None
    return found
