"""Mistakes in the linear layer and in the matrix product."""

from minicnn.kernels.types import Array, Needs, Saved
from minicnn.ops.matmul import MatMul
from minicnn.testing.mutants.mutant import (
    Gradients,
    replaced,
    right_backward,
    scaled,
    wrong_backward,
    wrong_method,
)


@wrong_backward("linear")
def weight_gradient_reshaped(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The weight gradient is xᵀ dy, reshaped until it fits, instead of dyᵀ x."""
    return replaced(right_backward("linear", dy, saved, needs), 1, lambda dw: dw.T.reshape(dw.shape))


@wrong_backward("linear")
def weight_gradient_transposed(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The weight gradient is xᵀ dy: transposed."""
    return replaced(right_backward("linear", dy, saved, needs), 1, lambda dw: dw.T)


@wrong_backward("linear")
def bias_averaged_over_rows(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The bias gradient is averaged over the batch instead of summed."""
    return scaled(right_backward("linear", dy, saved, needs), 2, dy.shape[-1] / dy.size)


@wrong_backward("linear")
def bias_gradient_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The bias gradient is missing."""
    return (*right_backward("linear", dy, saved, needs)[:2], None)


_right = MatMul.backward


@wrong_method("matmul", MatMul, "backward")
def product_reshaped(self: MatMul, dy: Array) -> Gradients:
    """The right factor's gradient is dYᵀ A, reshaped until it fits, instead of Aᵀ dY."""
    return replaced(_right(self, dy), 1, lambda db: db.swapaxes(-1, -2).reshape(db.shape))


@wrong_method("matmul", MatMul, "backward")
def first_matrix_only(self: MatMul, dy: Array) -> Gradients:
    """Of a stack of matrices only the first sends its gradient back."""
    first = dy.copy()
    first.reshape(-1, *dy.shape[-2:])[1:] = 0
    return _right(self, dy)[0], _right(self, first)[1]
