"""The matrix product."""

from typing import Any

from minicnn.autograd import Function, Tensor
from minicnn.errors import ShapeError
from minicnn.kernels.types import Array
from minicnn.ops.autocast import cast
from minicnn.ops.broadcasting import broadcast_shape, unbroadcast
from minicnn.ops.dtype import operands
from minicnn.ops.shape import squeeze, unsqueeze


class MatMul(Function):
    """Y = A B: dA = dY Bᵀ, dB = Aᵀ dY; summed over the axes along which a stack of matrices was repeated."""

    def forward(self, a: Array, b: Array) -> Array:
        self.save(a if self.needs[1] else None, b if self.needs[0] else None)
        return product(a, b)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        a, b = self.saved
        da = unbroadcast(product(dy, b.swapaxes(-1, -2)), self.input_shapes[0]) if self.needs[0] else None
        db = unbroadcast(product(a.swapaxes(-1, -2), dy), self.input_shapes[1]) if self.needs[1] else None
        return da, db


def product(a: Array, b: Array) -> Array:
    """A B in the type of both: NumPy gives the product of bfloat16 matrices, which it adds up in float32, as float32."""
    return (a @ b).astype(a.dtype, copy=False)


def matmul(a: Any, b: Any) -> Tensor:
    """A B: y[..., i, j] = sum over k of a[..., i, k] b[..., k, j].

    The last two axes are the matrices; all axes before them are a stack of matrices and broadcast. A vector on the left
    is a row, on the right a column, and its axis is missing in the result; two vectors give their scalar product.

    Shapes:
        a: (..., n, k).
        b: (..., k, m).
        result: (..., n, m), the axes in front broadcast.

    Raises:
        ShapeError: the inner sizes differ, the stacks do not broadcast, or an operand is a number.

    Example:
        >>> import minicnn
        >>> (minicnn.ones(8, 1, 2, 3) @ minicnn.ones(5, 3, 4)).shape
        (8, 5, 2, 4)
        >>> matmul(Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))
        Tensor(11., dtype=float32)
    """
    a, b = cast("matmul", *operands("matmul", a, b))
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(f"matmul: shapes {a.shape} and {b.shape}: a number is no matrix; to scale, use *")
    if a.shape[-1] != b.shape[-min(b.ndim, 2)]:
        raise ShapeError(
            f"matmul: shapes {a.shape} and {b.shape} do not fit together: {a.shape[-1]} columns on the left meet "
            f"{b.shape[-min(b.ndim, 2)]} rows on the right; is one of them transposed?"
        )
    broadcast_shape("matmul (axes in front of the matrices)", a.shape[:-2], b.shape[:-2])
    y = MatMul.apply(unsqueeze(a, 0) if a.ndim == 1 else a, unsqueeze(b, 1) if b.ndim == 1 else b)
    vectors = (-2,) * (a.ndim == 1) + (-1,) * (b.ndim == 1)
    return squeeze(y, vectors) if vectors else y
