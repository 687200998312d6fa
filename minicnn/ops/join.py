"""Putting tensors together, and taking them apart."""

from collections.abc import Sequence
from typing import Any

from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.errors import ArgumentError, ShapeError, listing
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.ops import axis as axes_of
from minicnn.ops.dtype import common
from minicnn.ops.indexing import getitem
from minicnn.ops.shape import unsqueeze


class Concatenate(Function):
    """y = the inputs one after the other: each gets its own stretch of dy."""

    def forward(self, *arrays: Array, axis: int) -> Array:
        return array_module(arrays[0]).concatenate(arrays, axis)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        axis = self.attributes["axis"]
        gradients, start = [], 0
        for shape in self.input_shapes:
            gradients.append(dy[stretch(axis, start, start + shape[axis])])
            start += shape[axis]
        return tuple(gradients)


def concatenate(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """The tensors one after the other along an axis that they have; DenseNet and Inception join channels with `axis=1`.

    Raises:
        ShapeError: there is no such axis, or the tensors differ in another axis.
        ArgumentError: there is no tensor.

    Example:
        >>> import minicnn
        >>> concatenate([minicnn.zeros(1, 3, 4, 4), minicnn.zeros(1, 5, 4, 4)], axis=1).shape
        (1, 8, 4, 4)
    """
    parts = _all("concatenate", tensors)
    axis = axes_of.one("concatenate", axis, parts[0].ndim)
    first = parts[0].shape
    for i, part in enumerate(parts):
        if part.ndim != len(first) or any(m != n for j, (m, n) in enumerate(zip(part.shape, first, strict=True)) if j != axis):
            raise ShapeError(
                f"concatenate: along axis {axis} all other sizes must be equal, but tensor 0 is {first} and tensor {i} is {part.shape}"
            )
    return Concatenate.apply(*common(*parts), axis=axis)


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """The tensors side by side along a new axis: several images become a batch.

    Raises:
        ShapeError: the tensors have different shapes, or there is no such axis.
        ArgumentError: there is no tensor.

    Example:
        >>> import minicnn
        >>> stack([minicnn.zeros(3, 8, 8), minicnn.ones(3, 8, 8)]).shape
        (2, 3, 8, 8)
    """
    parts = _all("stack", tensors)
    axis = axes_of.one("stack", axis, parts[0].ndim + 1)
    for i, part in enumerate(parts):
        if part.shape != parts[0].shape:
            raise ShapeError(f"stack: all shapes must be equal, but tensor 0 is {parts[0].shape} and tensor {i} is {part.shape}")
    return Concatenate.apply(*common(*(unsqueeze(part, axis) for part in parts)), axis=axis)


def split(x: Tensor, parts: int | Sequence[int], axis: int = 0) -> tuple[Tensor, ...]:
    """The tensor cut along an axis, as views.

    Args:
        x: what to cut.
        parts: into how many equal parts, or the sizes of the parts.
        axis: where.

    Raises:
        ShapeError: there is no such axis; the parts would not be equal, or their sizes do not add up.
        ArgumentError: a size is negative, or the number of parts is less than 1.

    Example:
        >>> import minicnn
        >>> [part.shape for part in split(minicnn.zeros(2, 7), [3, 4], axis=1)]
        [(2, 3), (2, 4)]
    """
    x = as_tensor(x)
    axis = axes_of.one("split", axis, x.ndim)
    size, start = x.shape[axis], 0
    pieces = []
    for part in _part_sizes(parts, size, x.shape, axis):
        pieces.append(getitem(x, stretch(axis, start, start + part)))
        start += part
    return tuple(pieces)


def stretch(axis: int, start: int, stop: int) -> tuple[slice, ...]:
    """The index of everything from `start` to `stop` along one axis."""
    return (slice(None),) * axis + (slice(start, stop),)


def _all(op: str, tensors: Any) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence) or not tensors:
        raise ArgumentError(f"{op}: give a list or tuple of at least one tensor, not {type(tensors).__name__} {listing([tensors])[:60]}")
    return [as_tensor(t) for t in tensors]


def _part_sizes(parts: int | Sequence[int], size: int, shape: tuple[int, ...], axis: int) -> list[int]:
    if isinstance(parts, int):
        if parts < 1:
            raise ArgumentError(f"split: the number of parts must be at least 1, not {parts}")
        if size % parts:
            raise ShapeError(f"split: axis {axis} of {shape} has size {size}, which {parts} equal parts do not divide; give their sizes as a list")
        return [size // parts] * parts
    sizes = [int(part) for part in parts]
    if any(part < 0 for part in sizes):
        raise ArgumentError(f"split: sizes cannot be negative: {sizes}")
    if sum(sizes) != size:
        raise ShapeError(f"split: the sizes {sizes} add up to {sum(sizes)}, but axis {axis} of {shape} has size {size}")
    return sizes
