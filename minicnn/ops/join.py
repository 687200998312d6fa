"""Putting tensors together, and taking them apart."""

from collections.abc import Sequence
from typing import Any

from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.backend import get_backend
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.ops import axis as axes_of
from minicnn.ops import checks
from minicnn.ops.dtype import common
from minicnn.ops.indexing import getitem
from minicnn.ops.shape import unsqueeze


class Concatenate(Function):
    """y = the inputs one after the other: each gets its own stretch of dy."""

    def forward(self, *arrays: Array, axis: int) -> Array:
        return get_backend().basics.concatenate(arrays, axis)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        axis = self.attributes["axis"]
        gradients, start = [], 0
        for shape in self.input_shapes:
            gradients.append(dy[stretch(axis, start, start + shape[axis])])
            start += shape[axis]
        return tuple(gradients)


def concatenate(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """The tensors one after the other along an axis that they have; DenseNet and Inception join channels with `axis=1`.

    Shapes:
        tensors: equal in all axes but `axis`, along which the result has the sum of their sizes.

    Raises:
        ShapeError: there is no such axis, or the tensors differ in another axis.
        ArgumentError: there is no tensor, or `axis` is no integer.

    Example:
        >>> import minicnn
        >>> concatenate([minicnn.zeros(1, 3, 4, 4), minicnn.zeros(1, 5, 4, 4)], axis=1).shape
        (1, 8, 4, 4)
    """
    parts = _all("concatenate", tensors)
    axis = axes_of.one("concatenate", axis, parts[0].ndim)
    first = parts[0].shape
    for i, part in enumerate(parts):
        if part.shape[:axis] != first[:axis] or part.shape[axis + 1 :] != first[axis + 1 :] or part.ndim != len(first):
            raise ShapeError(
                f"concatenate: tensors must be equal in all axes but axis {axis}; "
                f"tensor 0 is {first} and tensor {i} is {part.shape}"
            )
    return Concatenate.apply(*common(*parts), axis=axis)


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """The tensors side by side along a new axis: several images become a batch.

    Shapes:
        tensors: n of one shape; the result has a new axis of size n.

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
            raise ShapeError(
                f"stack: all shapes must be equal; tensor 0 is {parts[0].shape} and tensor {i} is {part.shape}"
            )
    return Concatenate.apply(*common(*(unsqueeze(part, axis) for part in parts)), axis=axis)


def split(x: Tensor, sizes: Sequence[int], axis: int = 0) -> tuple[Tensor, ...]:
    """The tensor cut along an axis into parts of given sizes, as views.

    Shapes:
        x: any; part i has the shape of x, with sizes[i] along `axis`.

    Raises:
        ShapeError: there is no such axis, or the sizes do not add up.
        ArgumentError: `sizes` is no list of integers >= 0. (What one integer means differs from library to library: `chunk`
            makes a number of equal parts.)

    Example:
        >>> import minicnn
        >>> [part.shape for part in split(minicnn.zeros(2, 7), [3, 4], axis=1)]
        [(2, 3), (2, 4)]
    """
    x = as_tensor(x)
    axis = axes_of.one("split", axis, x.ndim)
    if not isinstance(sizes, Sequence):
        raise ArgumentError(f"split: give the sizes of the parts as a list, not {sizes!r}; chunk(x, n) makes n equal parts")
    sizes = [checks.integer(size, "split: the size of a part", least=0) for size in sizes]
    if sum(sizes) != x.shape[axis]:
        raise ShapeError(f"split: the sizes {sizes} add up to {sum(sizes)}, but axis {axis} of {x.shape} has size {x.shape[axis]}")
    pieces, start = [], 0
    for size in sizes:
        pieces.append(getitem(x, stretch(axis, start, start + size)))
        start += size
    return tuple(pieces)


def chunk(x: Tensor, chunks: int, axis: int = 0) -> tuple[Tensor, ...]:
    """The tensor cut along an axis into that many equal parts, as views.

    Shapes:
        x: any; each part has the shape of x, with a `chunks`-th of its size along `axis`.

    Raises:
        ShapeError: there is no such axis, or its size is no multiple of `chunks`.
        ArgumentError: `chunks` is less than 1.

    Example:
        >>> import minicnn
        >>> [part.shape for part in chunk(minicnn.zeros(2, 6), 2, axis=1)]
        [(2, 3), (2, 3)]
    """
    x = as_tensor(x)
    axis = axes_of.one("chunk", axis, x.ndim)
    count, size = checks.integer(chunks, "chunk: the number of parts"), x.shape[axis]
    if size % count:
        raise ShapeError(
            f"chunk: axis {axis} of {x.shape} has size {size}, which is no multiple of {count} parts; give split their sizes"
        )
    return split(x, [size // count] * count, axis)


def stretch(axis: int, start: int, stop: int) -> tuple[slice, ...]:
    """The index of everything from `start` to `stop` along one axis."""
    return (slice(None),) * axis + (slice(start, stop),)


def _all(op: str, tensors: Any) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence) or not tensors:
        given = "an empty one" if isinstance(tensors, Sequence) else type(tensors).__name__
        raise ArgumentError(f"{op}: give a list or tuple of at least one tensor, not {given}")
    return [as_tensor(t) for t in tensors]
