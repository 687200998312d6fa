"""A training step as one CUDA graph: recorded once, and then launched as a whole.

A step of a small network consists of hundreds of kernels that take microseconds each. To launch one from Python takes longer than that, and the GPU waits.
A graph remembers the kernels, and launching it is one call.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd import Tensor, as_tensor
from minicnn.backend import CUPY, draw_seed, get_backend
from minicnn.capture import Seeds, drawing
from minicnn.errors import ArgumentError, AutogradError, MinicnnError
from minicnn.kernels.cuda import elementwise
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.ops.autocast import computing_in
from minicnn.optim import Optimizer

Loss = Callable[[Any, Tensor], Tensor]


def compile_step(model: Module, loss: Loss, optimizer: Optimizer) -> CompiledStep:
    """A function that does a whole training step: `step(x, target)` returns the loss.

    On the backend cupy the first call is an ordinary step. The second, if its inputs have the same shapes, is recorded as a CUDA graph, and from then on the
    graph is launched. Inputs of other shapes, such as a last, smaller batch, are an ordinary step each time. On every other backend all steps are ordinary
    ones, so that a program with it runs everywhere.

    What Python decides in a step (a branch, a number) is decided while it is recorded. The learning rate may change, and dropout draws new masks. Values cannot be
    looked at in a recorded step: labels out of range and infinite losses are found in the first step only; look at the loss now and then.

    Args:
        model: the network; parameters that are not to be learned are not among the optimiser's.
        loss: from the network's output and the target to a number.
        optimizer: of the network's parameters: SGD, Adam, AdamW or RMSprop.

    Raises:
        ArgumentError: the loss is no single number.
        AutogradError: the step cannot be recorded: the optimiser's update is no kernel, a value is looked at, a library forbids it.

    Example:
        >>> import minicnn
        >>> from minicnn import nn, optim, ops
        >>> model = nn.Linear(4, 3)
        >>> step = compile_step(model, ops.cross_entropy, optim.SGD(model.parameters(), lr=0.1))
        >>> x, labels = minicnn.ones(2, 4), minicnn.tensor([0, 2])
        >>> first = float(step(x, labels))
        >>> float(step(x, labels)) < first
        True
    """
    return CompiledStep(model, loss, optimizer)


class CompiledStep:
    """See `compile_step`.

    Attributes:
        recorded: whether the graph has been recorded.
    """

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer) -> None:
        self._model, self._loss, self._optimizer = model, loss, optimizer
        self._gpu: _OnGPU | None = None

    @property
    def recorded(self) -> bool:
        """Whether the graph has been recorded."""
        return self._gpu is not None and self._gpu.graph is not None

    @property
    def memory(self) -> int:
        """Bytes of the GPU that belong to the graph alone."""
        return 0 if self._gpu is None else self._gpu.memory

    def __call__(self, x: Any, target: Any) -> Tensor:
        """One training step; the loss is a tensor of its own, not part of any graph."""
        x, target = as_tensor(x), as_tensor(target)
        if get_backend().name != CUPY:
            return self._ordinary(x, target)
        if self._gpu is None:
            self._gpu = _OnGPU(self._ordinary, self._forward_and_backward, self._model, self._optimizer)
        return self._gpu.step(x, target)

    def _ordinary(self, x: Tensor, target: Tensor) -> Tensor:
        loss = self._forward_and_backward(x, target)
        self._optimizer.step()
        return loss

    def _forward_and_backward(self, x: Tensor, target: Tensor) -> Tensor:
        self._optimizer.zero_grad()
        loss = self._loss(self._model(x), target)
        if loss.size != 1:
            raise ArgumentError(f"compile_step: the loss must be a single number, but the loss function returned a tensor of shape {loss.shape}")
        loss.backward()
        return loss.detach()


class _OnGPU:
    """The graph of a step, and the memory that it works in, which belongs to it alone."""

    def __init__(self, ordinary: Callable[[Tensor, Tensor], Tensor], record: Callable[[Tensor, Tensor], Tensor], model: Module, optimizer: Optimizer) -> None:
        self._cupy: Any = get_backend().xp
        self._ordinary, self._record, self._model, self._optimizer = ordinary, record, model, optimizer
        self._stream, self._pool = self._cupy.cuda.Stream(), self._cupy.cuda.MemoryPool()
        self._kind: Any = None  # of the step that is, or will be, a graph
        self._drawn = 0  # seeds in such a step
        self.graph: Any = None

    @property
    def memory(self) -> int:
        """Bytes that its pool holds."""
        return int(self._pool.total_bytes())

    def step(self, x: Tensor, target: Tensor) -> Tensor:
        """An ordinary step, one that is recorded and launched, or one that is launched."""
        kind = self._kind_of(x, target)
        if self.graph is not None and not self._is_current():
            self.graph = self._kind = None
        if self.graph is None and kind != self._kind:
            return self._first(x, target, kind)
        if kind != self._kind:
            return self._ordinary(x, target)
        with self._beside():
            if self.graph is None:
                self._capture(x, target)
            self._renew(x, target)
            self.graph.launch()
            for tensor, _ in self._held:
                tensor.version.count += 1  # an edit in place, as by `optimizer.step()`
            with self._usual_memory():  # the next launch overwrites what lies in the graph's own
                return Tensor.wrap(self._result.copy())

    def _kind_of(self, x: Tensor, target: Tensor) -> Any:
        """What Python decides a step by: another kind of step needs another graph."""
        modes = tuple([module.training for module in self._model.modules()])
        groups = tuple([len(group["params"]) for group in self._optimizer.param_groups])
        return x.shape, x.dtype, target.shape, target.dtype, modes, groups, computing_in()

    @contextlib.contextmanager
    def _beside(self) -> Iterator[None]:
        """In the graph's stream and memory, after what the caller's stream has been given so far and before what it is given next."""
        callers = self._cupy.cuda.get_current_stream()
        self._stream.wait_event(callers.record())
        try:
            with self._stream, self._cupy.cuda.using_allocator(self._pool.malloc):
                yield
        finally:
            callers.wait_event(self._stream.record())

    def _usual_memory(self) -> Any:
        return self._cupy.cuda.using_allocator(self._cupy.get_default_memory_pool().malloc)

    def _first(self, x: Tensor, target: Tensor, kind: Any) -> Tensor:
        """An ordinary step, which leaves behind what a recorded one needs: compiled kernels, the optimiser's state, and memory in pieces of the right sizes."""
        seeds = Seeds()
        with self._beside(), drawing(seeds):
            loss = self._ordinary(x, target)
            with self._usual_memory():
                loss = Tensor.wrap(loss.data.copy())
        self._kind, self._drawn = kind, seeds.count
        return loss

    def _capture(self, x: Tensor, target: Tensor) -> None:
        """Record a step. Nothing is computed meanwhile."""
        self._inputs = [x.data.copy(), target.data.copy()]
        self._seeds = self._cupy.zeros(max(1, self._drawn), np.uint64)
        buffers = [(buffer, buffer.data) for buffer in self._model.buffers()]
        seeds = Seeds(self._seeds)
        self._stream.begin_capture()
        try:
            with drawing(seeds):
                self._result = self._record(*map(Tensor.wrap, self._inputs)).data
                with self._usual_memory():
                    self._update = self._optimizer.record_step()  # its numbers are written between launches: not where a launch has its scratch
                for buffer, before in buffers:  # the next launch reads what this one wrote: where it was before
                    if buffer.data is not before:
                        elementwise.assign(before, buffer.data)
                        buffer.data = before
            self._check_draws(seeds)
        except BaseException as error:
            self._give_up(buffers)
            if isinstance(error, MinicnnError) or not isinstance(error, Exception):
                raise
            raise AutogradError(
                f"compile_step: this step cannot be recorded as a graph: it looks at a value (item(), a branch), or calls a library that forbids it, "
                f"such as cuBLAS in matmul ({type(error).__name__}: {error})"
            ) from error
        self.graph = self._stream.end_capture()
        self._held = [(tensor, tensor.data) for tensor in (*self._model.parameters(), *self._model.buffers())]
        self._state = self._optimizer.state

    def _check_draws(self, seeds: Seeds) -> None:
        if seeds.count != self._drawn:
            raise AutogradError(f"compile_step: the first step drew {self._drawn} dropout masks, this one {seeds.count}: a step must be the same each time")

    def _give_up(self, buffers: Sequence[tuple[Tensor, Array]]) -> None:
        """Leave the stream usable after an error while it was recorded, and nothing that was never computed."""
        self._kind = None
        for buffer, before in buffers:
            buffer.data = before
        self._optimizer.zero_grad()
        with contextlib.suppress(self._cupy.cuda.runtime.CUDARuntimeError):
            self._stream.end_capture()

    def _renew(self, x: Tensor, target: Tensor) -> None:
        """Write what is new in this step to where the graph reads it: inputs, seeds, and the optimiser's numbers."""
        for place, given in zip(self._inputs, (x.data, target.data), strict=True):
            elementwise.assign(place, given)
        if self._drawn:
            self._seeds.set(np.array([draw_seed() for _ in range(self._drawn)], np.uint64))
        self._update.advance()

    def _is_current(self) -> bool:
        """Are parameters, buffers and the optimiser's state where they were when the graph was recorded? To load puts others in their place."""
        return self._optimizer.state is self._state and all(tensor.data is array for tensor, array in self._held)
