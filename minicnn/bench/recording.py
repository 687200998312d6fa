"""What a network does, as a list of operations that another library can repeat.

`nn.trace` leaves the graph that backward walks. That is less than is needed here: it has no edge to what needs no gradient (the numbers
in `0.1 * x`, running means), and comes from one image in evaluation mode. So a recording listens at the one door through which every operation goes,
`Function.__call__`, while the network runs on the backend `meta`, in the mode and with the batch of the benchmark: shapes that
contain the batch size are right as they stand, and no memory is needed.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.autograd import Function, Tensor, as_tensor, enable_grad
from minicnn.backend import META, use_backend
from minicnn.errors import ArgumentError
from minicnn.kernels.shapes import without_values
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.nn.batch_norm import BatchNorm

Note = Callable[[Function, tuple[Tensor | None, ...], dict[str, Any], Tensor], None]

AVERAGING = 0.1  # stands for the momentum None of a batch norm, the plain average: the cost is the same


@dataclass(frozen=True)
class Operation:
    """One operation of a program. Values are numbered.

    Attributes:
        kind: the class of its `Function`: "Conv2d", "Add", ...
        attributes: what the function was called with besides its inputs.
        inputs: numbers of the values that go in; None for an input that is left out, such as a bias.
        output: number of the result.
        shape: of the result.
    """

    kind: str
    attributes: dict[str, Any]
    inputs: tuple[int | None, ...]
    output: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """Operations in the order in which they ran.

    Attributes:
        operations: in order.
        arguments: numbers of the values that are given at each run: the images, and, in training, the labels.
        state: for the numbers of parameters and buffers, their names.
        constants: for the numbers of values that are always the same, those values.
        result: number of the value that is the result.
    """

    operations: tuple[Operation, ...]
    arguments: tuple[int, ...]
    state: dict[int, str]
    constants: dict[int, Array]
    result: int

    def users(self) -> Counter[int]:
        """How often each value is used; being the result counts."""
        inputs = (number for operation in self.operations for number in operation.inputs if number is not None)
        return Counter([*inputs, self.result])


def record(model: Module, call: Callable[..., Tensor], *arguments: Array) -> Program:
    """Run `call(*arguments)`, which runs the network, and write down what happens.

    Args:
        model: the network, in the mode in which it is to be recorded. It stays as it is.
        call: a function of tensors: the network itself, or the network and its loss.
        arguments: arrays of the shapes that the call is for; of images only the shapes are used.

    Raises:
        ArgumentError: a value of several numbers is made on the way from nothing; on the backend `meta` nobody knows it.

    Example:
        >>> from minicnn import nn
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
        >>> program = record(net, net, np.empty((4, 3, 32, 32), np.float32))
        >>> [(o.kind, o.shape) for o in program.operations]
        [('Conv2d', (4, 8, 30, 30)), ('ReLU', (4, 8, 30, 30))]
        >>> program.state
        {1: '0.weight', 2: '0.bias'}
    """
    inputs = [Tensor.wrap(without_values(a.shape, a.dtype) if a.dtype.kind == "f" else a) for a in arguments]
    for tensor in inputs:
        if tensor.dtype.kind == "f":
            tensor.requires_grad_()  # then `x += y` makes a new tensor and does not edit x
    recorder = _Recorder(model, inputs)
    buffers = [(buffer, buffer.data) for buffer in model.buffers()]
    try:
        with use_backend(META), enable_grad(), _listening(recorder.note):
            y = call(*inputs)
    finally:
        for buffer, data in buffers:  # training has averaged shapes without values into the running statistics
            buffer.data = data
    return recorder.program(y)


@contextmanager
def _listening(note: Note) -> Iterator[None]:
    """Call `note` after every operation of this process."""
    run = Function.__call__

    def run_and_note(self: Function, *inputs: Any, **attributes: Any) -> Tensor:
        tensors = tuple(None if value is None else as_tensor(value) for value in inputs)
        y = run(self, *tensors, **attributes)
        note(self, tensors, attributes, y)
        return y

    Function.__call__ = run_and_note  # type: ignore[method-assign]
    try:
        yield
    finally:
        Function.__call__ = run  # type: ignore[method-assign]


class _Recorder:
    """Numbers values as they turn up: the arguments, then whatever operations read and make."""

    def __init__(self, model: Module, arguments: list[Tensor]) -> None:
        self._numbers: dict[int, int] = {}
        self._kept: list[Tensor] = []  # as long as a tensor lives, no other one has its id
        self._names = {id(t): name for name, t in (*model.named_parameters(), *model.named_buffers())}
        self._norms = {id(m.weight): m for m in model.modules() if isinstance(m, BatchNorm) and m.weight is not None}
        self._operations: list[Operation] = []
        self._state: dict[int, str] = {}
        self._constants: dict[int, Array] = {}
        self._arguments = tuple(self._new(tensor) for tensor in arguments)

    def note(self, function: Function, inputs: tuple[Tensor | None, ...], attributes: dict[str, Any], y: Tensor) -> None:
        """Write an operation down."""
        kind = type(function).__name__
        if kind == "BatchNorm" and attributes["training"]:
            inputs, attributes = self._with_running_statistics(inputs, attributes)
        numbers = tuple(None if t is None else self._number(t, kind) for t in inputs)
        self._operations.append(Operation(kind, attributes, numbers, self._new(y), y.shape))
        y.data = without_values(y.shape, y.dtype)  # sums and concatenations have real zeros, which nobody reads

    def program(self, y: object) -> Program:
        """All that was written down."""
        if not isinstance(y, Tensor) or id(y) not in self._numbers:
            raise ArgumentError(f"bench: the network returns a {type(y).__name__} that no operation has made, where one tensor is needed")
        return Program(tuple(self._operations), self._arguments, self._state, self._constants, self._numbers[id(y)])

    def _with_running_statistics(
        self, inputs: tuple[Tensor | None, ...], attributes: dict[str, Any]
    ) -> tuple[tuple[Tensor | None, ...], dict[str, Any]]:
        """In training the operation hands out the batch's statistics, and its caller averages them; other libraries do both at once."""
        norm = self._norms.get(id(inputs[1]))
        if norm is None or not norm.track_running_stats:
            return inputs, {**attributes, "momentum": 0.0}
        momentum = AVERAGING if norm.momentum is None else norm.momentum
        return (*inputs[:3], norm.running_mean, norm.running_var), {**attributes, "momentum": momentum}

    def _number(self, tensor: Tensor, kind: str) -> int:
        if id(tensor) in self._numbers:
            return self._numbers[id(tensor)]
        number = self._new(tensor)
        if id(tensor) in self._names:
            self._state[number] = self._names[id(tensor)]
        elif tensor.size > 1 and not any(tensor.data.strides):
            raise ArgumentError(f"bench: {kind} uses {tensor.shape} numbers that are no parameter, no buffer and no result: their values are not known")
        else:
            self._constants[number] = np.array(tensor.data)
        return number

    def _new(self, tensor: Tensor) -> int:
        self._kept.append(tensor)
        return self._numbers.setdefault(id(tensor), len(self._numbers))
