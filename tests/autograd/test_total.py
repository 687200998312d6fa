"""Sums of two arrays: large ones by threads, and everything that those cannot add as NumPy does."""

import numpy as np
import pytest

from minicnn import use_backend
from minicnn.autograd.total import LARGE, total


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", ">f4", "longdouble", "int64"])
@pytest.mark.parametrize("size", [3, 2 * LARGE])
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_equals_numpy(backend, size, dtype):
    a, b = (np.arange(size) % 999).astype(dtype), (np.arange(size) % 777).astype(dtype)
    with use_backend(backend):
        y = total(a, b)
    assert y.dtype == a.dtype.newbyteorder("=")
    np.testing.assert_array_equal(y, a + b)


def test_another_shape_or_order_in_memory():
    a, b = np.random.default_rng(0).standard_normal((2, 64, 64, 64), np.float32)
    with use_backend("numba"):
        np.testing.assert_array_equal(total(a.transpose(2, 0, 1), b), a.transpose(2, 0, 1) + b)
        np.testing.assert_array_equal(total(a, b[:1]), a + b[:1])
