"""The sum of two arrays, where it pays with the threads of the backend numba: the two ways around a residual block, and their gradients."""

from minicnn.backend import get_backend
from minicnn.kernels.types import Array

LARGE = 1 << 16  # numbers


def total(a: Array, b: Array) -> Array:
    """a + b.

    >>> import numpy as np
    >>> total(np.ones(2), np.ones(2))
    array([2., 2.])
    """
    if a.size < LARGE or a.shape != b.shape or a.dtype != b.dtype or a.dtype.kind != "f" or get_backend().name != "numba":
        return a + b
    from minicnn.kernels.cpu.total import total as with_threads

    return with_threads(a, b)
