"""Checks at the door: what an operation was given, what it needs, and the rule behind it.

The checks of plain numbers come from `minicnn.checks`; here are those of windows and tensors.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.autograd import Tensor
from minicnn.backend import get_backend
from minicnn.checks import (
    choice,
    flag,
    fraction,
    integer,
    is_16_bit,
    is_float_type,
    is_floating,
    is_integer,
    number,
    positive,
    real,
)
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.kernels.geometry import extent, output_size, same_padding, unseen
from minicnn.kernels.types import Padding, Window

__all__ = [
    "WindowWarning",
    "axes",
    "choice",
    "flag",
    "fitted",
    "floating",
    "floating_with_parameters",
    "fraction",
    "integer",
    "not_empty",
    "number",
    "padding",
    "padding4",
    "pair",
    "per_channel",
    "positive",
    "real",
    "window",
]


class WindowWarning(UserWarning):
    """A window slides past the end of its input without ever touching the last pixels."""


_warned: set[tuple[object, ...]] = set()


def pair(value: int | Sequence[int], name: str, least: int = 1, order: str = "(height, width)") -> Window:
    """A window attribute as (height, width): one integer for both, or one each.

    >>> pair(3, "max_pool2d: kernel_size")
    (3, 3)
    """
    values = _integers(value, 2)
    if len(values) != 2 or min(values) < least:
        raise ArgumentError(f"{name} must be an integer >= {least} or a pair of them {order}, not {value!r}")
    return values[0], values[1]


def padding4(value: int | Sequence[int], name: str) -> Padding:
    """A padding as (top, bottom, left, right): one integer for all, (height, width), or four.

    >>> padding4((1, 2), "conv2d: padding")
    (1, 1, 2, 2)
    """
    values = _integers(value, 4)
    if len(values) == 2:
        values = [values[0], values[0], values[1], values[1]]
    if len(values) != 4 or min(values) < 0:
        raise ArgumentError(
            f"{name} must be an integer >= 0, a pair (height, width), or four (top, bottom, left, right), not {value!r}"
        )
    top, bottom, left, right = values
    return top, bottom, left, right


def padding(value: int | str | Sequence[int], name: str) -> Padding | str:
    """A padding as (top, bottom, left, right), or "same", which is known only when the image is.

    >>> padding(1, "conv2d: padding"), padding("same", "conv2d: padding")
    ((1, 1, 1, 1), 'same')
    """
    if isinstance(value, str) and value != "same":
        raise ArgumentError(
            f"{name} must be an integer >= 0, a pair (height, width), four (top, bottom, left, right), or 'same', not {value!r}"
        )
    return value if isinstance(value, str) else padding4(value, name)


def fitted(padding: Padding | str, x: Tensor, kernel_size: Window, stride: Window, dilation: Window = (1, 1)) -> Padding:
    """What `padding` returned, with "same" replaced by the pixels that the images x (N, C, H, W) need."""
    if not isinstance(padding, str):
        return padding
    rows, columns = (same_padding(*axis) for axis in zip(x.shape[2:], kernel_size, stride, dilation, strict=True))
    return (*rows, *columns)


def floating(op: str, **tensors: Tensor | None) -> None:
    """All tensors hold one type that kernels compute in: float32, float64, or, on a backend with kernels for them, float16 or bfloat16."""
    dtypes = {t.dtype for t in tensors.values() if t is not None}
    if len(dtypes) == 1 and _is_computed_in(next(iter(dtypes))):
        return
    given = {name: t for name, t in tensors.items() if t is not None}
    for name, tensor in given.items():
        _computed_in(op, name, tensor)
    if len(dtypes) > 1:
        listed = ", ".join(f"{name} is {t.dtype}" for name, t in given.items())
        raise DtypeError(f"{op}: all inputs must have one element type, but {listed}; convert with x.astype(...) or model.astype(...)")


def floating_with_parameters(op: str, x: Tensor, **parameters: Tensor | None) -> None:
    """x as for `floating`; its parameters of x's type, too, but float32 beside 16 bits: few numbers, and sums are float32 anyway."""
    floating(op, x=x)
    needed = np.dtype(np.float32) if is_16_bit(x.dtype) else x.dtype
    for name, parameter in parameters.items():
        if parameter is not None and parameter.dtype != needed:
            given = ", ".join(f"{name} is {t.dtype}" for name, t in {"x": x, **parameters}.items() if t is not None)
            rule = f"beside x of {x.dtype}, {name} must be {needed}" if needed != x.dtype else "all inputs must have one element type"
            raise DtypeError(f"{op}: {rule}, but {given}; convert with x.astype(...) or model.astype(...)")


def _computed_in(op: str, name: str, tensor: Tensor) -> None:
    """The tensor is of a type that the backend's kernels compute in."""
    if not is_floating(tensor.dtype):
        raise DtypeError(
            f"{op}: {name} is {tensor.dtype}, but must be a floating-point tensor: make it one with x.astype('float32')"
            + (" / 255, if it is a picture of 0..255" if tensor.ndim == 4 else "")
        )
    if not _is_computed_in(tensor.dtype):
        backend = get_backend()
        reason = f" (the backend {backend.name!r} has no kernels for 16 bits, 'cupy' and 'cudasim' have)" if is_16_bit(tensor.dtype) else ""
        raise DtypeError(
            f"{op}: {name} is {tensor.dtype}, but must be float32 or float64 in this machine's order of bytes{reason}: "
            f"convert with {name}.astype('float32')"
        )


def _is_computed_in(dtype: np.dtype[Any]) -> bool:
    return is_float_type(dtype) or (is_16_bit(dtype) and get_backend().has_16_bit)


def axes(op: str, x: Tensor, ndim: int, layout: str) -> None:
    """The tensor has `ndim` axes, which `layout` names, and none of them is empty."""
    if x.ndim != ndim:
        hint = f"; for one image, add the batch axis: x.reshape(1, {', '.join(map(str, x.shape))})" if x.ndim == ndim - 1 else ""
        raise ShapeError(f"{op}: input must have {ndim} axes {layout}; x is {x.shape}{hint}")
    not_empty(op, x)


def not_empty(op: str, x: Tensor) -> None:
    """The tensor has elements."""
    if x.size == 0:
        raise ShapeError(f"{op}: input is empty, x is {x.shape}; an empty batch has nothing to compute")


def per_channel(op: str, x: Tensor, **vectors: Tensor | None) -> None:
    """The vectors have one entry for each channel of x (N, C, ...)."""
    for name, vector in vectors.items():
        if vector is not None and vector.shape != (x.shape[1],):
            raise ShapeError(
                f"{op}: {name} must have one entry for each of the {x.shape[1]} channels, shape ({x.shape[1]},); "
                f"{name} is {vector.shape}, x is {x.shape}"
            )


def window(
    op: str,
    x: Tensor,
    kernel_size: Window,
    stride: Window,
    padding: Padding,
    dilation: Window,
    ceil_mode: bool = False,
) -> None:
    """The window fits into the padded image; warns once per geometry if it never reaches the last pixels."""
    for axis, size in enumerate(x.shape[2:]):
        k, s, d = kernel_size[axis], stride[axis], dilation[axis]
        before, after = padding[2 * axis], padding[2 * axis + 1]
        side = ("height", "width")[axis]
        formula = f"({side} {size} - window {extent(k, d)} + padding {before + after}) / stride {s} + 1"
        outputs = output_size(size, k, s, before, after, d, ceil_mode)
        if outputs < 1:
            raise ShapeError(
                f"{op}: the window is larger than the padded input: output size (W - F + 2P)/S + 1 = {formula} is below 1; "
                f"x is {x.shape}. Has the image been halved once too often, or is it smaller than the network expects?"
            )
        lost = unseen(size, k, s, before, d, outputs)
        key = (op, size, k, s, before, after, d, ceil_mode)
        if lost and extent(k, d) >= s and key not in _warned and get_backend().has_values:
            _warned.add(key)
            warnings.warn(
                f"{op}: the windows do not tile the input: (W - F + 2P)/S + 1 = {formula} = "
                f"{(size - extent(k, d) + before + after) / s + 1:.4g} was rounded down to {outputs}, and the last {lost} "
                f"pixel(s) of the {side} are never seen (AlexNet's 224 that should be 227 is the famous case)",
                WindowWarning,
                stacklevel=3,
            )


def _integers(value: object, count: int) -> list[int]:
    """One integer `count` times, or the integers of a sequence; empty if it is neither."""
    values = list(value) if isinstance(value, Sequence) else [value] * count
    integers = [int(v) for v in values if is_integer(v)]
    return integers if len(integers) == len(values) else []


def ceiling(value: object, name: str) -> float:
    """A number above 0, or infinity: where a ReLU clips."""
    return math.inf if value == math.inf else positive(value, name)
