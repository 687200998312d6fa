"""The rival: PyTorch, running the very network that minicnn runs.

No network is written down twice. A recording of minicnn's own pass is repeated operation by operation, with the same weights. So that the
rival is as good as a network written for it by hand: activations overwrite their input where nobody else reads it, and so do the sums of
shortcuts, as in torchvision's networks; values are dropped after their last use; batch norms are folded for inference, as minicnn's are; and
it is measured in both memory layouts, NCHW and channels-last, of which the faster one counts.

This is the one file of the package that imports PyTorch, and only when it is asked for.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.autograd import Tensor
from minicnn.bench.contender import LEARNING_RATE, MOMENTUM, Contender
from minicnn.bench.counterparts import IN_PLACE, MAY_BE_OVERWRITTEN, counterpart
from minicnn.bench.recording import Operation, Program, record
from minicnn.bench.turns import Step
from minicnn.bench.workload import Problem
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array
from minicnn.models.auxiliary import auxiliary_cross_entropy
from minicnn.nn import Module

VERSION = "2.13.0"  # the one that the tests compare with
LAYOUTS = ("torch", "torch channels-last")


def load() -> Any:
    """The module torch.

    Raises:
        ArgumentError: it is not installed; says how to install it.
    """
    if importlib.util.find_spec("torch") is None:
        raise ArgumentError(f"bench: a comparison with PyTorch needs PyTorch, which is not installed: {sys.executable} -m pip install torch=={VERSION}")
    import torch  # noqa: TID251 - a benchmark's rival

    return torch


def torch_contenders() -> tuple[Contender, ...]:
    """PyTorch in its two memory layouts.

    Raises:
        ArgumentError: PyTorch is not installed.
    """
    load()
    return tuple(Contender(name, _builder(name), is_rival=True) for name in LAYOUTS)


def _builder(name: str) -> Callable[[Problem], Step]:
    return lambda problem: build(problem, channels_last=name == LAYOUTS[1])


def build(problem: Problem, *, channels_last: bool = False) -> Step:
    """One step of PyTorch for the problem: a training step on a copy of the weights, or a forward pass.

    Raises:
        ArgumentError: an operation of the network has no counterpart in PyTorch.
    """
    torch, model = load(), problem.model
    images = to_torch(torch, problem.images, channels_last)
    if problem.workload.mode == "inference":
        forward = Replay(torch, record(model, model, problem.images), model, channels_last=channels_last)

        def infer() -> Any:
            with torch.inference_mode():
                return forward(images)

        return infer

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        return auxiliary_cross_entropy(model(x), y)

    loss = Replay(torch, record(model, loss_of, problem.images, problem.labels), model, channels_last=channels_last)
    labels = torch.tensor(problem.labels)
    optimizer = torch.optim.SGD(loss.parameters.values(), lr=LEARNING_RATE, momentum=MOMENTUM)

    def train() -> Any:
        optimizer.zero_grad()
        value = loss(images, labels)
        value.backward()
        optimizer.step()
        return value.detach()

    return train


@dataclass(frozen=True)
class _Call:
    """One line of a replay; `dead` are the values that nobody reads afterwards."""

    run: Callable[..., Any]
    operation: Operation
    dead: tuple[int, ...]


class Replay:
    """A recorded program in PyTorch: call it with the program's arguments as tensors of PyTorch.

    Attributes:
        parameters: by name, copies of the network's parameters, with gradients after `backward`.
        buffers: by name, copies of its buffers.
        in_place: how many operations overwrite an input.
    """

    def __init__(self, torch: Any, program: Program, model: Module, *, channels_last: bool = False, device: str = "cpu") -> None:
        self._program = program
        self.parameters = {
            name: to_torch(torch, p.numpy(), channels_last, device).requires_grad_(p.requires_grad) for name, p in model.named_parameters()
        }
        self.buffers = {name: to_torch(torch, buffer.numpy(), channels_last, device) for name, buffer in model.named_buffers()}
        state = {**self.parameters, **self.buffers}
        self._fixed = {number: state[name] for number, name in program.state.items()}
        self._fixed |= {number: to_torch(torch, value, False, device) for number, value in program.constants.items()}
        places = _overwritten(program)
        self.in_place = len(places)
        self._calls = [_call(torch, operation, places.get(operation.output), dead) for operation, dead in _with_last_uses(program)]
        self._checked = False

    def __call__(self, *arguments: Any) -> Any:
        values = self._fixed | dict(zip(self._program.arguments, arguments, strict=True))
        for call in self._calls:
            y = call.run(*(None if i is None else values[i] for i in call.operation.inputs))
            if not self._checked and tuple(y.shape) != call.operation.shape:
                raise ArgumentError(f"bench: {call.operation.kind} gives {tuple(y.shape)} in PyTorch and {call.operation.shape} here: its counterpart is wrong")
            values[call.operation.output] = y
            for number in call.dead:
                del values[number]
        self._checked = True
        return values[self._program.result]


def to_torch(torch: Any, array: Array, channels_last: bool, device: str = "cpu") -> Any:
    """A copy of an array as a tensor of PyTorch, four axes in the given layout."""
    tensor = torch.tensor(np.asarray(array), device=device)
    return tensor.contiguous(memory_format=torch.channels_last) if channels_last and tensor.ndim == 4 else tensor


@contextmanager
def num_threads(threads: int) -> Iterator[None]:
    """So many threads for PyTorch inside; as many as before afterwards."""
    torch = load()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _with_last_uses(program: Program) -> Sequence[tuple[Operation, tuple[int, ...]]]:
    """Each operation with the values that it is the last to read; its own result, if nobody reads it."""
    keep = {program.result, *program.arguments, *program.state, *program.constants}
    rows: list[tuple[Operation, tuple[int, ...]]] = []
    for operation in reversed(program.operations):
        touched = {number for number in operation.inputs if number is not None} | {operation.output}
        rows.append((operation, tuple(touched - keep)))
        keep |= touched
    return rows[::-1]


def _call(torch: Any, operation: Operation, place: int | None, dead: tuple[int, ...]) -> _Call:
    """The call for an operation; `place` says which input it overwrites, if any."""
    run = counterpart(torch, operation.kind, operation.attributes, in_place=place is not None)
    return _Call((lambda a, b: run(b, a)) if place == 1 else run, operation, dead)


def _overwritten(program: Program) -> dict[int, int]:
    """For results that may be written over an input, which one: it has the result's shape, nobody else reads it, and no backward needs it."""
    made_by = {operation.output: operation for operation in program.operations}
    users = program.users()
    found = {}
    for operation in program.operations:
        for place, number in enumerate(operation.inputs if operation.kind in IN_PLACE else ()):
            maker = made_by.get(number) if number is not None else None
            if maker is not None and maker.kind in MAY_BE_OVERWRITTEN and users[maker.output] == 1 and maker.shape == operation.shape:
                found[operation.output] = place
                break
    return found
