"""Checks of numbers, words, switches and element types: what was given, and what is needed.

Each takes the value and a name that says where, as the user knows the place ("conv2d: stride", "SGD: lr"), returns the
value as Python's own type, and raises `ArgumentError`. Numbers of NumPy are welcome; True is no number, and NaN is in
no range. (`DtypeError` where an element type is none.)
"""

import importlib
import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, TypeGuard

import numpy as np

from minicnn.errors import ArgumentError, DtypeError


def integer(value: object, name: str, least: int = 1) -> int:
    """An integer, not below `least`.

    >>> integer(np.int64(3), "conv2d: groups")
    3
    """
    if not is_integer(value) or value < least:
        raise ArgumentError(f"{name} must be an integer >= {least}, not {value!r}")
    return int(value)


def integers(value: object, name: str, count: int, least: int = 1) -> tuple[int, ...]:
    """So many integers, none below `least`: a list, a tuple, an array.

    >>> integers([3, 4, 6, 3], "ResNet: depths", 4)
    (3, 4, 6, 3)
    """
    values = list(value) if isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim) else []
    if len(values) != count or not all(is_integer(v) and v >= least for v in values):
        raise ArgumentError(f"{name} must be {count} integers >= {least}, not {value!r}")
    return tuple(int(v) for v in values)


def number(value: object, name: str, least: float = -math.inf) -> float:
    """A finite number, not below `least`.

    >>> number(np.float32(0.5), "SGD: lr", 0)
    0.5
    """
    x = _real(value)
    if not (math.isfinite(x) and x >= least):
        raise ArgumentError(f"{name} must be a finite number{f' >= {least:g}' if least > -math.inf else ''}, not {value!r}")
    return x


def real(value: object, name: str) -> float:
    """A number, which may be Inf or -Inf."""
    x = _real(value)
    if math.isnan(x):
        raise ArgumentError(f"{name} must be a number, not {value!r}")
    return x


def positive(value: object, name: str) -> float:
    """A finite number above 0."""
    x = _real(value)
    if not 0 < x < math.inf:
        raise ArgumentError(f"{name} must be a number above 0, not {value!r}")
    return x


def fraction(value: object, name: str, include_one: bool = False) -> float:
    """A probability or a share: 0 <= value < 1 (or <= 1)."""
    x = _real(value)
    if not (0 <= x < 1 or (include_one and x == 1)):
        raise ArgumentError(f"{name} must be a number from 0 to {'1' if include_one else 'less than 1'}, not {value!r}")
    return x


def choice(value: object, name: str, options: Sequence[str]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in options:
        raise ArgumentError(f"{name} must be one of {', '.join(map(repr, options))}, not {value!r}")
    return value


def flag(value: object, name: str) -> bool:
    """True or False, and not a number that slipped into its place."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentError(f"{name} must be True or False, not {value!r}")
    return bool(value)


def element_type(value: Any, name: str) -> np.dtype[Any]:
    """An element type of real numbers or truth values.

    >>> element_type("int64", "astype: dtype")
    dtype('int64')

    Raises:
        DtypeError: the element type is unknown, or one of complex numbers, texts, ..., or it is bfloat16, and the package that brings it
            is not installed.
    """
    if isinstance(value, str) and value == "bfloat16":
        return bfloat16(name)
    try:
        dtype = np.dtype(value if value is not None else "none")  # NumPy would take None as float64
    except (TypeError, ValueError):
        raise DtypeError(f"{name}: unknown element type {value!r}; use 'float32', 'float64', 'int64', 'bool', ...") from None
    if not is_numeric(dtype):
        raise DtypeError(f"{name}: a tensor holds real numbers, not elements of type {dtype}")
    return dtype


def bfloat16(name: str) -> np.dtype[Any]:
    """The element type bfloat16, which NumPy does not have: the upper half of a float32.

    Raises:
        DtypeError: the package that brings it is not installed.
    """
    try:
        ml_dtypes = importlib.import_module("ml_dtypes")
    except ImportError:
        raise DtypeError(f"{name}: bfloat16 is no type of NumPy's own, it comes with the package ml_dtypes: pip install ml_dtypes") from None
    return np.dtype(ml_dtypes.bfloat16)


def float_type(value: Any, name: str) -> np.dtype[Any]:
    """An element type that kernels compute in: float32 or float64.

    Raises:
        DtypeError: it is none of the two.
    """
    dtype = element_type(value, name)
    if not is_float_type(dtype):
        raise DtypeError(f"{name}: the element type must be float32 or float64, not {dtype}")
    return dtype


def is_float_type(dtype: np.dtype[Any]) -> bool:
    """float32 or float64, in this machine's order of bytes."""
    return dtype.char in "fd" and dtype.isnative


def is_16_bit(dtype: np.dtype[Any]) -> bool:
    """float16 or bfloat16, in this machine's order of bytes: for memory and tensor cores, while sums are made in float32.

    >>> is_16_bit(np.dtype("float16")), is_16_bit(np.dtype("float32"))
    (True, False)
    """
    return dtype.itemsize == 2 and dtype.char in "eE" and dtype.isnative  # to NumPy, bfloat16 is a structure (kind V), with E for its letter


def is_floating(dtype: np.dtype[Any]) -> bool:
    """Of floating-point numbers, whatever their width: such a tensor may have a gradient."""
    return kind(dtype) == "f"


def is_numeric(dtype: np.dtype[Any]) -> bool:
    """Of real numbers or truth values: what a tensor can hold."""
    return kind(dtype) in "fiub"


def kind(dtype: np.dtype[Any]) -> str:
    """NumPy's letter for a kind of elements (f, i, u, b, ...), bfloat16 being among the floating-point numbers."""
    return "f" if is_16_bit(dtype) else dtype.kind


def is_integer(value: object) -> TypeGuard[int]:
    """An integer of Python or NumPy; True and False are none, and neither is 3.0."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """A number of Python or NumPy that a float can hold; True, False and NaN are none."""
    return not math.isnan(_real(value))


def _real(value: object) -> float:
    """A number as a float; NaN, which is in no range, for anything else and for what is too large for a float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan
