"""What an operation costs, whoever computes it: multiply-adds, and bytes that must be read and written."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from minicnn.autograd import Function, KernelFunction, Tensor
from minicnn.autograd.convert import is_array
from minicnn.autograd.guard import leaves
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.ops.matmul import MatMul

Shape: TypeAlias = tuple[int, ...]


def _conv2d_macs(inputs: Sequence[Shape], y: Shape) -> int:
    """Every number of y (N, O, P, Q) is a sum over a window: the C/G kh kw taps of its filter w (O, C/G, kh, kw)."""
    return math.prod(y) * math.prod(inputs[1][1:])


def _product_macs(inputs: Sequence[Shape], y: Shape) -> int:
    """Every number of y (..., O) is an inner product as long as a row of x (..., D)."""
    return math.prod(y) * inputs[0][-1]


MACS: dict[str, Callable[[Sequence[Shape], Shape], int]] = {  # by the name of the kernels
    "conv2d": _conv2d_macs,
    "conv2d_relu": _conv2d_macs,
    "linear": _product_macs,
}


def forward_macs(node: Function, inputs: Sequence[Shape], y: Shape) -> int:
    """Multiply-adds of a convolution or matrix product, from the shapes of its inputs and its result; else 0.

    >>> forward_macs(MatMul(), [(8, 400), (400, 120)], (8, 120))
    384000
    """
    if isinstance(node, KernelFunction):
        return MACS[node.op](inputs, y) if node.op in MACS else 0
    return _product_macs(inputs, y) if isinstance(node, MatMul) else 0


def backward_macs(node: Function) -> int:
    """The gradients of both factors cost as much as the product itself; that of a bias costs no product."""
    return forward_macs(node, node.input_shapes, node.shape) * sum(node.needs[:2])


def forward_bytes(inputs: Sequence[Array | None], y: Any) -> int:
    """Inputs and result, each once; 0 if the result is a view of the first input."""
    given = [array for array in inputs if array is not None]
    return _moved(given[0], given[1:], [y]) if given else getattr(y, "nbytes", 0)


def backward_bytes(dy: Array, saved: Any, gradients: Any) -> int:
    """The incoming gradient, what was saved, and the new gradients, each once; 0 if all of these are `dy` again, or views of it."""
    kept = {id(array): array for array in leaves(saved) if is_array(array)}
    return _moved(dy, kept.values(), gradients if isinstance(gradients, tuple) else ())


def step_bytes(work: Iterable[tuple[Tensor, Array, Mapping[str, Any]]], state: Mapping[Tensor, Mapping[str, Any]]) -> int:
    """Of an optimiser's step: gradients are read, parameters and their state are read and written."""
    total = 0
    for parameter, gradient, _ in work:
        kept = [value.nbytes for value in state.get(parameter, {}).values() if is_array(value)]
        total += gradient.nbytes + 2 * (parameter.data.nbytes + sum(kept))
    return total


def _moved(source: Array, others: Iterable[Array], results: Iterable[Any]) -> int:
    """Bytes of everything, without those results that lie in the memory of `source`; 0 if no other result is left."""
    new = [y for y in results if is_array(y) and not array_module(source).may_share_memory(y, source)]
    return sum(array.nbytes for array in (source, *others, *new)) if new else 0
