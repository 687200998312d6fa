"""The normalisations of kernels/cuda against those of kernels/array in float64: all results and gradients, in every order of threads."""

import numpy as np

from minicnn import kernels
from tests.kernels.cuda.compared import TOLERANCES, dtype_of, in_every_order, nothing_there, unlike

IMAGES = {"x", "z", "y", "dx", "dz"}  # what is stored in the element type; all else is float32 beside 16 bits
SUMS = 4  # times as far off as a single number may be: what adds up thousands of them


def parameters(C, seed=0, **given):
    """gamma and beta, and what else a norm of C channels takes."""
    random = np.random.default_rng(seed)
    return {"gamma": random.standard_normal(C) + 1, "beta": random.standard_normal(C), **given}


def images(*shape, seed=0, mean=0.5, std=1.5):
    return mean + std * np.random.default_rng(seed).standard_normal(shape)


def results(kernel, given, attributes, dy, needs):
    """Everything that comes out, by name."""
    y, saved = kernel.forward(*given.values(), **attributes)
    outputs = dict(zip(("y", "mean", "var"), y if isinstance(y, tuple) else (y,), strict=False))
    gradients = zip(given, kernel.backward(dy, saved, needs=needs), strict=True)
    return outputs | {f"d{name}": gradient for name, gradient in gradients if gradient is not None}


def differs(op, given, dtype="float32", layout=lambda x: x, reference="array", tolerance=None, **attributes):
    """'' if the kernel agrees with the reference, else where it does not; the reference gets what the types have made of the inputs."""
    real = dtype_of("float64" if dtype == "float64" else "float32")
    stored = {name: None if a is None else a.astype(dtype_of(dtype) if name in IMAGES else real) for name, a in given.items()}
    exact = {name: None if a is None else a.astype(np.float64) for name, a in stored.items()}
    dy = np.random.default_rng(9).standard_normal(given["x"].shape).astype(dtype_of(dtype))
    needs = tuple(a is not None and not name.startswith("running") for name, a in given.items())
    wanted = results(kernels.find(op, [reference]), exact, attributes, dy.astype(np.float64), needs)
    kernel = kernels.find(op, ["cuda"])
    laid = {name: layout(a) if name in IMAGES else a for name, a in stored.items()}
    with nothing_there():
        found = {order: results(kernel, laid, attributes, dy, needs) for order in in_every_order()}
    for name, e in wanted.items():
        a = found["forward"][name]
        if a.dtype != (dtype_of(dtype) if name in IMAGES else real) or a.shape != e.shape:
            return f"{name} is {a.dtype} {a.shape}"
        for order, others in found.items():
            if others[name].tobytes() != a.tobytes():
                return f"{name}: threads in the order {order} give something else"
        if said := unlike(a, e, tolerance or SUMS * TOLERANCES[dtype if name in IMAGES else real.name]):
            return f"{name}: {said}"
    return ""
