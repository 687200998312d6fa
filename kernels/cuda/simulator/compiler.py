"""Compiles a `.cu` file for the CPU, with g++ or clang++."""

import functools
import itertools
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from minicnn import cuda
from minicnn.errors import SimulatorError
from minicnn.kernels.cuda.simulator.cache import cached, hashed
from minicnn.kernels.cuda.simulator.source import rewrite

HERE = Path(__file__).resolve().parent
OURS = Path("/simulator")  # where the headers are, for whoever asks a library for its lines: another checkout may have compiled it
SECONDS = 300  # that the compiler may take
INSTRUCTION = re.compile(r"^ +([0-9a-f]+):\s+(\w+)", re.MULTILINE)  # of objdump: its address and its name
ADDRESS = re.compile(r"^(0x[0-9a-f]+)\n((?:(?!0x).+\n)*)", re.MULTILINE)  # of addr2line: an address, and the places that it has in the source
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)

FLAGS = (
    "-O2", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math",  # fast, and every result IEEE's
    "-fno-strict-aliasing", "-fno-exceptions", "-fno-threadsafe-statics", "-fPIC", "-fvisibility=hidden",
    "-fmax-errors=3",
    "-Werror=frame-larger-than=65536",  # a thread has a small stack
)  # fmt: skip
MEMORY_CHECK = ("-g1", "-DSIMULATOR_MEMORY_CHECK", "-fsanitize=thread")

HINTS = {  # what an error of the compiler comes from, as a rule
    r"#\s*include\s*<": "kernels are compiled without CUDA's headers and those of C++, as CuPy does; only your own can be included",
    r"Assembler messages|impossible constraint|invalid .asm.|unknown register": "machine instructions of a GPU (asm) do not run on a CPU: put the "
    "function that uses them between #ifndef MINICNN_SIMULATOR and #endif, and write one without them for the simulator",
    r"frame size (of|\()": "a thread has a stack of 96 KB here: arrays of that size belong in shared or global memory",
    r"deleted function .unsigned int __activemask": "which lanes are together is up to the hardware: give the primitive the mask of the lanes that you mean",
    r"cooperative_groups|__cluster|cuda::": "cooperative groups, clusters and the CUDA C++ library are not simulated",
    r"<<<": "the file of a kernel has no code for the host in it: launch it from Python",
}


def compile_file(path: Path, options: Sequence[str], memory_check: bool) -> Path:
    """The shared library of a .cu file, from the cache if it is there.

    Args:
        options: as CuPy takes them; -D, -I, -U and -std count, the others are for a GPU's compiler.

    Raises:
        SimulatorError: the file does not compile, with the compiler's words.
        BackendError: there is no compiler.
    """
    compiler, version = _compiler()
    kept = [o for o in options if o.startswith(("-D", "-I", "-U", "-std="))]
    flags = [*_flags(version, kept), *(_checking(version) if memory_check else ())]
    folders = [path.parent, *(Path(o[2:]) for o in kept if o.startswith("-I"))]
    macros = [o for o in kept if o.startswith(("-D", "-U"))]
    key = hashed(version, str(OURS), " ".join(macros), " ".join(flags), _with_headers(path, folders), _runtime())
    return cached(key, lambda target: _compile(compiler, path, kept, flags, target))


def _compile(compiler: str, path: Path, options: list[str], flags: list[str], target: Path) -> None:
    front = [f for f in flags if f.startswith("-std=")] + ["-nostdinc", "-DMINICNN_SIMULATOR", f"-I{path.parent}", *options]
    text, _ = rewrite(_run([compiler, "-E", "-x", "c++", *front, str(path)], path))
    headers = ["-include", str(HERE / "simulator.h"), f"-fdebug-prefix-map={HERE}={OURS}"]
    start, link = [compiler, "-x", "c++", *headers, *flags], ["-shared", *_linking(), "-o", str(target)]
    if MEMORY_CHECK[0] not in flags:
        _run([*start, *link, "-"], path, text)
        return
    assembled = str(target.with_suffix(".o"))  # linked without -fsanitize: what the compiler calls is in memory_check.h
    _run([*start, "-c", "-o", assembled, "-"], path, text)
    _run([compiler, *link, assembled], path)


def _flags(version: str, options: list[str]) -> list[str]:
    standard = next((o for o in reversed(options) if o.startswith("-std=")), "-std=c++17")
    own = [o for o in options if o.startswith("-DSIMULATOR_")]
    gcc = [] if "clang" in version else ["-fno-gnu-unique"]  # or one library would use the variables of another
    if gcc and platform.machine() == "x86_64":
        gcc.append("-mno-red-zone")  # GCC 12 misplaces arrays of 16-byte structures by 8 bytes in the red zone
    return [standard, *FLAGS, *gcc, *own]


def _checking(version: str) -> list[str]:
    return [*MEMORY_CHECK, "-fsanitize=bounds,alignment" if "clang" in version else "-fsanitize=bounds-strict,alignment"]


def _linking() -> list[str]:
    return ["-Wl,-Bsymbolic", "-nostartfiles"] if sys.platform == "linux" else []


def _run(command: list[str], path: Path, text: str | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=SECONDS, env=environment)
    except subprocess.TimeoutExpired:
        raise SimulatorError(f"{path}: the compiler has not finished after {SECONDS} seconds") from None
    if done.returncode:
        raise SimulatorError(_explained(path, done.stderr))
    return done.stdout


def _explained(path: Path, errors: str) -> str:
    """What the compiler says, from its first error on, and what that comes from."""
    lines = errors.splitlines()
    first = next((i for i, line in enumerate(lines) if re.search(r"\b(fatal error|error|Error):", line)), 0)
    hint = next((hint for pattern, hint in HINTS.items() if re.search(pattern, errors)), None)
    said = "\n".join(lines[first : first + 20])
    return f"{path.name} does not compile: {said}" + (f"\n({hint})" if hint else "")


@functools.cache
def _compiler() -> tuple[str, str]:
    """The compiler and what it says of itself."""
    cuda.require_compiler()
    compiler = shutil.which("g++") or shutil.which("clang++") or ""
    return compiler, subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout


def _with_headers(path: Path, folders: list[Path]) -> str:
    """The text of a file and of every file that it includes."""
    texts: dict[Path, str] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in texts:
            texts[file] = file.read_text(encoding="utf-8")
            found = [folder / name for name in INCLUDE.findall(texts[file]) for folder in (file.parent, *folders)]
            waiting += [candidate for candidate in found if candidate.is_file()]
    return "".join(f"{file.name}\n{text}" for file, text in sorted(texts.items()))


@functools.cache
def _runtime() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in [*sorted(HERE.glob("*.h")), HERE / "source.py"])


def line_of(library: Path, offset: int) -> str:
    """The line of the source that an instruction comes from, as "file.cu:12"; "" if the system cannot tell."""
    tool = shutil.which("addr2line")
    if tool is None:
        return ""
    done = subprocess.run([tool, "-e", str(library), "-i", hex(offset)], capture_output=True, text=True, check=False)
    return _outside(done.stdout)


def lines_of(library: Path) -> dict[int, str]:
    """`line_of` each call in a library, by the address of its last byte; {} if the system cannot tell."""
    disassembler, tool = shutil.which("objdump"), shutil.which("addr2line")
    if disassembler is None or tool is None:
        return {}
    code = subprocess.run([disassembler, "-d", "--no-show-raw-insn", str(library)], capture_output=True, text=True, check=False).stdout
    found = INSTRUCTION.findall(code)
    ends = [int(following, 16) - 1 for (_, name), (following, _) in itertools.pairwise(found) if name.startswith(("call", "bl"))]
    asked = "\n".join(map(hex, ends))
    done = subprocess.run([tool, "-e", str(library), "-i", "-a"], input=asked, capture_output=True, text=True, check=False)
    return {int(address, 16): _outside(places) for address, places in ADDRESS.findall(done.stdout)}


def _outside(places: str) -> str:
    """Of a place and those into which the compiler has put it, one on each line, the first that is not in the simulator."""
    found = [line.split(" (")[0].rpartition(":") for line in places.splitlines()]
    return next((f"{Path(file).name}:{line}" for file, _, line in found if Path(file).parent != OURS and line.isdecimal()), "")
