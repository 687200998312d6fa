"""What the backends `cupy` and `cudasim` need of the machine, and what to do where it is missing."""

import functools
import importlib
import importlib.util
import shutil
from types import ModuleType

from minicnn.errors import BackendError


def cupy() -> ModuleType:
    """The module `cupy`, imported when it is first needed."""
    return importlib.import_module("cupy")


def require_gpu() -> None:
    """Raise a BackendError that says what to do if CuPy cannot compute here."""
    problem = gpu_problem()
    if problem is not None:
        raise BackendError(f"backend 'cupy' cannot run here: {problem}")


@functools.cache
def gpu_problem() -> str | None:
    """Why there is no GPU to compute on, and which command mends it; None if there is one."""
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed: pip install -e '.[gpu]' in the checkout (gpu-cuda13 for CUDA 13)"
    if not cupy().cuda.is_available():
        return "CuPy finds no GPU"
    return None


def require_compiler() -> None:
    """Raise a BackendError that says what to do if there is no C++ compiler for the simulator."""
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        raise BackendError("backend 'cudasim' needs a C++ compiler, g++ or clang++: sudo apt install g++")
