"""The part of the stand-in for CuPy that has to do with a GPU: kernels, which the simulator runs by CuPy's own rules, streams, events and memory.

CuPy's rules for the arguments of a kernel: its own arrays become pointers, whatever their strides; None is a null pointer; a Python int becomes int64 and a
float float64; a NumPy array is passed by its value and must have one element; everything else is refused.
"""

import contextlib
import ctypes
import hashlib
import re
import tempfile
import time
import types
from pathlib import Path

import numpy as np

from minicnn.kernels.cuda.simulator import Module

CAPABILITY = "90"
_folder = tempfile.TemporaryDirectory(prefix="stand-in-cupy-")


class RawModule:
    """Kernels from the text of a .cu file. As in CuPy, nothing is compiled before the first kernel is asked for."""

    def __init__(self, *, code=None, path=None, options=(), backend="nvrtc", name_expressions=None):
        if (code is None) == (path is None):
            raise TypeError("Exactly one of `code` and `path` keyword arguments must be given.")
        if not isinstance(options, tuple):
            raise TypeError(f"Argument 'options' has incorrect type (expected tuple, got {type(options).__name__})")
        if path is not None or name_expressions is not None or backend != "nvrtc":
            raise NotImplementedError('the stand-in compiles code, and finds kernels that are extern "C"')
        self.code, self.options, self.module = code, options, None

    def get_function(self, name):
        if self.module is None:
            self.module = Module(file_of(self.code), tuple(o for o in self.options if not o.startswith("-DHEADERS=")))
        return RawKernel._of(self.module.get_function(name))


def file_of(code):
    """A file with this text: where its first line says that it comes from, if that is so, since the simulator may have compiled it already."""
    line, _, text = code.partition("\n")
    named = re.fullmatch(r'#line 1 "(.*)"', line)
    if named and Path(named[1]).read_text(encoding="utf-8") == text:
        return Path(named[1])
    file = Path(_folder.name) / hashlib.sha256(code.encode()).hexdigest() / "kernels.cu"
    file.parent.mkdir(exist_ok=True)
    file.write_text(code)
    return file


class RawKernel:
    """A kernel, which is launched with `kernel(grid, block, args, shared_mem=...)`."""

    def __init__(self, code, name, options=(), backend="nvrtc"):
        self.kernel = RawModule(code=code, options=options, backend=backend).get_function(name).kernel

    @classmethod
    def _of(cls, kernel):
        self = cls.__new__(cls)
        self.kernel = kernel
        return self

    @property
    def max_dynamic_shared_size_bytes(self):
        return self.kernel.max_dynamic_shared_size_bytes

    @max_dynamic_shared_size_bytes.setter
    def max_dynamic_shared_size_bytes(self, size):
        self.kernel.max_dynamic_shared_size_bytes = size

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        for name, value in (("grid", grid), ("block", block)):
            if not isinstance(value, tuple):
                raise TypeError(f"Argument '{name}' has incorrect type (expected tuple, got {type(value).__name__})")
        pointers = [p.pointer for p in self.kernel.parameters] + [False] * len(args)
        given = [argument(a, pointer) for a, pointer in zip(args, pointers, strict=False)]
        do(lambda: self.kernel(grid, block, given, shared_mem=shared_mem))


def argument(value, pointer):
    """An argument by CuPy's rules, as the simulator takes it."""
    if type(value).__module__ == "cupy":
        return value.inner
    if isinstance(value, np.ndarray) and value.size != 1:
        raise TypeError(
            f"You are trying to pass a numpy.ndarray of shape {value.shape} as a kernel parameter. Only numpy.ndarrays of size one can be passed "
            "by value. If you meant to pass a pointer to __global__ memory, you need to pass a cupy.ndarray instead."
        )
    if not isinstance(value, (type(None), bool, int, float, np.ndarray, np.generic)):
        raise TypeError(f"Unsupported type {type(value)}")
    if pointer and value is not None:
        raise TypeError(f"{value!r} is passed by its value, and the kernel takes it for an address")
    return value


class Graph:
    """Work that has been recorded, to be done at each launch. Kernels are only recorded; NumPy's functions also compute, for somebody asks for the shape."""

    recording = None

    def __init__(self):
        self.work = []

    def launch(self, stream=None):
        for work in self.work:
            work()


def do(work):
    """Now, or, while a graph is recorded, with each launch."""
    if Graph.recording is None:
        work()
    else:
        Graph.recording.work.append(work)


def note(work, result=None, args=()):
    """What has been done is to be done again with each launch, into the same memory; but for views, which are no work, and for memory without values."""
    if Graph.recording is None:
        return
    is_view = any(isinstance(a, np.ndarray) and np.may_share_memory(a, result) for a in args)
    if result is None:
        Graph.recording.work.append(work)
    elif isinstance(result, np.ndarray) and not is_view and result.tobytes().strip(b"\xff"):
        Graph.recording.work.append(lambda: np.copyto(result, work()))


class Event:
    def __init__(self, *_, **__):
        self.time = None

    def record(self, stream=None):
        self.time = time.perf_counter()

    def synchronize(self):
        pass

    done = True


class Stream:
    """A queue of work. Here nothing waits: what is put into it is done at once."""

    ptr = 0
    current = None

    def __init__(self, null=False, non_blocking=False):
        self.null, self.before = null, []

    def __enter__(self):
        self.before.append(Stream.current)
        Stream.current = self
        return self

    def __exit__(self, *_):
        Stream.current = self.before.pop()

    def use(self):
        Stream.current = self
        return self

    def synchronize(self):
        pass

    def record(self, event=None):
        event = event or Event()
        event.record()
        return event

    def wait_event(self, event):
        pass

    def begin_capture(self, mode=None):
        Graph.recording = Graph()

    def end_capture(self):
        graph, Graph.recording = Graph.recording, None
        return graph


class MemoryPool:
    """Memory comes from NumPy."""

    def malloc(self, size):
        raise NotImplementedError("the stand-in's memory is NumPy's")

    def used_bytes(self):
        return 0

    total_bytes = used_bytes

    def free_all_blocks(self, stream=None):
        pass


class Device:
    compute_capability = CAPABILITY
    id = 0

    def __init__(self, device=0):
        pass

    def synchronize(self):
        pass


class CUDARuntimeError(RuntimeError):
    """An error of the GPU."""


def make_cuda():
    """A module `cupy.cuda`."""
    cuda = types.ModuleType("cupy.cuda")
    null = Stream(null=True)
    cuda.is_available = lambda: True
    cuda.Stream, cuda.Event, cuda.Device, cuda.MemoryPool = Stream, Event, Device, MemoryPool
    cuda.get_current_stream = lambda: Stream.current or null
    cuda.get_elapsed_time = lambda start, end: 1e3 * (end.time - start.time)
    cuda.alloc_pinned_memory = lambda nbytes: (ctypes.c_ubyte * nbytes)()
    cuda.using_allocator = lambda allocator=None: contextlib.nullcontext()
    cuda.runtime = types.SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        is_hip=False,
        deviceSynchronize=lambda: None,
        driverGetVersion=lambda: 13000,
        getDevice=lambda: 0,
        getDeviceCount=lambda: 1,
        getDeviceProperties=lambda device: {"name": b"stand-in", "major": 9, "minor": 0, "multiProcessorCount": 1, "totalGlobalMem": 2**34},
        memGetInfo=lambda: (2**34, 2**34),
        runtimeGetVersion=lambda: 13000,
    )
    return cuda
