"""Anomaly mode: stop at the first operation that produces NaN or Inf, and say which one it was."""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from minicnn.checks import is_floating
from minicnn.errors import NonFiniteError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array

_enabled: ContextVar[bool] = ContextVar("minicnn_anomaly", default=False)
_PACKAGE = Path(__file__).resolve().parents[1]


def anomaly_enabled() -> bool:
    """Are results and gradients checked for NaN and Inf?"""
    return _enabled.get()


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Inside, every result and every gradient is checked; the first NaN or Inf raises and names the operation.

    Slow (every array is read once more): switch it on when a loss has become NaN, run that step again, switch it off.

    Raises:
        NonFiniteError: at the operation that produced NaN or Inf from finite numbers.

    Example:
        >>> from minicnn import Tensor
        >>> with detect_anomaly():
        ...     Tensor([-1.0]).log()
        Traceback (most recent call last):
        minicnn.errors.NonFiniteError: Log (...): its result is NaN in 1 of 1 elements, first at [0]; its input was finite, from -1 to -1
    """
    token = _enabled.set(True)
    try:
        yield
    finally:
        _enabled.reset(token)


def check_finite(array: Array, what: str, inputs: Sequence[Any]) -> None:
    """Raise if `array` has NaN or Inf; `inputs` are the tensors it came from, to be described."""
    if not is_floating(array.dtype):
        return
    xp = array_module(array)
    bad = ~xp.isfinite(array)
    if not bool(bad.any()):
        return
    first = tuple(int(i[0]) for i in xp.nonzero(xp.atleast_1d(bad)))[: array.ndim]
    kind = "NaN" if bool(xp.isnan(array[first])) else "Inf"
    place = f", first at [{', '.join(map(str, first))}]" if array.ndim else ""
    raise NonFiniteError(f"{what} is {kind} in {int(bad.sum())} of {array.size} elements{place}{_describe(inputs)}")


def _describe(inputs: Sequence[Any]) -> str:
    parts = []
    for i, tensor in enumerate(inputs):
        if not is_floating(tensor.dtype) or tensor.size == 0:
            continue
        name = "its input" if len(inputs) == 1 else f"input {i}"
        finite = bool(array_module(tensor.data).isfinite(tensor.data).all())
        spread = f"finite, from {float(tensor.data.min()):.6g} to {float(tensor.data.max()):.6g}"
        parts.append(f"{name} was {spread if finite else 'already not finite'}")
    return "; " + "; ".join(parts) if parts else ""


def call_site() -> str:
    """The line outside this package that led here, as '(train.py, line 12)'."""
    for frame in reversed(traceback.extract_stack()):
        if _PACKAGE not in Path(frame.filename).resolve().parents:
            return f"({Path(frame.filename).name}, line {frame.lineno})"
    return "(unknown line)"
