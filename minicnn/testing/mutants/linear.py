"""Mistakes in the linear layer and in the matrix product."""

from minicnn.kernels.types import Array, Needs, Saved
from minicnn.ops.matmul import MatMul
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients, replaced, right_backward, scaled


def weight_gradient_reshaped(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The weight gradient is xᵀ dy, reshaped until it fits, instead of dyᵀ x."""
    return replaced(right_backward("linear", dy, saved, needs), 1, lambda dw: dw.T.reshape(dw.shape))


def weight_gradient_transposed(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The weight gradient is xᵀ dy: transposed."""
    return replaced(right_backward("linear", dy, saved, needs), 1, lambda dw: dw.T)


def bias_averaged_over_rows(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The bias gradient is averaged over the batch instead of summed."""
    return scaled(right_backward("linear", dy, saved, needs), 2, dy.shape[-1] / dy.size)


def bias_gradient_missing(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The bias gradient is missing."""
    return (*right_backward("linear", dy, saved, needs)[:2], None)


def bias_gradient_of_first_row(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The bias gradient comes from the first row alone."""
    return replaced(right_backward("linear", dy, saved, needs), 2, lambda _: dy.reshape(-1, dy.shape[-1])[0])


class ProductReshaped(MatMul):
    """The right factor's gradient is dYᵀ A, reshaped until it fits, instead of Aᵀ dY."""

    def backward(self, dy: Array) -> Gradients:
        return replaced(super().backward(dy), 1, lambda db: db.swapaxes(-1, -2).reshape(db.shape))


class FirstMatrixOnly(MatMul):
    """Of a stack of matrices only the first sends its gradient back."""

    def backward(self, dy: Array) -> Gradients:
        first = dy.copy()
        first.reshape(-1, *dy.shape[-2:])[1:] = 0
        return super().backward(dy)[0], super().backward(first)[1]


MUTANTS = [
    Mutant("linear", backward=weight_gradient_reshaped),
    Mutant("linear", backward=weight_gradient_transposed),
    Mutant("linear", backward=bias_averaged_over_rows),
    Mutant("linear", backward=bias_gradient_missing),
    Mutant("linear", backward=bias_gradient_of_first_row),
    Mutant("matmul", function=ProductReshaped),
    Mutant("matmul", function=FirstMatrixOnly),
]
