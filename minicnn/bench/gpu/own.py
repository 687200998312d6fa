"""minicnn on a GPU: called operation by operation, and with the whole step recorded as a graph."""

import copy
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minicnn.autograd import Tensor, no_grad
from minicnn.backend import to_numpy, use_backend
from minicnn.bench.contender import LEARNING_RATE, MOMENTUM
from minicnn.bench.gpu.device import CupyGraph
from minicnn.bench.gpu.entrant import Device, Entrant, Running
from minicnn.bench.turns import Step
from minicnn.bench.workload import Problem
from minicnn.kernels.types import Array
from minicnn.models.auxiliary import auxiliary_cross_entropy
from minicnn.nn.mode import untrained
from minicnn.ops.autocast import autocast
from minicnn.optim import SGD
from minicnn.train import compile_step

NAMES = {"eager": "minicnn", "graph": "minicnn graph"}


def entrants(device: Device, backend: str = "cupy") -> tuple[Entrant, ...]:
    """minicnn in both styles."""
    return tuple(Entrant(name, device, _builder(backend, style), style) for style, name in NAMES.items())


def _builder(backend: str, style: str) -> Callable[[Problem, str], Running]:
    return lambda problem, precision: build(problem, precision, backend=backend, style=style)


def build(problem: Problem, precision: str, *, backend: str = "cupy", style: str = "eager") -> Running:
    """A training step on a copy of the network, or a forward pass of it."""
    with use_backend(backend):
        model = copy.deepcopy(problem.model).to(backend)
        images, labels = Tensor(problem.images), Tensor(problem.labels)

    @contextmanager
    def computing() -> Iterator[None]:
        with use_backend(backend), autocast(precision):
            yield

    if problem.workload.mode == "inference":
        model.eval()
        infer = _inference(model, images, computing)
        if style == "eager":
            return Running(infer, _numbers)
        graph = CupyGraph(importlib.import_module("cupy"), infer)
        return Running(graph, _numbers, graph.total_bytes)
    optimizer = SGD(model.parameters(), LEARNING_RATE, momentum=MOMENTUM)
    if style == "graph":
        with computing():
            step = compile_step(model, auxiliary_cross_entropy, optimizer)
        return Running(_recorded(step, images, labels, computing), _numbers, lambda: step.memory)

    def train() -> Tensor:
        optimizer.zero_grad()
        with computing():
            loss = auxiliary_cross_entropy(model(images), labels)
        with use_backend(backend):
            loss.backward()
            optimizer.step()
        return loss

    return Running(train, _numbers)


def _inference(model: Any, images: Tensor, computing: Callable[[], Any]) -> Step:
    def infer() -> Tensor:
        with computing(), no_grad(), untrained():
            scores: Tensor = model(images)
        return scores

    return infer


def _recorded(step: Any, images: Tensor, labels: Tensor, computing: Callable[[], Any]) -> Step:
    def train() -> Any:
        with computing():
            return step(images, labels)

    return train


def _numbers(result: Any) -> Array:
    """Loss or scores, in float64."""
    return np.asarray(to_numpy(result.data), np.float64)
