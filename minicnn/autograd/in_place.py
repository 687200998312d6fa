"""Overwriting a tensor's values: refused where a gradient would be wrong, and counted so that backward can notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.autograd.convert import is_array, plain, to_array
from minicnn.autograd.grad_mode import is_grad_enabled
from minicnn.checks import is_floating
from minicnn.errors import AutogradError, DtypeError, IndexingError, ShapeError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.place import move

if TYPE_CHECKING:
    from minicnn.autograd.tensor import Tensor


def edit(x: Tensor, operation: str) -> Array:
    """The array of `x`, to be changed in place: checks that the change spoils no graph, and counts it.

    Raises:
        AutogradError: `x` takes part in a graph that is being recorded, or its memory must not be written.
    """
    if is_grad_enabled() and x.requires_grad:
        kind = "a leaf that requires a gradient" if x.creator is None else "a recorded result"
        raise AutogradError(
            f"{operation} would change {kind} of shape {x.shape} in place, and backward could no longer be right: "
            "compute a new tensor instead, or, for an update that is not to be differentiated, do it inside `with minicnn.no_grad():`"
        )
    if not getattr(x.data.flags, "writeable", True):
        raise AutogradError(
            f"{operation}: this tensor of shape {x.shape} looks at memory that must not be written, such as repeated elements; edit a copy"
        )
    x.version.count += 1
    return x.data


def assign(x: Tensor, operation: str, index: Any, value: Any) -> None:
    """x.data[index] = value, checked and counted.

    Raises:
        AutogradError: as for `edit`, or the gradient of `value` would be lost.
        IndexingError: the index points outside the tensor.
        ShapeError: the value does not broadcast to what the index picks.
        DtypeError: floating-point numbers would be cut to integers.
    """
    if is_grad_enabled() and getattr(value, "requires_grad", False):
        raise AutogradError(
            f"{operation} would lose the gradient of the new values: build the tensor with where, stack or concatenate, or use value.detach()"
        )
    values = move(to_array(value, x.dtype if is_floating(x.dtype) else None), array_module(x.data))
    if not is_floating(x.dtype) and is_floating(values.dtype):
        raise DtypeError(
            f"{operation}: floating-point numbers would lose their fractions in a tensor of {x.dtype}; convert one of the two with astype"
        )
    array = edit(x, operation)
    try:
        array[index_for(array, index)] = values
    except IndexError as error:
        raise IndexingError(f"{operation} on a tensor of shape {x.shape}: {error}") from None
    except ValueError:
        raise ShapeError(f"{operation}: a value of shape {values.shape} does not fit into this part of a tensor of shape {x.shape}") from None


def index_for(array: Array, index: Any) -> tuple[Any, ...]:
    """An index as a tuple; tensors and arrays in it as arrays that are where `array` is.

    >>> import numpy as np
    >>> index_for(np.ones((2, 3)), (0, slice(2)))
    (0, slice(None, 2, None))
    """
    index = plain(index)
    xp = array_module(array)
    return tuple(move(i, xp) if is_array(i) else i for i in (index if isinstance(index, tuple) else (index,)))
