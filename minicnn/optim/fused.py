"""Steps of optimisers in a few launches: what `Optimizer.update` does for one parameter, a kernel does for all of a group.

On a GPU, a network's hundred parameters with some ten operations each are a thousand launches a step, which take longer than the arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from minicnn.autograd import Tensor
from minicnn.backend import get_backend
from minicnn.errors import AutogradError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda import elementwise
from minicnn.kernels.cuda.optimizer import Update
from minicnn.kernels.cuda.tensors import packed
from minicnn.kernels.types import Array

if TYPE_CHECKING:
    from minicnn.optim.optimizer import Optimizer

Item: TypeAlias = "tuple[Tensor, Array, Mapping[str, Any]]"
"""A parameter that is to be updated, its gradient, and the options of its group."""


class Rule(NamedTuple):
    """An optimiser's update as a kernel, under certain options and at a certain step.

    Attributes:
        kernel: the kernel of optimizer.cu.
        arrays: what it keeps for each parameter, in its order: names in the parameter's state; None for what these options do without.
        numbers: what holds for all parameters, in its order.
        counted: the state counts the steps, as "step".
    """

    kernel: str
    arrays: tuple[str | None, ...]
    numbers: tuple[float, ...]
    counted: bool = False


class Part(NamedTuple):
    """Parameters that share options, element type and count of steps."""

    group: Mapping[str, Any]
    states: list[dict[str, Any]]
    update: Update


class FusedStep:
    """A step that can be taken again and again with the same arrays, by itself or as part of a recorded graph.

    Attributes:
        rest: what no kernel can update, such as a parameter whose memory has gaps.
    """

    def __init__(self, optimizer: Optimizer, work: Iterable[Item]) -> None:
        self._optimizer = optimizer
        self.rest: list[Item] = []
        together: dict[Any, list[Item]] = {}
        here = get_backend().xp.ndarray
        for item in work:
            parameter, _, group = item
            if isinstance(parameter.data, here) and packed(parameter.data):
                steps = optimizer.state.get(parameter, {}).get("step", 0)
                together.setdefault((id(group), parameter.dtype, steps), []).append(item)
            else:
                self.rest.append(item)
        self._parts = [self._part(items) for items in together.values()]

    def _part(self, items: list[Item]) -> Part:
        group = items[0][2]
        rule = self._optimizer.rule(group, 1)
        rows, states = [], []
        for parameter, gradient, _ in items:
            data, state = parameter.edit("step"), self._optimizer.state.setdefault(parameter, {})
            for name in rule.arrays:
                if name is not None:
                    state[name] = ordered_like(state[name], data) if name in state else array_module(data).zeros_like(data)
            rows.append([data, ordered_like(gradient, data), *(None if name is None else state[name] for name in rule.arrays)])
            states.append(state)
        return Part(group, states, Update(rule.kernel, rows))

    def advance(self) -> None:
        """Count the step, and write what follows from the options and the count, such as the learning rate, to where the kernels read it."""
        for group, states, update in self._parts:
            step = states[0].get("step", 0) + 1
            rule = self._optimizer.rule(group, step)
            if rule.counted:
                for state in states:
                    state["step"] = step
            update.write(rule.numbers)

    def launch(self, skip: Array | None = None) -> None:
        """Change the parameters, unless `skip` (one int32) is not 0 when the kernels run. These are all that is launched, so that a graph can record it."""
        for part in self._parts:
            part.update.launch(skip)


def possible(optimizer: Optimizer) -> bool:
    """The active backend has CUDA kernels, and the optimiser's very class says which is its own.

    A class that is derived from it may compute something else, and must say so itself.
    """
    return "rule" in vars(type(optimizer)) and "cuda" in get_backend().sources


def recorded(optimizer: Optimizer, work: list[Item], skip: Array | None) -> FusedStep:
    """See `Optimizer.record_step`."""
    name = f"{type(optimizer).__name__}: record_step()"
    if not possible(optimizer):
        raise AutogradError(f"{name} needs an update that is a kernel: of SGD, Adam, AdamW or RMSprop, on the backend 'cupy' or 'cudasim'")
    for parameter, _, group in work:
        if {*optimizer.rule(group, 1).arrays} - {None, *optimizer.state.get(parameter, {})}:
            raise AutogradError(f"{name}: a parameter of shape {parameter.shape} has not been updated before: take a step() outside of the graph first")
    step = FusedStep(optimizer, work)
    if step.rest:
        raise AutogradError(f"{name}: no kernel updates a parameter of shape {step.rest[0][0].shape}, whose memory has gaps")
    step.launch(skip)
    return step


def ordered_like(x: Array, model: Array) -> Array:
    """x in memory in the order of `model`: itself if it is, else a copy."""
    if x.strides == model.strides or (x.flags.c_contiguous and model.flags.c_contiguous):
        return x
    y: Array = array_module(model).empty_like(model)
    elementwise.assign(y, x)
    return y
