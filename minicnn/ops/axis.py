"""Axes as the user gives them: one index, several, or none; negative ones count from the end."""

import operator
from collections.abc import Sequence
from typing import Any

from minicnn.errors import ArgumentError, ShapeError


def one(op: str, axis: Any, ndim: int) -> int:
    """The axis as an index >= 0.

    >>> one("sum", -1, ndim=4)
    3

    Raises:
        ShapeError: the tensor has no such axis.
        ArgumentError: `axis` is no integer.
    """
    try:
        index = operator.index(axis)
    except TypeError:
        raise ArgumentError(f"{op}: an axis is an integer, not {axis!r}") from None
    if not -ndim <= index < ndim:
        have = f"axes 0 to {ndim - 1} (or -{ndim} to -1)" if ndim else "no axes"
        raise ShapeError(f"{op}: there is no axis {axis}; the tensor has {have}")
    return index % ndim


def several(op: str, axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """The axes as indices >= 0, sorted; None means all.

    >>> several("mean", (-1, -2), ndim=4), several("mean", None, ndim=2)
    ((2, 3), (0, 1))

    Raises:
        ShapeError: the tensor has no such axis.
        ArgumentError: an axis is no integer, or is given twice.
    """
    if axis is None:
        return tuple(range(ndim))
    axes = sorted(one(op, a, ndim) for a in (axis if isinstance(axis, Sequence) else (axis,)))
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"{op}: an axis is given twice in {axis}")
    return tuple(axes)
