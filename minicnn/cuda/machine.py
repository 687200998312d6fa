"""What the backends `cupy` and `cudasim` need of the machine, and which command brings what is missing.

A GPU is of use if a chain of things is right: one CuPy, which can be imported, of a version that fits; NVIDIA's driver, as new as CuPy's CUDA; a GPU that is
neither hidden nor too old; the libraries that CuPy compiles and multiplies with; and some free memory. `gpu_problem` walks along the chain and stops at the
first thing that is wrong, because what comes behind it cannot be told.
"""

import ctypes
import importlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from minicnn.cuda.trouble import NO_DEVICE, explained
from minicnn.errors import BackendError, OutOfMemoryError, install

EXTRAS = {"cupy-cuda12x": "gpu", "cupy-cuda13x": "gpu-cuda13"}  # which extra brings which CuPy
PACKAGES = (*EXTRAS, "cupy", "cupy-cuda11x")  # each of them is the module `cupy`, so there can be one
OLDEST_CUPY = 14
OLDEST_GPU = 75  # compute capability 7.5: the kernels are compiled for it in the tests, and for nothing older
PIP = f"{sys.executable} -m pip"

_gpu_found = False


class Problem(NamedTuple):
    """What is wrong, and what to do about it: a command, where one helps."""

    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.found}: {self.remedy}"


def cupy() -> ModuleType:
    """The module `cupy`, imported when it is first needed."""
    return importlib.import_module("cupy")


def require_gpu() -> None:
    """Raise a BackendError that says what to do if CuPy cannot compute here."""
    global _gpu_found  # noqa: PLW0603 - looked for until it is there, then never again
    if not _gpu_found and (problem := gpu_problem()):
        raise BackendError(f"backend 'cupy' cannot run here: {problem}")
    _gpu_found = True


def gpu_problem() -> Problem | None:
    """Why there is no GPU to compute on, and what to do; None if there is one."""
    chain: tuple[Callable[[], Problem | None], ...] = (_packages, _import, _version, _driver, _device, _libraries, _memory)
    return next((problem for look in chain if (problem := look())), None)


def _packages() -> Problem | None:
    packages = installed()
    if len(packages) > 1:
        return Problem(f"{' and '.join(packages)} are installed, and each has overwritten files of the other", _replace(packages, extra_for_driver()))
    spec = importlib.util.find_spec("cupy")
    if spec is None:
        return Problem("CuPy is not installed", f"with an NVIDIA GPU, {install(extra_for_driver())}")
    if spec.origin is None:  # a folder without __init__.py: what is left when one of two packages was removed
        return Problem("CuPy's files are incomplete", _again())
    return None


def _import() -> Problem | None:
    try:
        cupy()
    except Exception as error:  # noqa: BLE001 - mostly ImportError, but a NumPy that does not fit may raise anything
        cause = str(error).rpartition("Original error:")[2]  # CuPy frames it with general advice
        cause = next((line.strip(" =") for line in cause.splitlines() if line.strip(" =")), type(error).__name__)
        return Problem(f"CuPy cannot be imported ({cause})", install(_extra()) if "numpy" in cause.lower() else _again())
    return None


def _version() -> Problem | None:
    if cupy().cuda.runtime.is_hip:
        return Problem("this CuPy is for AMD's GPUs, and the kernels are for NVIDIA's", "use backend 'numba'")
    if int(cupy().__version__.partition(".")[0]) < OLDEST_CUPY:
        return Problem(f"CuPy {cupy().__version__} is too old, it must be {OLDEST_CUPY} or newer", _replace(installed(), extra_for_driver()))
    return None


def _driver() -> Problem | None:
    driver, mine = driver_version(), cupy().cuda.runtime.runtimeGetVersion()
    if not driver:
        with_gpu = "if there is an NVIDIA GPU, install its driver (Ubuntu: sudo ubuntu-drivers install; in a container: docker run --gpus all)"
        return Problem("there is no NVIDIA driver", f"{with_gpu}; if not, backend 'cudasim' runs the same kernels on the CPU")
    if driver < 12000:
        return Problem(f"the NVIDIA driver is for CUDA {dotted(driver)} and too old", "install a driver of version 525 or newer")
    if driver // 1000 < mine // 1000:
        return Problem(f"the NVIDIA driver is for CUDA {dotted(driver)}, CuPy for CUDA {mine // 1000}", _replace(installed(), "gpu"))
    return None


def _device() -> Problem | None:
    try:
        count = cupy().cuda.runtime.getDeviceCount()
    except Exception as error:  # noqa: BLE001 - CuPy's own, which has no name without importing it
        if getattr(error, "status", None) != NO_DEVICE:
            return Problem(f"the GPU cannot be used ({error})", "nvidia-smi shows whether the driver works; if it has just been updated, restart the computer")
        count = 0
    if not count and (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return Problem(f"CUDA_VISIBLE_DEVICES={visible!r} hides every GPU", "unset CUDA_VISIBLE_DEVICES, or put a number into it that nvidia-smi lists")
    if not count:
        return Problem("the driver finds no GPU", "nvidia-smi lists those that work")
    device = cupy().cuda.Device()
    if int(device.compute_capability) < OLDEST_GPU:
        advice = "choose another one with CUDA_VISIBLE_DEVICES" if count > 1 else "use backend 'numba'"
        return Problem(f"{gpu_name(device.id)}, is too old, the kernels need {OLDEST_GPU / 10} or newer", advice)
    return None


def _libraries() -> Problem | None:
    try:
        compiler, _ = cupy().cuda.nvrtc.getVersion()
        _ = cupy().cuda.cublas  # is loaded now
        headers = importlib.import_module("cuda.pathfinder").find_nvidia_header_directory("cudart")
    except Exception as error:  # noqa: BLE001 - ImportError, RuntimeError, or an error of the package that looks for libraries
        return Problem(f"CuPy's CUDA libraries are missing ({(str(error) or type(error).__name__).splitlines()[0]})", install(_extra()))
    if headers is None:
        return Problem("CuPy's CUDA headers are missing", install(_extra()))
    if compiler > driver_version() // 1000:  # installed beside those of the extra, and found first
        what = f"NVRTC is of CUDA {compiler}, and the NVIDIA driver for CUDA {dotted(driver_version())} cannot run what it compiles"
        return Problem(what, f"{PIP} uninstall -y nvidia-cuda-nvrtc && {install(_extra())}")
    return None


def _memory() -> Problem | None:
    try:
        cupy().empty(1)
    except Exception as error:  # noqa: BLE001 - as above
        said = explained(error)
        if isinstance(said, OutOfMemoryError):
            return Problem("the GPU's memory is full", "nvidia-smi shows which programs hold it: end one, or choose another GPU with CUDA_VISIBLE_DEVICES")
        return Problem(f"the GPU cannot be used ({said or error})", "nvidia-smi shows whether it works, and whether a program has it to itself")
    return None


def installed() -> list[str]:
    """The packages that bring the module `cupy` and are installed. It should be one."""
    from importlib import metadata

    def is_installed(package: str) -> bool:
        try:
            metadata.distribution(package)
        except metadata.PackageNotFoundError:
            return False
        return True

    return [package for package in PACKAGES if is_installed(package)]


def driver_version() -> int:
    """The newest CUDA that NVIDIA's driver runs, as CUDA counts: 12040 is 12.4. Without a driver 0.

    The driver itself is asked, not CuPy, which may be what is missing.
    """
    version = ctypes.c_int(0)
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return 0
    return version.value


def extra_for_driver() -> str:
    """The extra to install with this driver. CUDA 12 runs on newer drivers, too, but CUDA 13 not on older ones."""
    return "gpu-cuda13" if driver_version() >= 13000 else "gpu"


def _extra() -> str:
    """The extra of the CuPy that is installed."""
    return next((EXTRAS[package] for package in installed() if package in EXTRAS), extra_for_driver())


def _again() -> str:
    """The command that installs CuPy's files anew."""
    packages = installed()
    return f"{PIP} install --force-reinstall --no-deps {packages[0]}" if packages else install(extra_for_driver())


def _replace(packages: list[str], extra: str) -> str:
    """The command that installs an extra, and before that takes away packages which would be in its way."""
    alone = len(packages) == 1 and EXTRAS.get(packages[0]) == extra
    return install(extra) if alone or not packages else f"{PIP} uninstall -y {' '.join(packages)} && {install(extra)}"


def gpu_name(device: int) -> str:
    """What the GPU with this number is called, and its compute capability."""
    name = cupy().cuda.runtime.getDeviceProperties(device)["name"].decode()
    major, minor = divmod(int(cupy().cuda.Device(device).compute_capability), 10)
    return f"{name}, compute capability {major}.{minor}"


def dotted(version: int) -> str:
    """A version of CUDA as people write it.

    >>> dotted(12040)
    '12.4'
    """
    return f"{version // 1000}.{version % 1000 // 10}"


def require_compiler() -> None:
    """Raise a BackendError that says what to do if there is no C++ compiler for the simulator."""
    if compiler() is None:
        raise BackendError("backend 'cudasim' needs a C++ compiler, g++ or clang++: sudo apt install g++ (macOS: xcode-select --install)")


def compiler() -> str | None:
    """The path of the C++ compiler that the simulator uses, if there is one."""
    return shutil.which("g++") or shutil.which("clang++")
