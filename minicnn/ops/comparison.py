"""Comparisons, element by element, with broadcasting: boolean tensors, which have no gradient."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.autograd import Tensor, as_tensor
from minicnn.ops.broadcasting import broadcast_shape
from minicnn.ops.dtype import is_scalar


def equal(a: Any, b: Any) -> Tensor:
    """a == b. A number, here and below, is compared in the tensor's element type: float32's 0.1 equals 0.1.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.

    Example:
        >>> equal(Tensor([1, 2, 3]), Tensor([1, 5, 3]))
        Tensor([ True, False,  True], dtype=bool)
    """
    return _compare("==", operator.eq, a, b)


def not_equal(a: Any, b: Any) -> Tensor:
    """a != b.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.

    Example:
        >>> not_equal(Tensor([1, 2, 3]), Tensor([1, 5, 3]))
        Tensor([False,  True, False], dtype=bool)
    """
    return _compare("!=", operator.ne, a, b)


def less(a: Any, b: Any) -> Tensor:
    """a < b.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.

    Example:
        >>> less(Tensor([1, 2, 3]), Tensor([1, 5, 3]))
        Tensor([False,  True, False], dtype=bool)
    """
    return _compare("<", operator.lt, a, b)


def less_equal(a: Any, b: Any) -> Tensor:
    """a <= b.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.

    Example:
        >>> less_equal(Tensor([1, 2, 3]), Tensor([1, 5, 3]))
        Tensor([ True,  True,  True], dtype=bool)
    """
    return _compare("<=", operator.le, a, b)


def greater(a: Any, b: Any) -> Tensor:
    """a > b.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.

    Example:
        >>> greater(Tensor([1, 2, 3]), Tensor([1, 5, 3]))
        Tensor([False, False, False], dtype=bool)
    """
    return _compare(">", operator.gt, a, b)


def greater_equal(a: Any, b: Any) -> Tensor:
    """a >= b.

    Shapes:
        a, b: any two that broadcast; the result has the shape that they broadcast to.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an operand is neither a tensor nor numbers.

    Example:
        >>> greater_equal(Tensor([1, 2, 3]), Tensor([1, 5, 3]))
        Tensor([ True, False,  True], dtype=bool)
    """
    return _compare(">=", operator.ge, a, b)


def _compare(symbol: str, compare: Callable[[Any, Any], Any], a: Any, b: Any) -> Tensor:
    if not is_scalar(a) and not is_scalar(b):
        a, b = as_tensor(a), as_tensor(b)
        broadcast_shape(symbol, a.shape, b.shape)
    return as_tensor(compare(_values(a), _values(b)))


def _values(operand: Any) -> Any:
    """An array, or a number of Python, which NumPy compares in the array's element type."""
    if is_scalar(operand):
        return operand.item() if isinstance(operand, np.generic) else operand
    return as_tensor(operand).data
