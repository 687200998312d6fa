"""Finds the module (NumPy or CuPy) whose functions work on an array."""

import sys
from types import ModuleType

import numpy as np

from minicnn.kernels.types import Array


def array_module(x: Array) -> ModuleType:
    """The module whose functions work on `x`: `numpy`, or `cupy` for an array on a GPU.

    >>> array_module(np.zeros(3)).__name__
    'numpy'
    """
    package = type(x).__module__.partition(".")[0]
    return sys.modules[package] if package == "cupy" else np
