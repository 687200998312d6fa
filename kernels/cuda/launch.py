"""Launches a kernel of a `.cu` file: on the GPU if its arrays are CuPy's, in the simulator if they are NumPy's.

A source is compiled once for each element type. The type is handed to it as two macros: STORE, the type of the numbers in memory, and REAL, the type
that sums are computed in.

    float32     STORE float     REAL float
    float64     STORE double    REAL double
    float16     STORE half16    REAL float      (half16 and bf16 are in numbers.cuh)
    bfloat16    STORE bf16      REAL float
"""

import functools
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicnn import cuda
from minicnn.errors import ArgumentError
from minicnn.kernels.array.module import array_module

FOLDER = Path(__file__).resolve().parent
THREADS = 256  # of a block, where a kernel does not care
TYPES = {"float32": ("float", "float"), "float64": ("double", "double"), "float16": ("half16", "float"), "bfloat16": ("bf16", "float")}

_functions: dict[Any, Any] = {}
_modules: dict[Any, Any] = {}


def launch(
    source: str,
    kernel: str,
    grid: int | tuple[int, ...],
    block: int | tuple[int, ...],
    args: Sequence[Any],
    *,
    dtype: Any,
    shared: int = 0,
    macros: tuple[str, ...] = (),
    arch: str = "",
) -> None:
    """Run `kernel` of the file `source` on a grid of blocks of threads.

    Args:
        source: the file, without its ending: "pool" for pool.cu. One of your own, elsewhere, with its whole path.
        grid: number of blocks, along up to three axes.
        block: number of threads in each.
        args: arrays, which must be contiguous in the order in which the kernel reads them; None, a null pointer; Python's integers, which become
            `int`; Python's floats, which become `double`; NumPy's scalars and structures of one element, as they are.
        dtype: element type, for STORE and REAL.
        shared: bytes of dynamic shared memory for each block.
        macros: more definitions, such as "TILE=64". Each combination is compiled once.
        arch: the architecture to compile for, such as "sm_90a", where the kernel uses what only that one has; by default that of the GPU.

    Raises:
        ArgumentError: there is no such file, or `dtype` is no type of numbers that kernels compute with.
        BackendError: the GPU cannot run it; says why.
        SimulatorError: it does not compile, an argument does not fit, or a thread does what it must not.
    """
    place = _place(args)
    key = place, source, kernel, dtype, macros, arch
    function = _functions.get(key)
    try:
        if function is None:
            function = _functions[key] = _module(place, source, np.dtype(dtype).name, macros, arch).get_function(kernel)
        if shared > 48 * 1024 and function.max_dynamic_shared_size_bytes < shared:
            function.max_dynamic_shared_size_bytes = shared  # more than the standard 48 KB has to be asked for
        function(
            grid if isinstance(grid, tuple) else (grid,),
            block if isinstance(block, tuple) else (block,),
            tuple([np.int32(a) if type(a) is int else a for a in args]),
            shared_mem=shared,
        )
    except Exception as error:
        if (said := cuda.explained(error, f"kernel {kernel} of {source}.cu, grid {grid}, block {block}")) is None:
            raise
        raise said from error


@functools.cache
def real(dtype: Any) -> np.dtype[Any]:
    """REAL: the type that sums of such numbers are computed in.

    >>> real("float16"), real("float64")
    (dtype('float32'), dtype('float64'))
    """
    return np.dtype(np.float64 if np.dtype(dtype) == np.float64 else np.float32)


def blocks(count: int, threads: int = THREADS) -> int:
    """How many blocks of `threads` threads it takes so that there is one thread for each of `count` things.

    >>> blocks(1000, 256)
    4
    """
    return -(-count // threads)


def _place(args: Sequence[Any]) -> Any:
    """The module whose arrays are among the arguments: where the kernel has to run."""
    return next((array_module(a) for a in args if type(a).__module__ == "cupy"), np)


def _module(place: Any, source: str, dtype: str, macros: tuple[str, ...], arch: str) -> Any:
    """The compiled file. On a GPU CuPy compiles it, with NVRTC, and keeps the machine code on disk."""
    key = place, source, dtype, macros, arch
    if key not in _modules:
        path = FOLDER / f"{source}.cu"
        if not path.is_file():
            raise ArgumentError(f"launch: there is no file {path}; one of your own is given with its whole path, without .cu: str(Path('my_kernel').resolve())")
        if dtype not in TYPES:
            raise ArgumentError(f"launch: dtype is the type of the numbers, one of {', '.join(TYPES)}, not {dtype}")
        store, sums = TYPES[dtype]
        folders = tuple(dict.fromkeys((FOLDER, path.parent)))
        options = (*(f"-I{folder}" for folder in folders), *(f"-D{m}" for m in (f"STORE={store}", f"REAL={sums}", *macros)))
        if place is np:
            from minicnn.kernels.cuda.simulator.module import Module

            _modules[key] = Module(path, options)
        else:
            text = f'#line 1 "{path.as_posix()}"\n{path.read_text(encoding="utf-8")}'  # so that errors name this file
            options = ("-std=c++17", f"-DHEADERS={_headers(folders)}", *options, *((f"-arch={arch}",) if arch else ()))
            _modules[key] = sys.modules["cupy"].RawModule(code=text, options=options)
    return _modules[key]


@functools.cache
def _headers(folders: tuple[Path, ...]) -> str:
    """A number that changes with the headers: CuPy takes machine code from its disk if a file's own text and its options are the same as then."""
    text = b"".join(path.read_bytes() for path in sorted(path for folder in folders for path in folder.glob("*.cuh")))
    return f"0x{hashlib.sha256(text).hexdigest()[:16]}"
