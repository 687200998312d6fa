"""A compiled `.cu` file and its kernels, which run on NumPy arrays: what CuPy's RawModule and RawKernel are on a GPU."""

import ctypes
import functools
import re
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import SimulatorError, nearest
from minicnn.kernels.cuda.simulator.arguments import Parameter, packer, parameters_of, values_of
from minicnn.kernels.cuda.simulator.compiler import compile_file, line_of, lines_of
from minicnn.kernels.cuda.simulator.guard import Guarded, Traffic
from minicnn.kernels.cuda.simulator.settings import ORDERS, settings

STANDARD_SHARED = 48 * 1024  # bytes of shared memory that a block has without asking
MOST_SHARED = 227 * 1024  # and at most, on a GPU of compute capability 9.0
MOST_THREADS = 1024
INSTRUCTION = re.compile("\1([0-9a-f]+)\2")  # its address, in a message of the memory check
LAUNCH = struct.Struct("@6I4Q3i2P")  # struct Launch of launch.h

_running = threading.RLock()  # the state of a launch is that of the process


class Library:
    """A shared library that the compiler has made of a .cu file.

    Args:
        lines: of the source, by the addresses of instructions; looked up when a message needs one if it is None.
    """

    def __init__(self, path: Path, lines: dict[int, str] | None = None) -> None:
        self.path, self.lines = path, lines
        self.functions = ctypes.CDLL(str(path))
        self._names, self._said = self.text("simulator_kernels"), self.text("simulator_message")

    @functools.cached_property
    def kernels(self) -> list[str]:
        """The names of the kernels in it."""
        return self._names().split()

    def text(self, function: str) -> Callable[[], str]:
        """A function without arguments that says something."""
        found = self.functions[function]
        found.restype = ctypes.c_char_p
        return lambda: found().decode("utf-8", "replace")

    def message(self) -> str:
        """What went wrong in the last launch; addresses of instructions become lines of the source."""
        said = self._said()
        first = INSTRUCTION.search(said)
        if first is None:
            return said
        line = self._line(first)
        rest = INSTRUCTION.sub(lambda found: self._line(found) or "another line", said[first.end() :])
        return (f"{line}: " if line else "") + said[: first.start()] + rest

    def _line(self, instruction: re.Match[str]) -> str:
        address = int(instruction[1], 16)
        return line_of(self.path, address) if self.lines is None else self.lines.get(address, "")


class Compiled:
    """A kernel of a library."""

    def __init__(self, library: Library, name: str) -> None:
        self.library, self.name = library, name
        self.launch = library.functions[f"simulator_launch_{name}"]
        self.launch.argtypes = [ctypes.c_char_p]
        self._signature = library.text(f"simulator_signature_{name}")

    @functools.cached_property
    def parameters(self) -> list[Parameter]:
        """What it declares, one for each argument."""
        return parameters_of(self.name, self._signature())

    @functools.cached_property
    def packer(self) -> struct.Struct:
        """Packs a value for each."""
        return packer(self.parameters)


class Kernel:
    """A kernel of a .cu file.

    Attributes:
        max_dynamic_shared_size_bytes: how much dynamic shared memory a launch may ask for; more than 48 KB has to be set here first, as with CuPy.
        traffic: of each argument, the bytes that the last launch with the memory check has read and written in global memory.
    """

    def __init__(self, module: "Module", name: str) -> None:
        self.module, self.name = module, name
        self.max_dynamic_shared_size_bytes = STANDARD_SHARED
        self.traffic: list[Traffic] = []
        self._compiled: dict[bool, Compiled] = {}

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: Sequence[Any], *, shared_mem: int = 0, stream: Any = None) -> None:  # noqa: ARG002
        """Run it on a grid of blocks of threads; comes back when all have returned.

        Args:
            args: arrays, None for a null pointer, and numbers of exactly the declared types. A Python int counts as int64, a float as float64.
            shared_mem: bytes of dynamic shared memory for each block.
            stream: as CuPy has it; nothing runs beside anything here.

        Raises:
            SimulatorError: an argument does not fit, a limit of the hardware is exceeded, or a thread does what it must not.
        """
        compiled = self._for_settings()
        values = values_of(self.name, compiled.parameters, args)
        sizes = (*self._sizes(grid, block, shared_mem), shared_mem, self._most_shared())
        if not settings().memory_check:
            self._run(compiled, sizes, values)
            return
        guarded = Guarded(compiled.parameters, args)
        values = [guarded.moved(v) if p.pointer else v for p, v in zip(compiled.parameters, values, strict=True)]
        self._run(compiled, sizes, values, guarded)
        guarded.bring_back()
        self.traffic = guarded.traffic(len(args))

    def _run(self, compiled: Compiled, sizes: tuple[int, ...], values: list[Any], guarded: Guarded | None = None) -> None:
        how, packed = settings(), compiled.packer.pack(*values)
        gap, count, addresses = (guarded.gap, len(guarded.arrays), guarded.addresses) if guarded else (0, 0, False)
        launch = LAUNCH.pack(*sizes, how.seed, gap, ORDERS.index(how.order), count, addresses, _address(packed), guarded.records.ctypes.data if guarded else 0)
        with _running:
            if compiled.launch(launch):
                raise SimulatorError(compiled.library.message())

    @property
    def parameters(self) -> list[Parameter]:
        """What the kernel declares, one for each argument."""
        return self._for_settings().parameters

    def _for_settings(self) -> Compiled:
        """The kernel as it is translated for the settings of the moment."""
        check = settings().memory_check
        if check not in self._compiled:
            self._compiled[check] = Compiled(self.module.library(check), self.name)
        return self._compiled[check]

    def _most_shared(self) -> int:
        """Bytes of shared memory that a block may use, declared and dynamic together."""
        return MOST_SHARED if self.max_dynamic_shared_size_bytes > STANDARD_SHARED else STANDARD_SHARED

    def _sizes(self, grid: tuple[int, ...], block: tuple[int, ...], shared_mem: int) -> tuple[int, ...]:
        """Blocks and threads along three axes. A 0 in the grid counts as 1, as CuPy has it."""
        for what, sizes in (("grid", grid), ("block", block)):
            if type(sizes) is not tuple or not 1 <= len(sizes) <= 3 or not all(isinstance(n, (int, np.integer)) for n in sizes):
                raise SimulatorError(f"{self.name}: a {what} is a tuple of one to three integers, such as (2,), not {sizes!r}; `//` divides integers")
        if min(grid) < 0:
            raise SimulatorError(f"{self.name}: a grid of {grid} blocks is negative")
        blocks, threads = tuple(max(1, n) for n in (*grid, 1, 1)[:3]), (*block, 1, 1)[:3]
        count = threads[0] * threads[1] * threads[2]
        if not 1 <= count <= MOST_THREADS or threads[2] > 64 or min(threads) < 1:
            raise SimulatorError(
                f"{self.name}: a block of {block} has {count} threads; it can have 1 to {MOST_THREADS}, and at most 64 along its third axis"
            )
        if blocks[0] >= 2**31 or max(blocks[1:]) > 65535:
            raise SimulatorError(f"{self.name}: a grid of {grid} blocks is too large: along its second and third axis it can have 65535")
        if shared_mem > MOST_SHARED:
            raise SimulatorError(f"{self.name}: {shared_mem} bytes of shared memory are more than the {MOST_SHARED} that a block can have")
        if shared_mem > self.max_dynamic_shared_size_bytes:
            raise SimulatorError(
                f"{self.name}: {shared_mem} bytes of shared memory are more than the 48 KB ({STANDARD_SHARED}) that a block has without asking: "
                f"set the kernel's max_dynamic_shared_size_bytes = {shared_mem} first"
            )
        return (*blocks, *threads)


class Module:
    """A .cu file, compiled for the CPU.

    Args:
        path: the file.
        options: as CuPy takes them, such as ("-DTILE=16",).

    Raises:
        SimulatorError: the file does not compile.
        BackendError: there is no C++ compiler.
    """

    def __init__(self, path: Path, options: Sequence[str] = ()) -> None:
        self.path, self.options = Path(path), tuple(options)
        self._paths: dict[bool, Path] = {}
        self._lines: dict[bool, dict[int, str]] = {}
        self._libraries: dict[bool, Library] = {}
        self.compile(settings().memory_check)

    @property
    def kernels(self) -> list[str]:
        """The names of the kernels in it."""
        return self._any_library().kernels

    def compile(self, memory_check: bool, *, lines: bool = False) -> Path:
        """Compile the file, with or without the memory check, and load nothing of it yet.

        Args:
            lines: look up all lines that a message may name: for a process that later on may start no other.
        """
        if memory_check not in self._paths:
            self._paths[memory_check] = compile_file(self.path, self.options, memory_check)
        if lines:
            self._lines[memory_check] = lines_of(self._paths[memory_check])
        return self._paths[memory_check]

    def library(self, memory_check: bool) -> Library:
        """The compiled file, loaded."""
        if memory_check not in self._libraries:
            path = self.compile(memory_check)
            try:
                self._libraries[memory_check] = Library(path, self._lines.get(memory_check))
            except OSError:  # damaged on disk
                path.unlink()
                del self._paths[memory_check]
                self._libraries[memory_check] = Library(self.compile(memory_check))
        return self._libraries[memory_check]

    def _any_library(self) -> Library:
        return self.library(next(iter(self._paths)))

    def get_function(self, name: str) -> Kernel:
        """The kernel of that name.

        Raises:
            SimulatorError: there is none.
        """
        if name not in self.kernels:
            raise SimulatorError(f"{self.path.name} has no kernel {name!r}: {nearest(name, self.kernels)}")
        return self.known(name)

    def known(self, name: str) -> Kernel:
        """The kernel of a name that is known to be there.

        Raises:
            SimulatorError: its name has been changed by C++.
        """
        if not hasattr(self._any_library().functions, name):
            raise SimulatorError(f'{self.path.name}: write extern "C" before the kernel {name}; without it CuPy does not find the name')
        return Kernel(self, name)


def _address(data: bytes) -> int:
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
