"""Arithmetic on a CPU: NumPy's sum, spread over threads, in memory that has been used before."""

from typing import Any

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.pieces import compiled_elementwise
from minicnn.kernels.types import Array, Needs, Saved


def accumulate_forward(a: Array, b: Array) -> tuple[Array, Saved]:
    """y = a + b. Shapes: all the same."""
    return compiled_elementwise(_add, a, b), None


def accumulate_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:  # noqa: ARG001 - the contract
    """Each summand gets all of dy."""
    return tuple(dy if needed else None for needed in needs)


@jit
def _add(a: Any, b: Any, y: Any) -> None:
    for i in range(y.size):
        y[i] = a[i] + b[i]
