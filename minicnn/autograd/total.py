"""The sum of two arrays, where it pays with the threads of the backend numba: the two ways around a residual block, and their gradients."""

import numpy as np

from minicnn.backend import get_backend
from minicnn.checks import is_float_type
from minicnn.kernels.types import Array

LARGE = 1 << 16  # numbers


def total(a: Array, b: Array) -> Array:
    """a + b.

    >>> total(np.ones(2), np.ones(2))
    array([2., 2.])
    """
    alike = type(a) is type(b) is np.ndarray and a.shape == b.shape and a.dtype == b.dtype and is_float_type(a.dtype)
    if a.size < LARGE or not alike or get_backend().name != "numba":
        return get_backend().basics.add(a, b)
    from minicnn.kernels.cpu.total import total as with_threads

    return with_threads(a, b)
