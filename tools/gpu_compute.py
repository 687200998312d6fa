"""Runs a kernel on a case in some element type and memory order, and compares what it gives with the definition in float64. Used by `gpu_checks.py`."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minicnn import kernels
from minicnn.backend import Backend, get_backend, to_numpy
from minicnn.kernels.types import Array, Kernel
from minicnn.testing.cases import Case

IN_FLOAT32 = ("gamma", "beta", "running_mean", "running_var")  # whatever the type of the images
SIXTEEN = {"float16": 2.0**-10, "bfloat16": 2.0**-7}  # and the distance from 1 to the next number


@dataclass
class Findings:
    """What is wrong with a case, and the largest error by element type, relative to the norm of the array."""

    wrong: list[str] = field(default_factory=list)
    errors: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """How a kernel is run.

    Attributes:
        dtype: of all arrays of numbers, but for those `IN_FLOAT32`.
        last: the first input is in memory with its channels last.
        dy_last: so is the upstream gradient.
        only: the number of the one input whose gradient is asked for; None: all of them.
    """

    dtype: str
    last: bool = False
    dy_last: bool = False
    only: int | None = None


def element_type(name: str) -> Any:
    """NumPy's type for a name, bfloat16 among them."""
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def given(case: Case, dtype: str) -> dict[str, Array | None]:
    """The case's arrays, rounded to an element type."""

    def rounded_to(name: str, x: Array | None) -> Array | None:
        if x is None or x.dtype.kind != "f":
            return x
        return x.astype(np.float32 if dtype in SIXTEEN and name in IN_FLOAT32 else element_type(dtype))

    return {name: rounded_to(name, x) for name, x in {**case.inputs, **case.constants}.items()}


def upstream(shape: tuple[int, ...], dtype: str) -> Array:
    """The gradient that comes from above: random, always the same."""
    return np.random.default_rng([0x67726164, 7]).standard_normal(shape).astype(element_type(dtype))


def compute(case: Case, kernel: Kernel, place: Backend, arrays: dict[str, Array | None], how: Run, dy: Array | None = None) -> dict[str, Array]:
    """All results and gradients by name, as NumPy arrays of the type that they came in."""
    on_device = {name: None if x is None else place.asarray(x) for name, x in arrays.items()}
    first = next(iter(on_device))
    if how.last:
        on_device[first] = channels_last(place.xp, on_device[first])
    before = {name: None if x is None else x.copy() for name, x in on_device.items()}
    y, saved = kernel.forward(*on_device.values(), **case.attributes)
    outputs = y if isinstance(y, tuple) else (y,)
    needs = tuple(x is not None and x.dtype.kind != "i" and name in case.inputs for name, x in arrays.items())
    if how.only is not None:
        needs = tuple(i == how.only for i in range(len(needs)))
    dy = place.asarray(upstream(outputs[0].shape, how.dtype) if dy is None else dy)
    if how.dy_last:
        dy = channels_last(place.xp, dy)
    gradients = kernel.backward(dy, saved, needs=needs)
    if len(gradients) != len(arrays):
        raise AssertionError(f"backward returns {len(gradients)} gradients for {len(arrays)} arrays")
    found = {f"y{i or ''}": output for i, output in enumerate(outputs)}
    for (name, x), gradient, needed in zip(arrays.items(), gradients, needs, strict=True):
        if needed:
            if gradient is None or gradient.dtype != x.dtype:  # type: ignore[union-attr]
                raise AssertionError(f"d{name} is {gradient if gradient is None else gradient.dtype}, but {name} is {x.dtype}")  # type: ignore[union-attr]
            found[f"d{name}"] = gradient
    if outputs[0].dtype != on_device[first].dtype:  # type: ignore[union-attr]
        raise AssertionError(f"y is {outputs[0].dtype}, but the input is {on_device[first].dtype}")  # type: ignore[union-attr]
    for name, x in on_device.items():
        if x is not None and not np.array_equal(on_host(x), on_host(before[name])):
            raise AssertionError(f"{name} is changed in place")
    return {name: on_host(result) for name, result in found.items()}


def on_host(result: Any) -> Array:
    """As a NumPy array; NumPy's full sums are no arrays."""
    return np.asarray(result) if isinstance(result, np.generic) else to_numpy(result)


def channels_last(xp: Any, x: Any) -> Any:
    """The same numbers with the second axis innermost in memory."""
    if x.ndim < 3:
        return x
    inner = xp.ascontiguousarray(x.transpose(0, *range(2, x.ndim), 1))
    return inner.transpose(0, x.ndim - 1, *range(1, x.ndim - 1))


def reference(case: Case, folder: str, arrays: dict[str, Array | None], dy_type: str, only: int | None = None) -> dict[str, Array]:
    """The definition in float64, on numbers that may have been rounded before."""
    exact = {name: x if x is None or x.dtype.kind == "i" else x.astype(np.float64) for name, x in arrays.items()}
    kernel = kernels.find(case.op or "", [folder])
    y, _ = kernel.forward(*exact.values(), **case.attributes)
    dy = upstream((y[0] if isinstance(y, tuple) else y).shape, dy_type).astype(np.float64)
    return compute(case, kernel, get_backend("numpy"), exact, Run("float64", only=only), dy)


def compare(actual: dict[str, Array], expected: dict[str, Array], how: Run, limit: float, findings: Findings) -> None:
    """Each array: no element may be off by more than `limit` times the largest element, or than `limit` if all are small."""
    if actual.keys() != expected.keys():
        findings.wrong.append(f"{how}: results {sorted(actual)}, expected {sorted(expected)}")
    for name in sorted(actual.keys() & expected.keys()):
        a, r = actual[name].astype(np.float64), expected[name]
        if a.shape != r.shape:
            findings.wrong.append(f"{how}: {name} has shape {a.shape}, expected {r.shape}")
            continue
        with np.errstate(all="ignore"):
            off = np.abs(a - r)
            size = np.abs(r[np.isfinite(r)]).max(initial=0.0)
            bad = ~((off <= limit * max(size, 0.1)) | (a == r) | (np.isnan(a) & np.isnan(r)))
            if r.size and size > 1e-3 and np.isfinite(r).all():
                error = float(np.linalg.norm(a - r) / np.linalg.norm(r))
                findings.errors[how.dtype] = max(findings.errors.get(how.dtype, 0.0), float("inf") if np.isnan(error) else error)
        if bad.any():
            findings.wrong.append(_difference(f"{how}: {name}", a, r, bad))


def _difference(title: str, a: Array, r: Array, bad: Array) -> str:
    """How many elements are wrong, and the first few of them."""
    where = np.argwhere(bad)
    lines = [f"{title} {a.shape}: {len(where)} of {a.size} wrong, {int(np.isnan(a).sum())} NaN; first and last wrong at {where[0].tolist()} and {where[-1].tolist()}"]
    lines += [f"    {index.tolist()}: {a[tuple(index)]:.8g}, expected {r[tuple(index)]:.8g}" for index in where[:4]]
    return "\n".join(lines)
