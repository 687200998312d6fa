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


def empty_in_order(model: Array, shape: tuple[int, ...]) -> Array:
    """An array without values, of the element type of `model`, whose axes lie in memory in the same order as those of `model`.

    What is made of images in an order that a kernel likes should be in that order, too: the next kernel would have to copy it.

    >>> empty_in_order(np.zeros((2, 5, 5, 3)).transpose(0, 3, 1, 2), (2, 3, 7, 7)).strides
    (1176, 8, 168, 24)
    """
    memory, back = _order(model, shape)
    y: Array = array_module(model).empty(memory, model.dtype)
    return y.transpose(back)


def full_in_order(model: Array, shape: tuple[int, ...], value: float) -> Array:
    """An array of one value, in the element type and the order of `model`.

    >>> full_in_order(np.zeros(1), (2,), 0.5)
    array([0.5, 0.5])
    """
    memory, back = _order(model, shape)
    y: Array = array_module(model).full(memory, value, model.dtype)
    return y.transpose(back)


def _order(model: Array, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes of an array's axes in the order of memory, the outermost first, and the way back to the order in which they are called."""
    axes = list(range(len(shape)))
    if model.ndim == len(shape):
        axes.sort(key=lambda axis: -abs(model.strides[axis]))
    return tuple(shape[axis] for axis in axes), tuple(axes.index(axis) for axis in range(len(shape)))
