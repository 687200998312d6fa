"""Dropout on a GPU: hash, compare and multiply in one pass over the memory, in whatever order it is. The mask is never stored."""

import functools
import math
from typing import Any

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.counter import BITS, GAMMA
from minicnn.kernels.cuda.layout import contiguous
from minicnn.kernels.cuda.packs import over_all
from minicnn.kernels.types import Array, Needs, Saved

AXES = 4  # that the kernel knows: the constant of that name in dropout.cu
STRUCTURE = np.dtype([("size", np.int64, AXES), ("step", np.uint64, AXES)])  # the kernel's `Axes`


def dropout_forward(x: Array, *, p: float, seed: int, mask_axes: int) -> tuple[Array, Saved]:
    """y = x / (1 - p) where the mask says keep, else 0; one draw for each index on the first `mask_axes` axes.

    y lies in memory in the order of x. The seed may also be an array of one uint64 beside x: the kernel reads it when it runs, so that a recorded
    graph can draw a new mask with each launch.
    """
    return _dropped(x, p, seed, mask_axes), (p, seed, mask_axes)


def dropout_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """The same mask from the same seed, applied to dy."""
    return (_dropped(dy, *saved) if needs[0] else None,)


def _dropped(x: Array, p: float, seed: Any, mask_axes: int) -> Array:
    if not x.ndim:
        return _dropped(x.reshape(1), p, seed, mask_axes).reshape(())
    y = array_module(x).empty_like(x)
    axes = _axes(x.shape, x.strides, mask_axes) if x.strides == y.strides else None
    if axes is None:  # x has gaps, or its axes are in an order that the kernel cannot follow
        x = contiguous(x)
        y = array_module(x).empty(x.shape, x.dtype)
        axes = _axes(y.shape, y.strides, mask_axes)
    value, place = (seed, None) if isinstance(seed, (int, np.integer)) else (0, seed)
    bar, scale = math.ceil(p * 2**BITS), 1 / (1 - p) if p < 1 else 0.0
    over_all("dropout", "dropout", y, (x, y, place, np.uint64(value), axes, bar, scale))
    return y


@functools.lru_cache(maxsize=1024)
def _axes(shape: tuple[int, ...], strides: tuple[int, ...], mask_axes: int) -> Array | None:
    """The way from an element's place in memory to its unit, for an array without gaps: the axes, the innermost in memory first; None if there are too many.

    Neighbours become one axis where a step on the outer one is what all steps on the inner one add up to. What remains of images in channels-last order
    is C, H W and N; of an array in the order of its axes, a single one.
    """
    axes: list[tuple[int, int]] = []  # (size, step in units)
    for axis in sorted(range(len(shape)), key=lambda axis: (abs(strides[axis]), -axis)):
        size, step = shape[axis], math.prod(shape[axis + 1 : mask_axes]) if axis < mask_axes else 0
        if axes and step == axes[-1][0] * axes[-1][1]:
            axes[-1] = axes[-1][0] * size, axes[-1][1]
        elif size > 1:
            axes.append((size, step))
    if len(axes) > AXES:
        return None
    axes += [(1, 0)] * (AXES - len(axes))
    return np.array([([size for size, _ in axes], [step * GAMMA % 2**64 for _, step in axes])], STRUCTURE)
