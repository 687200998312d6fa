"""The observer: measures what runs, finds out in which module, and writes it on the tapes of all open profiles."""

import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

from minicnn.autograd import Function
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.optim import Optimizer
from minicnn.profiling import cost
from minicnn.profiling.record import ModuleCall, Record, Tape


class _Thread(threading.local):
    """Where a thread is: the modules around it with their paths, outermost first, and the time of operations inside this one."""

    def __init__(self) -> None:
        self.number = threading.get_native_id()
        self.modules: list[tuple[Module, str]] = []
        self.inside = 0.0


class _Time(NamedTuple):
    start: float
    seconds: float
    own_seconds: float


class Recorder:
    """Writes on all `tapes`. There is one of it while any profile is open; see `minicnn.autograd.observer`."""

    def __init__(self) -> None:
        self.tapes: tuple[Tape, ...] = ()
        self._thread = _Thread()
        self._paths: dict[tuple[int, int], tuple[str, Module, Module]] = {}  # holds the modules, so that no other gets their ids

    def forward(self, node: Function, arrays: tuple[Array | None, ...], attributes: dict[str, Any]) -> Any:
        """Run an operation, and note it on the node, for backward, where it was."""
        node.made_in = self._here()
        y, time = self._timed(lambda: node.forward(*arrays, **attributes))
        shapes, shape = tuple(() if a is None else a.shape for a in arrays), getattr(y, "shape", ())
        macs, size = cost.forward_macs(node, shapes, shape), cost.forward_bytes(arrays, y)
        self._write(node.name, "forward", node.made_in, time, shape, shapes, macs, size)
        return y

    def backward(self, node: Function, dy: Array) -> Any:
        """Run the backward of an operation."""
        gradients, time = self._timed(lambda: node.backward(dy))
        macs, size = cost.backward_macs(node), cost.backward_bytes(dy, node.saved, gradients)
        self._write(node.name, "backward", node.made_in, time, node.shape, node.input_shapes, macs, size)
        return gradients

    def step(self, optimizer: Optimizer, work: Any) -> None:
        """Run the updates of an optimiser."""
        _, time = self._timed(lambda: optimizer.update_all(work))
        size = cost.step_bytes(work, optimizer.state)
        self._write(f"{type(optimizer).__name__}.step", "optimizer", ("", ""), time, (), (), 0, size)

    def module(self, module: Module, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Run the forward of a module, with its path at hand for the operations inside."""
        around = self._thread.modules
        around.append((module, self._path(module)))
        start = perf_counter()
        try:
            return module.forward(*inputs, **keywords)
        finally:
            seconds = perf_counter() - start
            _, path = around.pop()
            for tape in self._open_since(start):
                tape.calls.append(ModuleCall(path, type(module).__name__, start - tape.start, seconds, self._thread.number))

    def _here(self) -> tuple[str, str]:
        """Path and class of the innermost module around."""
        if not self._thread.modules:
            return "", ""
        module, path = self._thread.modules[-1]
        return path, type(module).__name__

    def _path(self, module: Module) -> str:
        """From the outermost module, step by step through those that are running, as the path in an error message grows."""
        if not self._thread.modules:
            return ""
        outer, path = self._thread.modules[-1]
        key = id(outer), id(module)
        if key not in self._paths:
            self._paths[key] = "", outer, module
            for name, inside in outer.named_modules():  # all at once: to look for each by itself would be felt in the profile
                self._paths[id(outer), id(inside)] = name, outer, inside
        return ".".join(part for part in (path, self._paths[key][0]) if part)

    def _timed(self, work: Callable[[], Any]) -> tuple[Any, _Time]:
        thread = self._thread
        outside, thread.inside = thread.inside, 0.0
        start = perf_counter()
        try:
            result = work()
        finally:
            seconds = perf_counter() - start
            inside, thread.inside = thread.inside, outside + seconds
        return result, _Time(start, seconds, seconds - inside)

    def _write(
        self, op: str, phase: str, place: tuple[str, str], time: _Time, shape: cost.Shape, inputs: tuple[cost.Shape, ...], macs: int, size: int
    ) -> None:
        for tape in self._open_since(time.start):
            start = time.start - tape.start
            tape.records.append(
                Record(op, phase, *place, start, time.seconds, time.own_seconds, shape, inputs, macs, size, self._thread.number)
            )

    def _open_since(self, start: float) -> list[Tape]:
        """The open profiles that have seen the beginning, too."""
        return [tape for tape in self.tapes if tape.start <= start]
