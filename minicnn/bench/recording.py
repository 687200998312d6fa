"""What a network does, as a list of operations that another library can repeat.

`nn.trace` leaves the graph that backward walks. That is less than is needed here: it has no edge to what needs no gradient (the numbers
in `0.1 * x`, running means), and comes from one image in evaluation mode. So a recording watches every operation as
`minicnn.profile` does, while the network runs on the backend `meta`, in the mode and with the batch of the benchmark: shapes that
contain the batch size are right as they stand, and no memory is needed.

A value is known by its array. So `detach` leaves no trace: where a network uses it, a replay's gradient goes further than minicnn's.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.autograd import Function, Tensor, enable_grad, observer
from minicnn.backend import META, use_backend
from minicnn.errors import ArgumentError
from minicnn.kernels.shapes import without_values
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.nn.batch_norm import BatchNorm

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
    recorder = _Recorder(model, [tensor.data for tensor in inputs])
    buffers = [(buffer, buffer.data) for buffer in model.buffers()]
    before, observer.active = observer.active, recorder
    try:
        with use_backend(META), enable_grad():
            y = call(*inputs)
    finally:
        observer.active = before
        for buffer, data in buffers:  # training has averaged shapes without values into the running statistics
            buffer.data = data
    return recorder.program(y)


class _Recorder:
    """An observer that numbers values as they turn up: the arguments, then whatever operations read and make."""

    def __init__(self, model: Module, arguments: list[Array]) -> None:
        self._numbers: dict[int, int] = {}
        self._kept: list[Array] = []  # as long as an array lives, no other one has its id
        self._names = {id(t.data): name for name, t in (*model.named_parameters(), *model.named_buffers())}
        self._norms = {  # with the running statistics of now: training replaces them, also between two uses of one layer
            id(m.weight.data): (m.momentum, m.running_mean.data, m.running_var.data)
            for m in model.modules()
            if isinstance(m, BatchNorm) and m.weight is not None and m.running_mean is not None and m.running_var is not None
        }
        self._operations: list[Operation] = []
        self._state: dict[int, str] = {}
        self._constants: dict[int, Array] = {}
        self._arguments = tuple(self._new(array) for array in arguments)

    def forward(self, node: Function, arrays: tuple[Array | None, ...], attributes: dict[str, Any]) -> Array:
        """Run an operation and write it down. Sums and concatenations have real zeros, which nobody reads."""
        y = node.forward(*arrays, **attributes)
        kind, result = type(node).__name__, without_values(y.shape, y.dtype)
        if kind == "BatchNorm" and attributes["training"]:
            arrays, attributes = self._with_running_statistics(arrays, attributes)
        numbers = tuple(None if array is None else self._number(array, kind) for array in arrays)
        self._operations.append(Operation(kind, attributes, numbers, self._new(result), y.shape))
        return result

    def backward(self, node: Function, dy: Array) -> Any:
        """As if nobody watched."""
        return node.backward(dy)

    def module(self, module: Any, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """As if nobody watched."""
        return module.forward(*inputs, **keywords)

    def step(self, optimizer: Any, work: Any) -> None:
        """As if nobody watched."""
        optimizer.update_all(work)

    def program(self, y: object) -> Program:
        """All that was written down."""
        if not isinstance(y, Tensor) or id(y.data) not in self._numbers:
            raise ArgumentError(f"bench: the network returns a {type(y).__name__} that no operation has made, where one tensor is needed")
        return Program(tuple(self._operations), self._arguments, self._state, self._constants, self._numbers[id(y.data)])

    def _with_running_statistics(
        self, arrays: tuple[Array | None, ...], attributes: dict[str, Any]
    ) -> tuple[tuple[Array | None, ...], dict[str, Any]]:
        """In training the operation hands out the batch's statistics, and its caller averages them; other libraries do both at once."""
        if id(arrays[1]) not in self._norms:
            return arrays, {**attributes, "momentum": 0.0}
        momentum, mean, var = self._norms[id(arrays[1])]
        return (*arrays[:3], mean, var), {**attributes, "momentum": AVERAGING if momentum is None else momentum}

    def _number(self, array: Array, kind: str) -> int:
        if id(array) in self._numbers:
            return self._numbers[id(array)]
        number = self._new(array)
        if id(array) in self._names:
            self._state[number] = self._names[id(array)]
        elif array.size > 1 and not any(array.strides):
            raise ArgumentError(f"bench: {kind} uses {array.shape} numbers that are no parameter, no buffer and no result: their values are not known")
        else:
            self._constants[number] = np.array(array)
        return number

    def _new(self, array: Array) -> int:
        self._kept.append(array)
        return self._numbers.setdefault(id(array), len(self._numbers))
