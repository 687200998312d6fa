"""From what a user gives (numbers, lists, arrays, tensors) to an array, and back out of a tensor."""

from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd.operators import Operators
from minicnn.backend import to_numpy
from minicnn.errors import DtypeError, ShapeError
from minicnn.kernels.types import Array


def to_array(data: Any, dtype: Any = None) -> Array:
    """`data` as an array. Python's floats become float32: they say nothing about precision.

    Raises:
        ShapeError: nested lists of unequal lengths.
        DtypeError: the elements are no real numbers.
    """
    if isinstance(data, Operators):
        data = plain(data)
    try:
        array = data if is_array(data) else np.asarray(_plain_list(data))
    except ValueError as error:
        raise ShapeError(f"a tensor needs numbers in rows of equal length: {error}") from None
    if dtype is None and not hasattr(data, "dtype") and array.dtype == np.float64:
        dtype = np.float32
    if not checks.is_numeric(array.dtype):
        raise DtypeError(f"a tensor holds real numbers, not elements of type {array.dtype}")
    return array if dtype is None else array.astype(checks.element_type(dtype, "Tensor: dtype"), copy=False)


def plain(value: Any) -> Any:
    """The array inside a tensor (also inside a tuple of indices); anything else as it is."""
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    return getattr(value, "data") if isinstance(value, Operators) else value  # noqa: B009 - tensors stand a file above


def is_array(value: Any) -> bool:
    """An array of NumPy, or of a library for GPUs?"""
    return isinstance(value, np.ndarray) or hasattr(value, "__cuda_array_interface__")


def _plain_list(data: Any) -> Any:
    """Nested lists with the tensors inside replaced by their arrays, in main memory."""
    if isinstance(data, (list, tuple)):
        return [_plain_list(item) for item in data]
    value = plain(data)
    return to_numpy(value) if is_array(value) else value
