"""Python's operators and the common methods of a tensor.

The operations themselves are differentiable functions in `minicnn.ops`, a floor above this one. They are entered in
`table` when that package is imported, and a tensor's methods look them up by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from minicnn.autograd.grad_mode import is_grad_enabled

if TYPE_CHECKING:
    from minicnn.autograd.tensor import Operand, Tensor

Axis: TypeAlias = int | Sequence[int] | None

table: dict[str, Callable[..., Tensor]] = {}


class Operators:
    """The part of a tensor that forwards to `minicnn.ops`."""

    __slots__ = ()
    __hash__ = object.__hash__  # `==` compares elements, so identity must be the key

    # Arithmetic

    def __add__(self, other: Operand) -> Tensor:
        return table["add"](self, other)

    def __radd__(self, other: Operand) -> Tensor:
        return table["add"](other, self)

    def __sub__(self, other: Operand) -> Tensor:
        return table["subtract"](self, other)

    def __rsub__(self, other: Operand) -> Tensor:
        return table["subtract"](other, self)

    def __mul__(self, other: Operand) -> Tensor:
        return table["multiply"](self, other)

    def __rmul__(self, other: Operand) -> Tensor:
        return table["multiply"](other, self)

    def __truediv__(self, other: Operand) -> Tensor:
        return table["divide"](self, other)

    def __rtruediv__(self, other: Operand) -> Tensor:
        return table["divide"](other, self)

    def __pow__(self, exponent: Operand) -> Tensor:
        return table["power"](self, exponent)

    def __rpow__(self, base: Operand) -> Tensor:
        return table["power"](base, self)

    def __matmul__(self, other: Operand) -> Tensor:
        return table["matmul"](self, other)

    def __rmatmul__(self, other: Operand) -> Tensor:
        return table["matmul"](other, self)

    def __neg__(self) -> Tensor:
        return table["negative"](self)

    def __abs__(self) -> Tensor:
        return table["abs"](self)

    def __getitem__(self, index: Any) -> Tensor:
        return table["getitem"](self, index)

    # In-place forms: `a += b` edits `a` where nothing is recorded, and makes a new tensor where something is.

    def __iadd__(self, other: Operand) -> Tensor:
        return self._in_place("+=", "add", other)

    def __isub__(self, other: Operand) -> Tensor:
        return self._in_place("-=", "subtract", other)

    def __imul__(self, other: Operand) -> Tensor:
        return self._in_place("*=", "multiply", other)

    def __itruediv__(self, other: Operand) -> Tensor:
        return self._in_place("/=", "divide", other)

    def _in_place(self: Any, symbol: str, name: str, other: Any) -> Any:
        recorded = getattr(other, "requires_grad", False) or (self.requires_grad and not self.is_leaf)
        if is_grad_enabled() and recorded:
            return table[name](self, other)
        self.assign(symbol, ..., table[name](self.detach(), other))
        return self

    # Comparisons: boolean tensors, without a gradient

    def __eq__(self, other: object) -> Any:
        return NotImplemented if other is None else table["equal"](self, other)

    def __ne__(self, other: object) -> Any:
        return NotImplemented if other is None else table["not_equal"](self, other)

    def __lt__(self, other: Any) -> Tensor:
        return table["less"](self, other)

    def __le__(self, other: Any) -> Tensor:
        return table["less_equal"](self, other)

    def __gt__(self, other: Any) -> Tensor:
        return table["greater"](self, other)

    def __ge__(self, other: Any) -> Tensor:
        return table["greater_equal"](self, other)

    # Elementwise

    def exp(self) -> Tensor:
        """e to the power of each element."""
        return table["exp"](self)

    def log(self) -> Tensor:
        """Natural logarithm of each element."""
        return table["log"](self)

    def sqrt(self) -> Tensor:
        """Square root of each element."""
        return table["sqrt"](self)

    def abs(self) -> Tensor:
        """Absolute value of each element."""
        return table["abs"](self)

    def clip(self, low: float | None = None, high: float | None = None) -> Tensor:
        """Each element, moved into the range from `low` to `high`."""
        return table["clip"](self, low, high)

    def relu(self) -> Tensor:
        """max(x, 0) of each element."""
        return table["relu"](self)

    def sigmoid(self) -> Tensor:
        """1 / (1 + exp(-x)) of each element."""
        return table["sigmoid"](self)

    def tanh(self) -> Tensor:
        """Hyperbolic tangent of each element."""
        return table["tanh"](self)

    def astype(self, dtype: Any) -> Tensor:
        """The values in another element type; the gradient comes back in this one."""
        return table["astype"](self, dtype)

    def to(self, backend: str) -> Tensor:
        """The values where a backend computes: on the GPU for "cupy", else in main memory; the gradient comes back here."""
        return table["to"](self, backend)

    # Reductions

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Sum over `axis` (an index, several, or all)."""
        return table["sum"](self, axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Mean over `axis`."""
        return table["mean"](self, axis, keepdims)

    def var(self, axis: Axis = None, keepdims: bool = False, correction: int = 0) -> Tensor:
        """Variance over `axis`: squares of differences from the mean, divided by their number less `correction`."""
        return table["var"](self, axis, keepdims, correction)

    def std(self, axis: Axis = None, keepdims: bool = False, correction: int = 0) -> Tensor:
        """Standard deviation over `axis`, the square root of `var`."""
        return table["std"](self, axis, keepdims, correction)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Largest element over `axis`."""
        return table["max"](self, axis, keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Smallest element over `axis`."""
        return table["min"](self, axis, keepdims)

    def argmax(self, axis: int | None = None) -> Tensor:
        """Index of the largest element along `axis`; an integer tensor, without a gradient."""
        return table["argmax"](self, axis)

    # Shape

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape; one size may be -1."""
        return table["reshape"](self, shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)

    def flatten(self, start: int = 0) -> Tensor:
        """All axes from `start` on as one."""
        return table["flatten"](self, start)

    def transpose(self, *axes: int) -> Tensor:
        """The axes in the given order; reversed if none is given."""
        return table["transpose"](self, axes or None)

    def squeeze(self, axis: Axis = None) -> Tensor:
        """Without the axes of size 1, or without those in `axis`."""
        return table["squeeze"](self, axis)

    def unsqueeze(self, axis: int) -> Tensor:
        """With a new axis of size 1, which is axis number `axis` of the result."""
        return table["unsqueeze"](self, axis)

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return table["transpose"](self, None)
