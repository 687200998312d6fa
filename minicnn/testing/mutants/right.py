"""What is right, to be spoilt: the kernels of `array/`, and ways to change one of several gradients."""

from collections.abc import Callable
from typing import Any, TypeAlias

from minicnn import kernels
from minicnn.kernels.types import Array, Needs, Saved

Gradients: TypeAlias = tuple[Array | None, ...]


def right_forward(op: str, *arrays: Array | None, **attributes: Any) -> tuple[Any, Saved]:
    """The forward of `array/`."""
    return kernels.find(op, ["array"]).forward(*arrays, **attributes)


def right_backward(op: str, dy: Array, saved: Saved, needs: Needs, **changed: Any) -> Gradients:
    """The backward of `array/` from the arguments of the forward, of which some may be changed."""
    arrays, attributes = saved
    kernel = kernels.find(op, ["array"])
    _, saved = kernel.forward(*arrays, **{**attributes, **changed})
    return kernel.backward(dy, saved, needs=needs)


def scaled(gradients: Gradients, number: int, factor: float) -> Gradients:
    """The gradients, one of them times a factor."""
    return replaced(gradients, number, lambda gradient: gradient * gradient.dtype.type(factor))


def replaced(gradients: Gradients, number: int, change: Callable[[Array], Array]) -> Gradients:
    """The gradients, one of them changed."""
    return tuple(change(g) if i == number and g is not None else g for i, g in enumerate(gradients))
