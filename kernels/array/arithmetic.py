"""Arithmetic in whole-array operations."""

from minicnn.kernels.types import Array, Needs, Saved


def accumulate_forward(a: Array, b: Array) -> tuple[Array, Saved]:
    """y = a + b. Shapes: all the same."""
    return a + b, None


def accumulate_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:  # noqa: ARG001 - the contract
    """Each summand gets all of dy."""
    return tuple(dy if needed else None for needed in needs)
