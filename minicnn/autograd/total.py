"""The sum of two arrays, by the active backend."""

from minicnn.backend import get_backend
from minicnn.kernels.types import Array

LARGE = 1 << 16  # numbers; below, to look for the kernel would take longer than to add


def total(a: Array, b: Array) -> Array:
    """a + b. Large arrays of one shape are left to the kernel `accumulate`, which may use threads."""
    if a.size < LARGE or a.shape != b.shape or a.dtype != b.dtype or a.dtype.kind != "f":
        return a + b
    y: Array = get_backend().kernel("accumulate").forward(a, b)[0]
    return y
