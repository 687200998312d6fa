"""Machines to diagnose: a CuPy that works, and one change that breaks it."""

import importlib.machinery
import sys
import types
from types import SimpleNamespace

from minicnn.cuda import machine


class CudaError(RuntimeError):
    """Like CuPy's CUDARuntimeError: a number, and a text that begins with its name."""

    __module__ = "cupy_backends.cuda.api.runtime"

    def __init__(self, status, said):
        super().__init__(said)
        self.status = status


class OutOfMemory(MemoryError):
    """Like cupy.cuda.memory.OutOfMemoryError."""

    __module__ = "cupy.cuda.memory"


def raises(error):
    def function(*_, **__):
        raise error

    return function


class Device:
    capability = "90"

    def __init__(self, number=0):
        self.id, self.compute_capability = number, type(self).capability


class Cuda(SimpleNamespace):
    """`cupy.cuda`; cuBLAS is loaded when somebody asks for it."""

    missing = None

    @property
    def cublas(self):
        if self.missing is not None:
            raise self.missing
        return SimpleNamespace()


def working(monkeypatch, *, packages=("cupy-cuda13x",), driver=13000):
    """Pretend that this machine has a GPU and a CuPy that works; returns what a test may break."""
    cupy = types.ModuleType("cupy")
    cupy.__spec__ = importlib.machinery.ModuleSpec("cupy", None, origin="cupy/__init__.py")
    cupy.__version__ = "14.2.0"
    cupy.empty = lambda shape: None
    runtime = SimpleNamespace(
        is_hip=False,
        runtimeGetVersion=lambda: 13000,
        getDeviceCount=lambda: 1,
        getDeviceProperties=lambda number: {"name": b"NVIDIA H200"},
    )
    cupy.cuda = Cuda(runtime=runtime, Device=type("Device", (Device,), {}), nvrtc=SimpleNamespace(getVersion=lambda: (13, 2)))
    pathfinder = types.ModuleType("cuda.pathfinder")
    pathfinder.find_nvidia_header_directory = lambda library: "/include"
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cuda", types.ModuleType("cuda"))
    monkeypatch.setitem(sys.modules, "cuda.pathfinder", pathfinder)
    monkeypatch.setattr(machine, "installed", lambda: list(packages))
    monkeypatch.setattr(machine, "driver_version", lambda: driver)
    monkeypatch.setattr(machine, "_gpu_found", False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return cupy
