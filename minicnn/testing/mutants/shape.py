"""Mistakes in indexing, joining and rearranging."""

from typing import Any

import numpy as np

from minicnn.kernels.types import Array
from minicnn.ops.indexing import GetItem
from minicnn.ops.join import Concatenate
from minicnn.ops.pad import Pad
from minicnn.ops.shape import BroadcastTo, Reshape, Transpose
from minicnn.testing.mutants.mutant import Gradients, wrong_method


@wrong_method("getitem", GetItem, "backward")
def duplicates_overwritten(self: Any, dy: Array) -> Gradients:
    """An element that was picked twice gets one gradient only."""
    dx = np.zeros(self.input_shapes[0], dy.dtype)
    dx[self.index] = dy
    return (dx,)


@wrong_method("getitem", GetItem, "backward")
def not_zero_elsewhere(self: Any, dy: Array) -> Gradients:
    """The gradient is copied to where nothing was picked, too."""
    dx = np.full(self.input_shapes[0], dy.sum(), dy.dtype)
    dx[self.index] = 0
    np.add.at(dx, self.index, dy)
    return (dx,)


_right_concatenate = Concatenate.backward


@wrong_method("concatenate", Concatenate, "backward")
def reversed_gradients(self: Any, dy: Array) -> Gradients:
    """The gradients come back in reverse order."""
    return _right_concatenate(self, dy)[::-1]


@wrong_method("concatenate", Concatenate, "forward")
def reversed_result(self: Any, *arrays: Array, axis: int) -> Array:
    """Joined in reverse order."""
    return np.concatenate(arrays[::-1], axis)


@wrong_method("concatenate", Concatenate, "backward")
def always_from_the_start(self: Any, dy: Array) -> Gradients:
    """Every input gets the beginning of dy."""
    axis = self.attributes["axis"]
    return tuple(np.take(dy, range(shape[axis]), axis=axis) for shape in self.input_shapes)


@wrong_method("transpose", Transpose, "backward")
def same_order_again(self: Any, dy: Array) -> Gradients:
    """Transposed by the same order again instead of by its inverse."""
    return (dy.transpose(self.attributes["axes"]),)


@wrong_method("reshape", Reshape, "backward")
def column_by_column(self: Any, dy: Array) -> Gradients:
    """The gradient is read column by column."""
    return (np.reshape(dy, self.input_shapes[0], order="F"),)


@wrong_method("broadcast_to", BroadcastTo, "backward")
def first_copy_only(self: Any, dy: Array) -> Gradients:
    """The gradient of the first copy, not the sum over the copies."""
    shape = self.input_shapes[0]
    dy = dy.reshape(-1, *dy.shape[dy.ndim - len(shape) :])[0] if dy.ndim > len(shape) else dy
    return (dy[tuple(slice(0, size) for size in shape)],)


@wrong_method("pad", Pad, "backward")
def frame_cut_at_the_end(self: Any, dy: Array) -> Gradients:
    """The frame is cut off at the end only, so that dx is shifted."""
    return (dy[tuple(slice(0, size) for size in self.input_shapes[0])],)
