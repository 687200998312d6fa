"""NVIDIA's compilers, where they are installed: NVRTC and nvdisasm from their packages, nvcc from CUDA. None of them needs a GPU."""

import ctypes
import functools
import importlib.util
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PACKAGES = "nvidia-cuda-nvrtc nvidia-cuda-nvdisasm"
FOLDER = Path(__file__).resolve().parents[3] / "kernels" / "cuda"


class CompileException(Exception):
    """Like the exception of cupy.cuda.compiler: its text is the compiler's log."""

    __module__ = "cupy.cuda.compiler"


def in_packages(pattern):
    """A file below site-packages/nvidia, or None."""
    spec = importlib.util.find_spec("nvidia")
    folders = spec.submodule_search_locations if spec else []
    return next((path for folder in folders for path in sorted(Path(folder).glob(pattern), reverse=True)), None)


@functools.cache
def nvrtc():
    """The library, or the test is skipped."""
    path = in_packages("*/lib/libnvrtc.so.*")
    if path is None:
        pytest.skip(f"could not find NVRTC: pip install {PACKAGES}")
    library = ctypes.CDLL(str(path))
    library.nvrtcGetErrorString.restype = ctypes.c_char_p
    return library


def compile_with_nvrtc(text, options, name="kernels.cu"):
    """(machine code, log) of a source; raises CompileException. The options are passed as they are."""
    library, program, size = nvrtc(), ctypes.c_void_p(), ctypes.c_size_t()

    def call(function, *args):
        status = getattr(library, function)(*args)
        assert status == 0, f"{function}: {library.nvrtcGetErrorString(status).decode()}"

    def read(what):
        call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        call(f"nvrtcGet{what}", program, buffer)
        return buffer.raw

    call("nvrtcCreateProgram", ctypes.byref(program), text.encode(), name.encode(), 0, None, None)
    try:
        status = library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*(o.encode() for o in options)))
        log = read("ProgramLog").rstrip(b"\0").decode()
        if status:
            raise CompileException(log or library.nvrtcGetErrorString(status).decode())
        return read("CUBIN"), log
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def disassembled(code):
    """{kernel: its machine instructions}, of machine code that NVRTC has made."""
    path = in_packages("*/bin/nvdisasm")
    program = str(path) if path else shutil.which("nvdisasm")
    if program is None:
        pytest.skip(f"could not find nvdisasm: pip install {PACKAGES}")
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(code)
        file.flush()
        text = subprocess.run([program, "-c", file.name], check=True, capture_output=True, text=True).stdout
    parts = re.split(r"^//-+ \.text\.(\w+)", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def compile_with_nvcc(path, options, out):
    """Machine code of a file, with the compiler of a CUDA that is installed."""
    program = shutil.which("nvcc")
    if program is None:
        pytest.skip("nvcc is not installed")
    done = subprocess.run([program, "-cubin", "-Werror=all-warnings", *options, "-o", str(out), str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert out.stat().st_size > 0
