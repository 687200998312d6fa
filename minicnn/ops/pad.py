"""Padding: a frame of constant values around a tensor."""

from collections.abc import Sequence
from typing import Any

from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.backend import get_backend
from minicnn.checks import is_floating
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.array.module import full_in_order
from minicnn.kernels.types import Array
from minicnn.ops import checks

Width = int | Sequence[int] | Sequence[Sequence[int]]


class Pad(Function):
    """y = x in a frame: dx is the middle of dy."""

    def forward(self, x: Array, *, frame: tuple[tuple[int, int], ...], value: float) -> Array:
        y = full_in_order(x, tuple(before + size + after for size, (before, after) in zip(x.shape, frame, strict=True)), value)
        middle = tuple(slice(before, before + size) for size, (before, _) in zip(x.shape, frame, strict=True))
        get_backend().basics.assign(y[middle], x)
        return y

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        frame = zip(self.attributes["frame"], self.input_shapes[0], strict=True)
        return (dy[tuple(slice(before, before + size) for (before, _), size in frame)],)


def pad(x: Tensor, width: Width, value: float = 0.0) -> Tensor:
    """`x` in a frame of `value`.

    Args:
        x: any shape, with as many axes as you like.
        width: for the last two axes, as in `conv2d`: an integer for all sides, (height, width), or
            (top, bottom, left, right). For any axes, as in NumPy: one pair (before, after) per axis.
        value: what the frame is filled with.

    Raises:
        ArgumentError: a width is negative, their number is none of the above, or `value` is no number that fits.
        ShapeError: the tensor has fewer than two axes, or not one per pair.

    Example:
        >>> import minicnn
        >>> images = minicnn.ones(1, 3, 4, 4)
        >>> pad(images, 2).shape, pad(images, (0, 1, 0, 1)).shape
        ((1, 3, 8, 8), (1, 3, 5, 5))
        >>> pad(images, ((0, 0), (1, 2), (0, 0), (0, 0))).shape         # more channels, all zero
        (1, 6, 4, 4)
    """
    x, value = as_tensor(x), checks.real(value, "pad: value")
    if not is_floating(x.dtype) and not value.is_integer():
        raise ArgumentError(f"pad: value {value} does not fit into elements of type {x.dtype}")
    return Pad.apply(x, frame=_frame(width, x.shape), value=value)


def _frame(width: Any, shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """One pair (before, after) per axis."""
    if isinstance(width, Sequence) and all(isinstance(pair, (tuple, list)) for pair in width):
        if len(width) != len(shape):
            raise ShapeError(f"pad: {len(shape)} pairs (before, after) are needed for the shape {shape}, not {len(width)}")
        return tuple(checks.pair(pair, "pad: the width of each axis", least=0, order="(before, after)") for pair in width)
    if len(shape) < 2:
        raise ShapeError(f"pad: the last two axes are padded, but the shape is {shape}; give a pair (before, after) per axis")
    top, bottom, left, right = checks.padding4(width, "pad: if not given as a pair (before, after) per axis, width")
    return ((0, 0),) * (len(shape) - 2) + ((top, bottom), (left, right))
