"""Checks that optimisers share: of their options, of a saved state, and of gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.errors import ArgumentError, DtypeError, ShapeError, StateDictError, listing
from minicnn.kernels.types import Array


def plain_number(value: Any) -> Any:
    """A NumPy scalar as a Python number, which does not widen the arrays that it is multiplied with."""
    return value.item() if isinstance(value, np.generic) else value


def check_momentum(value: Any, name: str) -> None:
    """What remains of a velocity at each step: a number from 0 to less than 1."""
    if checks.number(value, name, 0) >= 1:
        raise ArgumentError(f"{name} must be below 1, not {value!r}: the velocity would forget nothing and grow without bound")


def check_entries(
    where: str, state: Mapping[str, Any], *, arrays: Sequence[str] = (), counts: Sequence[str] = (), optional: Sequence[str] = ()
) -> None:
    """The state of a parameter has these arrays and counts, perhaps some of the optional arrays, and nothing else."""
    numbers = {name for name, value in state.items() if isinstance(value, int)}
    if numbers != set(counts) or not set(arrays) <= set(state) - numbers <= {*arrays, *optional}:
        needed = listing([*arrays, *optional, *(f"{name} (a count)" for name in counts)])
        raise StateDictError(f"{where} consists of {needed}; what was saved has {listing(state)}")


def matching_gradient(optimizer: str, parameter: Tensor) -> Array:
    """The gradient of a parameter, of its shape and element type."""
    assert parameter.grad is not None
    if not isinstance(parameter.grad, Tensor):
        raise DtypeError(
            f"{optimizer}: the gradient of a parameter of shape {parameter.shape} must be a tensor, not {type(parameter.grad).__name__}: "
            "write p.grad = Tensor(...)"
        )
    gradient = parameter.grad.data
    if gradient.shape != parameter.shape:
        raise ShapeError(f"{optimizer}: a gradient has shape {gradient.shape}, but its parameter has {parameter.shape}")
    if gradient.dtype != parameter.dtype:
        raise DtypeError(f"{optimizer}: a gradient is {gradient.dtype}, but its parameter of shape {parameter.shape} is {parameter.dtype}")
    return gradient
