"""Compiles a `.cu` file with the C++ compiler and runs its kernels on NumPy arrays, with the call of CuPy's RawModule."""

import ctypes
import hashlib
import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
_KERNEL = re.compile(r"__global__\s+(?:void\s+)?(?:__launch_bounds__\s*\([^)]*\)\s*)?(?:void\s+)?(\w+)\s*\(")
_DYN = re.compile(r"extern\s+__shared__\s+((?:__align__|alignas)\s*\(\s*\d+\s*\)\s*)?([\w:\s]+?)\s+(\w+)\s*\[\s*\]\s*;")


class SimulatorError(RuntimeError):
    pass


class Kernel:
    max_dynamic_shared_size_bytes = 48 * 1024

    def __init__(self, lib: Any, name: str) -> None:
        self.name, self._lib = name, lib
        self._fn = getattr(lib, "cudashim_launch_" + name)
        self._fn.argtypes = [ctypes.POINTER(ctypes.c_uint), ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p)]
        s = getattr(lib, "cudashim_sig_" + name)
        s.restype = ctypes.c_char_p
        self.signature = [a for a in s().decode().split(",") if a]

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        if len(args) != len(self.signature):
            raise TypeError(f"{self.name} takes {len(self.signature)} arguments, got {len(args)}")
        keep, ptrs = [], (ctypes.c_void_p * len(args))()
        for i, (a, s) in enumerate(zip(args, self.signature)):
            if isinstance(a, np.ndarray) and s[0] == "p":
                v = ctypes.c_void_p(a.ctypes.data); keep += [a, v]; ptrs[i] = ctypes.addressof(v); continue
            if a is None and s[0] == "p":
                v = ctypes.c_void_p(0); keep.append(v); ptrs[i] = ctypes.addressof(v); continue
            a = np.asarray(a)
            kind = {"i": "i", "u": "ui", "f": "f"}.get(s[0], "")
            if s[0] == "p" or a.dtype.itemsize != int(s[1:]) or (kind and a.dtype.kind not in kind + "b"):
                raise TypeError(f"{self.name}: argument {i} is {a.dtype}, the kernel declares {s}")
            keep.append(a); ptrs[i] = a.ctypes.data
        gb = (ctypes.c_uint * 6)(*(tuple(grid) + (1, 1, 1))[:3], *(tuple(block) + (1, 1, 1))[:3])
        if self._fn(gb, shared_mem, ptrs):
            self._lib.cudashim_error.restype = ctypes.c_char_p
            raise SimulatorError(f"{self.name}: " + self._lib.cudashim_error().decode())


class Module:
    def __init__(self, path: Path, options: tuple[str, ...] = ()) -> None:
        src = Path(path).read_text()
        names = list(dict.fromkeys(_KERNEL.findall(re.sub(r"//.*", "", src))))
        body = _DYN.sub(lambda m: f"{m[2]}* {m[3]} = ({m[2]}*)cudashim::dyn;", src)
        text = f'#line 1 "{path}"\n{body}\nCUDASHIM_LIBRARY\n' + "".join(f"CUDASHIM_KERNEL({n})\n" for n in names)
        flags = ["-O2", "-std=c++17", "-fPIC", "-shared", "-x", "c++", "-march=native", "-fno-strict-aliasing", "-ffp-contract=fast",
                 "-w", f"-I{Path(path).parent}", "-include", str(HERE / "runtime.h"), *options]
        if platform.machine() == "x86_64":  # GCC 12 misplaces arrays of 16-byte structures by 8 bytes in the red zone
            flags.append("-mno-red-zone")
        headers = "".join(p.read_text() for p in sorted(Path(path).parent.glob("*.cuh")))
        key = hashlib.sha256((text + " ".join(flags) + headers + (HERE / "runtime.h").read_text()).encode()).hexdigest()[:16]
        d = Path(tempfile.gettempdir()) / f"cudashim-{os.getuid()}"; d.mkdir(exist_ok=True)
        so = d / f"{key}.so"
        if not so.exists():
            r = subprocess.run(["g++", *flags, "-o", f"{so}.{os.getpid()}", "-"], input=text, text=True, capture_output=True)
            if r.returncode:
                raise SimulatorError(r.stderr[:6000])
            os.replace(f"{so}.{os.getpid()}", so)
        self._lib = ctypes.CDLL(str(so)); self.kernels = names

    def get_function(self, name: str) -> Kernel:
        return Kernel(self._lib, name)

    def set_order(self, mode: int, seed: int = 1) -> None:
        self._lib.cudashim_order(ctypes.c_int(mode), ctypes.c_ulonglong(seed))
