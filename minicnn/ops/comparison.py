"""Comparisons, element by element, with broadcasting: boolean tensors, which have no gradient."""

import operator
from collections.abc import Callable
from typing import Any

from minicnn.autograd import Tensor, as_tensor
from minicnn.ops.broadcasting import broadcast_shape
from minicnn.ops.dtype import is_scalar


def equal(a: Any, b: Any) -> Tensor:
    """a == b. A number, here and below, is compared in the tensor's element type: float32's 0.1 equals 0.1.

    Raises:
        ShapeError: the shapes do not broadcast.

    Example:
        >>> equal(Tensor([1, 2, 3]), Tensor([1, 5, 3]))
        Tensor([ True, False,  True], dtype=bool)
    """
    return _compare("==", operator.eq, a, b)


def not_equal(a: Any, b: Any) -> Tensor:
    """a != b."""
    return _compare("!=", operator.ne, a, b)


def less(a: Any, b: Any) -> Tensor:
    """a < b."""
    return _compare("<", operator.lt, a, b)


def less_equal(a: Any, b: Any) -> Tensor:
    """a <= b."""
    return _compare("<=", operator.le, a, b)


def greater(a: Any, b: Any) -> Tensor:
    """a > b."""
    return _compare(">", operator.gt, a, b)


def greater_equal(a: Any, b: Any) -> Tensor:
    """a >= b."""
    return _compare(">=", operator.ge, a, b)


def _compare(symbol: str, compare: Callable[[Any, Any], Any], a: Any, b: Any) -> Tensor:
    x, y = (v.item() if is_scalar(v) and hasattr(v, "item") else v if is_scalar(v) else as_tensor(v).data for v in (a, b))
    if not is_scalar(x) and not is_scalar(y):
        broadcast_shape(symbol, x.shape, y.shape)
    return as_tensor(compare(x, y))
