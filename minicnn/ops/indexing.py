"""Picking elements: every index that NumPy knows, and the two operations that are nothing but an index."""

import copy
from collections.abc import Sequence
from types import EllipsisType, NoneType
from typing import Any

import numpy as np

from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.autograd.in_place import index_for
from minicnn.backend import get_backend
from minicnn.errors import IndexingError
from minicnn.kernels.array.module import array_module, full_in_order
from minicnn.kernels.types import Array
from minicnn.ops import axis as axes_of


class GetItem(Function):
    """y = x[index]: dx is 0 but for dx[index] += dy; an element that was picked twice gets both gradients."""

    is_view = True  # unless the index holds an array: then NumPy copies

    def forward(self, x: Array, *, index: tuple[Any, ...]) -> Array:
        self.index = copy.deepcopy(index) if self.needs[0] else index  # backward needs it as it was
        return x[index]

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        dx = full_in_order(dy, self.input_shapes[0], 0)
        if is_basic(self.index):
            get_backend().basics.assign(dx[self.index], dy)
        else:
            array_module(dy).add.at(dx, self.index, dy)
        return (dx,)


def getitem(x: Tensor, index: Any) -> Tensor:
    """x[index], for any index that NumPy knows.

    Integers, slices, None, `...` and tuples of them give a view of the memory of x. Integer arrays, which may name an
    element several times, and boolean masks give a copy.

    Shapes:
        x: any; the result has the shape that NumPy gives it.

    Raises:
        IndexingError: a position outside the tensor, too many indices, a mask of the wrong shape, or no index at all.

    Example:
        >>> scores, labels = Tensor([[0.1, 0.9], [0.7, 0.3]]), Tensor([1, 0])
        >>> scores[Tensor([0, 1]), labels]          # the score of the right class of each image
        Tensor([0.9, 0.7], dtype=float32)
    """
    x = as_tensor(x)
    index = index_for(x.data, index)
    if is_basic(index) and Ellipsis not in index:
        index = (*index, Ellipsis)  # makes NumPy return a view also of a single element
    try:
        return GetItem.apply(x, index=index)
    except IndexError as error:
        raise IndexingError(f"x[index] on a tensor of shape {x.shape}: {error}") from None


def flip(x: Tensor, axis: int | Sequence[int]) -> Tensor:
    """The elements in reverse order along `axis`; `flip(x, -1)` mirrors images left to right.

    Shapes:
        x: any; the result has the same.

    Raises:
        ShapeError: there is no such axis.
        ArgumentError: an axis is no integer, or is given twice.

    Example:
        >>> flip(Tensor([[1.0, 2.0, 3.0]]), -1)
        Tensor([[3., 2., 1.]], dtype=float32)
    """
    x = as_tensor(x)
    axes = axes_of.several("flip", axis, x.ndim)
    return getitem(x, tuple(slice(None, None, -1 if i in axes else None) for i in range(x.ndim)))


def is_basic(index: tuple[Any, ...]) -> bool:
    """No array in the index, so that it picks no element twice and NumPy answers with a view.

    >>> is_basic((0, slice(1, 3), None, ...)), is_basic(([0, 0],))
    (True, False)
    """
    return all(isinstance(i, (int, np.integer, slice, NoneType, EllipsisType)) and not isinstance(i, bool) for i in index)
