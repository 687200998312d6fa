"""A kernel of kernels/cuda against the definition in kernels/loops: in every element type, in every order of threads; and whether a mistake would be seen."""

import contextlib
import ctypes
import shutil
from unittest import mock

import ml_dtypes
import numpy as np

from minicnn import kernels
from minicnn.kernels.cuda import launch
from minicnn.kernels.cuda.simulator import get_thread_order, set_thread_order
from minicnn.kernels.cuda.simulator.settings import ORDERS

# Relative to the largest number of an array: what the arithmetic of a type leaves, with a few roundings on the way.
TOLERANCES = {"float64": 1e-13, "float32": 2e-6, "float16": 2e-3, "bfloat16": 1.6e-2}
TYPES = tuple(TOLERANCES)


def dtype_of(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def channels_last(x):
    """The same images, channels innermost in memory."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def backwards(x):
    """The same array, the last row first in memory."""
    return x[::-1].copy()[::-1]


def off_by_one(x):
    """The same array at an address that is a multiple of its element's size only."""
    room = np.empty(x.size + 1, x.dtype)
    y = room[1:].reshape(x.shape)
    y[...] = x
    return y


def results(kernel, arrays, attributes, dy):
    """y and the gradients of all arrays of floating-point numbers."""
    y, saved = kernel.forward(*arrays, **attributes)
    needs = tuple(a.dtype.kind in "fV" for a in arrays)
    return [y, *(g for g in kernel.backward(dy, saved, needs=needs) if g is not None)]


def of_type(arrays, dtype):
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]


def differs(op, arrays, dtype="float32", layout=lambda x: x, dy=None, **attributes):
    """'' if the kernel of `op` agrees with the definition, else where it does not. The arrays are rounded to `dtype` for both of them.

    `layout` says how the arrays lie in memory. All orders of threads must give the same, to the last digit.
    """
    arrays = of_type(arrays, dtype_of(dtype))
    exact = [a.astype(np.float64) if a.dtype.kind in "fV" else a for a in arrays]
    definition, kernel = (kernels.find(op, [folder]) for folder in ("loops", "cuda"))
    if dy is None:
        dy = np.random.default_rng(1).standard_normal(definition.forward(*exact, **attributes)[0].shape)
    dy = np.asarray(dy).astype(dtype_of(dtype))
    wanted = results(definition, exact, attributes, dy.astype(np.float64))
    given = [layout(a) if a.ndim > 1 and a.dtype.kind in "fV" else a for a in arrays]
    with nothing_there():
        found = {order: results(kernel, given, attributes, dy) for order in in_every_order()}
    for number, (a, e) in enumerate(zip(found["forward"], wanted, strict=True)):
        name = "y" if number == 0 else f"gradient {number}"
        if a.dtype != dtype_of(dtype):
            return f"{name} is {a.dtype}, not {dtype}"
        if a.shape != e.shape:
            return f"{name} is {a.shape}, not {e.shape}"
        for order, others in found.items():
            if others[number].tobytes() != a.tobytes():
                return f"{name}: threads in the order {order} give something else"
        if said := unlike(a, e, TOLERANCES[dtype]):
            return f"{name}: {said}"
    return ""


def unlike(a, e, tolerance):
    """'' if a and e are equal but for `tolerance` of the largest finite number of e; else where they are not."""
    a, e = np.atleast_1d(a.astype(np.float64)), np.atleast_1d(e)
    finite = np.isfinite(e)
    scale = np.abs(e[finite]).max(initial=np.finfo(np.float32).tiny)
    with np.errstate(invalid="ignore"):
        wrong = ~np.where(finite, np.abs(a - e) <= tolerance * scale, (a == e) | (np.isnan(a) & np.isnan(e)))
    if not wrong.any():
        return ""
    at = tuple(int(i[0]) for i in np.nonzero(wrong))
    return f"{wrong.sum()} of {wrong.size} numbers are wrong, the first at {at}: {a[at]}, not {e[at]}"


def in_every_order():
    """The orders of threads, one after the other; meanwhile, the simulator has that order."""
    before = get_thread_order()
    try:
        for order in ORDERS:
            set_thread_order(order)
            yield order
    finally:
        set_thread_order(*before)


@contextlib.contextmanager
def nothing_there():
    """New memory is full of NaN, so that a number that is never written is not right by chance, from an earlier run."""

    def spoilt(make):
        def made(*args, **kwargs):
            x = make(*args, **kwargs)
            ctypes.memset(x.ctypes.data, 255, x.nbytes)
            return x

        return made

    with mock.patch.multiple(np, empty=spoilt(np.empty), empty_like=spoilt(np.empty_like)):
        yield


@contextlib.contextmanager
def planted(folder, source, old, new):
    """As if `old`, which is there once, were `new` in the file `source` of kernels/cuda."""
    for path in [*launch.FOLDER.glob("*.cu"), *launch.FOLDER.glob("*.cuh")]:
        shutil.copy(path, folder)
    text = (folder / source).read_text()
    assert text.count(old) == 1, f"{text.count(old)} times in {source}: {old}"
    (folder / source).write_text(text.replace(old, new))
    with mock.patch.multiple(launch, FOLDER=folder, _functions={}, _modules={}):
        yield
