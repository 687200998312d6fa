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


def full_in_order(model: Array, shape: tuple[int, ...], value: float) -> Array:
    """An array of one value, of the element type of `model`, whose axes lie in memory in the same order as those of `model`.

    What is made of images in an order that a kernel likes should be in that order, too: the next kernel would have to copy it.

    >>> full_in_order(np.zeros((2, 5, 5, 3)).transpose(0, 3, 1, 2), (2, 3, 7, 7), 0).strides
    (1176, 8, 168, 24)
    """
    if model.ndim != len(shape):
        return array_module(model).full(shape, value, model.dtype)
    axes = sorted(range(model.ndim), key=lambda axis: -abs(model.strides[axis]))
    y: Array = array_module(model).full(tuple(shape[axis] for axis in axes), value, model.dtype)
    return y.transpose(tuple(axes.index(axis) for axis in range(model.ndim)))
