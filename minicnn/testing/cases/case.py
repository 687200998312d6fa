"""A case: an operation with inputs to check it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minicnn.autograd import KernelFunction, Tensor
from minicnn.kernels.types import Array, Kernel
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

    def call_kernel(self, kernel: Kernel, dtype: Any, dy_of: Callable[[Array], Array]) -> dict[str, Array]:
        """Run a kernel's forward and backward in one element type: all results and gradients, by name."""
        given = {**self.inputs, **self.constants}
        inputs = [x if x is None or x.dtype.kind != "f" else x.astype(dtype) for x in given.values()]
        y, saved = kernel.forward(*inputs, **self.attributes)
        outputs = y if isinstance(y, tuple) else (y,)
        needs = tuple(x is not None and x.dtype.kind == "f" and name in self.inputs for name, x in given.items())
        gradients = kernel.backward(dy_of(outputs[0]).astype(dtype), saved, needs=needs)
        named = {f"d{name}": gradient for name, gradient in zip(given, gradients, strict=True)}
        results = {f"y{i or ''}": output for i, output in enumerate(outputs)} | named
        return {name: np.asarray(result) for name, result in results.items() if result is not None}


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
