"""The tensor: an array that remembers which function made it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minicnn.autograd.convert import to_array
from minicnn.autograd.in_place import assign, edit
from minicnn.autograd.operators import Operators, table
from minicnn.backend import get_backend, to_numpy
from minicnn.checks import is_16_bit, is_floating
from minicnn.errors import AutogradError, DtypeError, ShapeError
from minicnn.kernels.types import Array

if TYPE_CHECKING:
    from minicnn.autograd.function import Function


class Version:
    """How many in-place edits an array has seen. Shared by all tensors that look at the same memory."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Tensor(Operators):
    """An n-dimensional array with a gradient.

    Python numbers and lists become float32 (integers int64, booleans bool); arrays keep their element type. The values
    are copied, so that editing the original array later cannot spoil a backward pass.

    Args:
        data: numbers, nested lists, an array or a tensor.
        requires_grad: record what is computed from this tensor, so that `backward` fills its `grad`.
        dtype: element type; default as above.

    Attributes:
        data: the values, as an array of the active backend's array module. An edit of `data` itself goes unnoticed by
            autograd; use the tensor's own in-place methods.
        grad: a tensor of the same shape after `backward`, or None. Gradients of several backward passes add up until
            they are cleared.
        creator: the function that computed this tensor, or None for a leaf.

    Raises:
        DtypeError: gradients of integers are asked for, or `data` is not numeric.

    Example:
        >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        Tensor([2., 4., 6.], dtype=float32)
    """

    __slots__ = ("__weakref__", "creator", "data", "grad", "name", "requires_grad", "version")


    data: Array
    requires_grad: bool
    grad: Tensor | None
    creator: Function | None
    version: Version
    name: str | None

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None, name: str | None = None) -> None:
        self._set(get_backend().copy(to_array(data, dtype)))
        self.name = name
        if requires_grad:
            self.requires_grad_()

    @classmethod
    def wrap(cls, array: Any) -> Tensor:
        """A tensor around an array, without a copy. For code that owns the array."""
        tensor = cls.__new__(cls)
        tensor._set(np.asarray(array) if isinstance(array, np.generic) else array)  # NumPy's full sums are no arrays
        return tensor

    def _set(self, array: Array) -> None:
        self.data = array
        self.requires_grad = False
        self.grad = None
        self.creator = None
        self.version = Version()
        self.name = None

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes along the axes."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type."""
        return self.data.dtype

    @property
    def is_leaf(self) -> bool:
        """Made by the user rather than by an operation that was recorded."""
        return self.creator is None

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Turn recording of what is computed from this leaf on or off; returns the tensor itself."""
        if requires_grad and not is_floating(self.dtype):
            raise DtypeError(f"only floating-point tensors have gradients; this one is {self.dtype}: make it float first, x.astype('float32')")
        if not requires_grad and self.creator is not None:
            raise AutogradError("requires_grad_(False) on the result of an operation: use detach() to leave the graph")
        self.requires_grad = requires_grad
        return self

    def numpy(self) -> Array:
        """The values as a NumPy array that cannot be written to: no copy on a CPU. Copy it to edit."""
        view = to_numpy(self.data).view()
        view.flags.writeable = False
        return view

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self.numpy()
        return np.array(array, dtype, copy=True) if copy else np.asarray(array, dtype, copy=copy)

    def item(self) -> Any:
        """The value of a tensor with one element, as a Python number.

        Raises:
            ShapeError: the tensor has more elements, or none.
        """
        if self.size != 1:
            raise ShapeError(f"item() needs a tensor with one element; this one has shape {self.shape}")
        return to_numpy(self.data).item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.data.tolist()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Tensor:
        """What NumPy calls for `array * tensor` and `np.exp(tensor)`: the operation of the same name, which is recorded."""
        if method != "__call__" or options or ufunc.__name__ not in table:
            raise AutogradError(
                f"np.{ufunc.__name__} on a tensor would leave the graph: look for it in minicnn.ops, or take the plain numbers, x.numpy()"
            )
        return table[ufunc.__name__](*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """NumPy's other functions are refused: their results would silently have no gradient."""
        raise AutogradError(
            f"np.{function.__name__} on a tensor would leave the graph: look for it in minicnn.ops, or take the plain numbers, x.numpy()"
        )

    # The graph

    def backward(self, gradient: Any = None) -> None:
        """Fill `grad` of every leaf that this tensor was computed from. See `minicnn.autograd.backward`."""
        from minicnn.autograd.backward import backward

        backward(self, gradient)

    def detach(self) -> Tensor:
        """A tensor on the same memory that is not part of the graph."""
        tensor = Tensor.wrap(self.data)
        tensor.version = self.version
        return tensor

    def retain_grad(self) -> Tensor:
        """Keep `grad` of this intermediate result, too, at the next backward pass; returns the tensor itself."""
        if self.creator is not None:
            self.creator.retained = self
        elif not self.requires_grad:
            raise AutogradError("retain_grad() on a tensor that requires no gradient: nothing will flow into it")
        return self

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    # Editing in place

    def edit(self, operation: str) -> Array:
        """The array, to be changed in place, checked and counted; for optimisers."""
        return edit(self, operation)

    def assign(self, operation: str, index: Any, value: Any) -> None:
        """data[index] = value, with the checks of `minicnn.autograd.in_place`; `operation` is what messages call it."""
        assign(self, operation, index, value)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.assign("x[index] = value", index, value)

    def copy_(self, source: Any) -> Tensor:
        """Overwrite the values with those of `source`, which broadcasts; returns the tensor itself."""
        self.assign("copy_", ..., source)
        return self

    def fill_(self, value: float) -> Tensor:
        """Set every element to `value`; returns the tensor itself."""
        self.assign("fill_", ..., value)
        return self

    # Python

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("a tensor without axes has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(f"the truth of a tensor of shape {self.shape} is ambiguous: use .all() or .any() of its .numpy()")
        return bool(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item() if spec else str(self), spec)

    def __round__(self, digits: int | None = None) -> float:
        return round(self.item(), digits)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise DtypeError(f"only an integer tensor can be an index; this one is {self.dtype}")
        return int(self.item())

    def __getstate__(self) -> object:
        """What copying and pickling keep: everything but a graph, which only makes sense where it was recorded."""
        if self.creator is not None:
            made_by = type(self.creator).__name__
            raise AutogradError(f"a recorded result (of {made_by}) cannot be copied or pickled: do it with x.detach()")
        return super().__getstate__()

    def __repr__(self) -> str:
        values = to_numpy(self.data)
        values = values.astype(np.float32) if is_16_bit(values.dtype) else values  # NumPy would print bfloat16 without a point
        body = np.array2string(values, separator=", ", prefix="Tensor(", threshold=200)
        made_by = f", creator={type(self.creator).__name__}" if self.creator is not None else ""
        wants = ", requires_grad=True" if self.requires_grad and not made_by else ""
        return f"Tensor({body}, dtype={self.dtype}{wants}{made_by})"


Operand: TypeAlias = "Tensor | Array | float | int | bool"


def as_tensor(value: Any) -> Tensor:
    """`value` itself if it is a tensor, else a new tensor with a copy of its values.

    Example:
        >>> as_tensor(2.0).dtype
        dtype('float32')
    """
    return value if isinstance(value, Tensor) else Tensor(value)
