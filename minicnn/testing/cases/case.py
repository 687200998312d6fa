"""A case: an operation with inputs to check it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from minicnn.autograd import KernelFunction, Tensor
from minicnn.kernels.types import Array
from minicnn.testing.draw import Draw

CASES: dict[str, Callable[[Draw], Case]] = {}
"""For each operation, a function that draws a case."""


@dataclass(frozen=True)
class Case:
    """An operation and its arguments.

    Attributes:
        function: takes one tensor (or None) per input and returns a tensor.
        inputs: float64 arrays by the names that reports use, in order; integers and None are passed on undifferentiated.
        attributes: the keyword arguments of the kernel, or of the operation if it has no kernels.
        op: the name of the kernel, or None.
        constants: arrays that the kernel takes after the inputs and that have no gradient (running statistics).
    """

    function: Callable[..., Tensor]
    inputs: dict[str, Array | None]
    attributes: dict[str, Any] = field(default_factory=dict)
    op: str | None = None
    constants: dict[str, Array | None] = field(default_factory=dict)


def kernel_case(
    function: type[KernelFunction],
    inputs: dict[str, Array | None],
    *,
    constants: dict[str, Array | None] | None = None,
    **attributes: Any,
) -> Case:
    """A case of an operation that has kernels: `function` is its node, `attributes` are those of the kernels."""
    fixed = constants or {}

    def apply(*tensors: Tensor | None) -> Tensor:
        return function.apply(*tensors, *fixed.values(), **attributes)

    return Case(apply, inputs, attributes, function.op, fixed)


def op_case(function: Callable[..., Tensor], inputs: dict[str, Array], **attributes: Any) -> Case:
    """A case of an operation without kernels: `function` takes the inputs and, by name, the attributes."""

    def apply(*tensors: Tensor | None) -> Tensor:
        return function(*tensors, **attributes)

    return Case(apply, {**inputs}, attributes)


def case(name: str) -> Callable[[Callable[[Draw], Case]], Callable[[Draw], Case]]:
    """Enter a drawing function in `CASES`."""

    def enter(draw_case: Callable[[Draw], Case]) -> Callable[[Draw], Case]:
        CASES[name] = draw_case
        return draw_case

    return enter
