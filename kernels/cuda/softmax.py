"""Softmax and its logarithm on a GPU, along any axis, in whatever order the axes lie in memory. See softmax.cu."""

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.lines import lines_along, over_lines
from minicnn.kernels.cuda.packs import in_order
from minicnn.kernels.types import Array, Needs, Saved


def softmax_forward(x: Array, *, axis: int) -> tuple[Array, Saved]:
    """y = exp(x - max x) / Σ exp(x - max x)."""
    y = _along("softmax", axis, x)
    return y, (y, axis)


def softmax_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = y (dy - Σ y dy)."""
    y, axis = saved
    return (_along("softmax_dx", axis, dy, y) if needs[0] else None,)


def log_softmax_forward(x: Array, *, axis: int) -> tuple[Array, Saved]:
    """y = z - log Σ exp(z) with z = x - max x."""
    y = _along("log_softmax", axis, x)
    return y, (y, axis)


def log_softmax_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy - exp(y) Σ dy."""
    y, axis = saved
    return (_along("log_softmax_dx", axis, dy, y) if needs[0] else None,)


def _along(kernel: str, axis: int, *inputs: Array) -> Array:
    """A new array, in the order of the last of the inputs in memory, filled by `kernel` line by line."""
    result = array_module(inputs[-1]).empty_like(inputs[-1])
    if result.size:
        over_lines("softmax", kernel, lines_along(result, axis), result.dtype, (*in_order(result, *inputs), result))
    return result
