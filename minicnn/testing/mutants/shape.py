"""Mistakes in indexing, joining and rearranging."""


import numpy as np

from minicnn.kernels.types import Array
from minicnn.ops.indexing import GetItem
from minicnn.ops.join import Concatenate
from minicnn.ops.pad import Pad
from minicnn.ops.shape import BroadcastTo, Reshape, Transpose
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients


class DuplicatesOverwritten(GetItem):
    """An element that was picked twice gets one gradient only."""

    def backward(self, dy: Array) -> Gradients:
        dx = np.zeros(self.input_shapes[0], dy.dtype)
        dx[self.index] = dy
        return (dx,)


class NotZeroElsewhere(GetItem):
    """The gradient is copied to where nothing was picked, too."""

    def backward(self, dy: Array) -> Gradients:
        dx = np.full(self.input_shapes[0], dy.sum(), dy.dtype)
        dx[self.index] = 0
        np.add.at(dx, self.index, dy)
        return (dx,)


class ShiftedByOne(GetItem):
    """The gradient of a slice lands one place further on: every part of a split gets a neighbour's."""

    def backward(self, dy: Array) -> Gradients:
        (dx,) = super().backward(dy)
        return (None if dx is None else np.roll(dx, 1),)


class NotTurnedBack(GetItem):
    """A flip is not undone on the way back: the gradient stays in reverse order."""

    def backward(self, dy: Array) -> Gradients:
        forward = [slice(None) if isinstance(i, slice) and i.step == -1 else i for i in self.index]
        dx = np.zeros(self.input_shapes[0], dy.dtype)
        dx[tuple(forward)] = dy
        return (dx,)


class ReversedGradients(Concatenate):
    """The gradients come back in reverse order."""

    def backward(self, dy: Array) -> Gradients:
        return super().backward(dy)[::-1]


class ReversedResult(Concatenate):
    """Joined in reverse order."""

    def forward(self, *arrays: Array, axis: int) -> Array:
        return np.concatenate(arrays[::-1], axis)


class AlwaysFromTheStart(Concatenate):
    """Every input gets the beginning of dy."""

    def backward(self, dy: Array) -> Gradients:
        axis = self.attributes["axis"]
        return tuple(np.take(dy, range(shape[axis]), axis=axis) for shape in self.input_shapes)


class SameOrderAgain(Transpose):
    """Transposed by the same order again instead of by its inverse."""

    def backward(self, dy: Array) -> Gradients:
        return (dy.transpose(self.attributes["axes"]),)


class ColumnByColumn(Reshape):
    """The gradient is read column by column."""

    def backward(self, dy: Array) -> Gradients:
        return (np.reshape(dy, self.input_shapes[0], order="F"),)


class FirstCopyOnly(BroadcastTo):
    """The gradient of the first copy, not the sum over the copies."""

    def backward(self, dy: Array) -> Gradients:
        shape = self.input_shapes[0]
        dy = dy.reshape(-1, *dy.shape[dy.ndim - len(shape) :])[0] if dy.ndim > len(shape) else dy
        return (dy[tuple(slice(0, size) for size in shape)],)


class FrameCutAtTheEnd(Pad):
    """The frame is cut off at the end only, so that dx is shifted."""

    def backward(self, dy: Array) -> Gradients:
        return (dy[tuple(slice(0, size) for size in self.input_shapes[0])],)


class SwappedInAStack(Concatenate):
    """The first two of the tensors that were stacked get each other's gradient."""

    def backward(self, dy: Array) -> Gradients:
        gradients = super().backward(dy)
        return (*gradients[:2][::-1], *gradients[2:])


MUTANTS = [
    Mutant("getitem", function=DuplicatesOverwritten),
    Mutant("getitem", function=NotZeroElsewhere),
    Mutant("split", function=ShiftedByOne),
    Mutant("flip", function=NotTurnedBack),
    Mutant("concatenate", function=ReversedGradients),
    Mutant("stack", function=SwappedInAStack),
    Mutant("concatenate", function=ReversedResult),
    Mutant("concatenate", function=AlwaysFromTheStart),
    Mutant("transpose", function=SameOrderAgain),
    Mutant("reshape", function=ColumnByColumn),
    Mutant("broadcast_to", function=FirstCopyOnly),
    Mutant("pad", function=FrameCutAtTheEnd),
]
