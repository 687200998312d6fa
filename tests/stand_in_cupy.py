"""A stand-in for CuPy: NumPy behind a wall.

Its arrays live in main memory, but refuse what CuPy's refuse: to become a NumPy array by themselves, and to be mixed with
NumPy arrays. So the code that is to run on a GPU can be walked through without one. Kernels run in the simulator, by CuPy's rules
(stand_in_cuda.py). Everything else is NumPy's.
"""

import ctypes
import numbers
import sys
import types

import numpy as np

from tests import stand_in_cuda


class ndarray:
    """An array on the other side of the wall."""

    __array_priority__ = 100

    def __init__(self, inner):
        self.inner = inner

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    __array_ufunc__ = None

    @property
    def __cuda_array_interface__(self):
        return self.inner.__array_interface__

    @property
    def data(self):
        return types.SimpleNamespace(ptr=self.inner.ctypes.data)

    def get(self):
        return self.inner.copy()

    def item(self):
        return self.inner.item()

    def tolist(self):
        return self.inner.tolist()

    def __bool__(self):
        return bool(self.inner)

    def __int__(self):
        return int(self.inner)

    def __float__(self):
        return float(self.inner)

    def __index__(self):
        return self.inner.__index__()

    def __len__(self):
        return len(self.inner)

    def __setitem__(self, index, value):
        def assign():
            self.inner[unwrap(index)] = unwrap(value)

        stand_in_cuda.do(assign)

    def set(self, values, stream=None):
        self.inner[...] = values

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self.inner, name)
        return calling(value) if callable(value) and name not in ("dtype", "flags") else wrap(value) if name in ("T", "base", "real") else value


def unwrap(value):
    """NumPy's array inside; a NumPy array from this side of the wall is refused, as CuPy does."""
    if isinstance(value, ndarray):
        return value.inner
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}: a NumPy array among CuPy's")
    if isinstance(value, (tuple, list)):
        return type(value)(unwrap(v) for v in value)
    if isinstance(value, dict):
        return {k: unwrap(v) for k, v in value.items()}
    return value


def as_array(value):
    """CuPy has no numbers of NumPy's: an array without axes takes their place."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def wrap(value):
    """Arrays (NumPy's scalars too: CuPy's reductions give arrays) go behind the wall."""
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray(np.asarray(value))
    if isinstance(value, tuple):
        return tuple(wrap(v) for v in value)
    return value


def calling(function):
    def call(*args, **kwargs):
        result = as_array(function(*unwrap(args), **unwrap(kwargs)))
        stand_in_cuda.note(lambda: function(*unwrap(args), **unwrap(kwargs)), result, unwrap(args))
        return wrap(result)

    if isinstance(function, np.ufunc):
        call.at = lambda x, index, value: function.at(unwrap(x), unwrap(index), unwrap(value))
    return call


def operator(name):
    def method(self, *others):
        if any(not isinstance(o, (ndarray, numbers.Number, np.generic, tuple, slice, type(None), type(...), list)) for o in others):
            return NotImplemented
        result = as_array(getattr(self.inner, name)(*unwrap(others)))
        if result is self.inner:
            stand_in_cuda.note(lambda: getattr(self.inner, name)(*unwrap(others)))
            return self
        stand_in_cuda.note(lambda: getattr(self.inner, name)(*unwrap(others)), result, (self.inner,))
        return wrap(result)

    return method


for _name in ["add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow", "rpow", "matmul", "rmatmul", "mod", "rmod", "floordiv", "rfloordiv", "neg", "abs", "invert", "and", "rand", "or", "ror", "xor", "rshift", "rrshift", "lshift", "lt", "le", "gt", "ge", "eq", "ne", "getitem", "iadd", "isub", "imul", "itruediv", "ipow", "iand", "ior"]:
    setattr(ndarray, f"__{_name}__", operator(f"__{_name}__"))
ndarray.__hash__ = object.__hash__
ndarray.__module__ = "cupy"


def asarray(value, dtype=None):
    """The door into the other side: here NumPy arrays are welcome."""
    if isinstance(value, ndarray):
        return ndarray(np.asarray(value.inner, dtype))
    return ndarray(np.asarray(value, dtype))


def spoilt(make):
    """New memory is full of NaN: it has no values, and zeros would hide that somebody reads them."""

    def made(*args, **kwargs):
        x = make(*args, **kwargs)
        if x.size:
            ctypes.memset(x.ctypes.data, 0xFF, x.nbytes)
        return x

    return made


def make_module():
    """A module `cupy`."""
    module = types.ModuleType("cupy")
    module.ndarray = ndarray
    module.asarray = asarray
    module.array = lambda value, dtype=None, copy=True: asarray(np.array(value.inner if isinstance(value, ndarray) else value, dtype))
    module.asnumpy = lambda value: value.get()
    module.may_share_memory = calling(np.may_share_memory)
    module.empty, module.empty_like = calling(spoilt(np.empty)), calling(spoilt(np.empty_like))
    module.RawModule, module.RawKernel, module.cuda = stand_in_cuda.RawModule, stand_in_cuda.RawKernel, stand_in_cuda.make_cuda()
    pool = stand_in_cuda.MemoryPool()
    module.get_default_memory_pool = module.get_default_pinned_memory_pool = lambda: pool
    module.__getattr__ = lambda name: (calling(value) if callable(value := getattr(np, name)) and not isinstance(value, type) else value)
    return module


def install(monkeypatch):
    """Put the stand-in in the place of CuPy, and of NumPy as the active backend's array module."""
    from minicnn.backend import Backend

    module = make_module()
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(Backend, "xp", property(lambda self: module))
    return module


def install_gpu(monkeypatch):
    """Put the stand-in in the place of CuPy on a machine with a GPU: the backend cupy runs on it, and launches the kernels of kernels/cuda."""
    import minicnn
    from minicnn.backend import Backend

    module = make_module()
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(Backend, "xp", property(lambda self: module if self.name == "cupy" else np))
    monkeypatch.setattr(minicnn.cuda, "require_gpu", lambda: None)
    return module
