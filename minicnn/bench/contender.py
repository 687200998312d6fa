"""Who takes part in a benchmark: a name, and how to make one step of a problem. Here those of minicnn itself; the others are in `rival`."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

from minicnn.autograd import Tensor, no_grad
from minicnn.backend import get_backend, list_backends, use_backend
from minicnn.bench.turns import Step
from minicnn.bench.workload import Problem
from minicnn.errors import BackendError, nearest
from minicnn.models.auxiliary import auxiliary_cross_entropy
from minicnn.nn.mode import untrained
from minicnn.optim import SGD

LEARNING_RATE, MOMENTUM = 1e-3, 0.9  # small: random labels must not make the loss infinite


@dataclass(frozen=True)
class Contender:
    """Somebody who can do a step.

    Attributes:
        name: what the table calls it.
        build: gives, for a problem, a function that does one whole step of it.
        is_rival: minicnn is compared with it.
    """

    name: str
    build: Callable[[Problem], Step]
    is_rival: bool = False


def minicnn_contender(backend: str | None = None) -> Contender:
    """minicnn on a backend; by default on the active one.

    Raises:
        BackendError: no such backend, or it cannot run here.

    Example:
        >>> minicnn_contender("numpy").name
        'numpy'
    """
    name = get_backend(backend).name
    if name not in list_backends():
        raise BackendError(f"bench: backend {name!r} computes nothing that could be timed: {nearest(name, list_backends())}")
    return Contender(name, lambda problem: build(problem, name))


def build(problem: Problem, backend: str) -> Step:
    """One step of minicnn: a training step on a copy of the network, or a forward pass."""
    with use_backend(backend):
        images, labels = Tensor(problem.images), Tensor(problem.labels)
    if problem.workload.mode == "inference":
        network = problem.model.eval()  # once, as everybody does

        def infer() -> Tensor:
            with use_backend(backend), no_grad(), untrained():
                return network(images)

        return infer

    model = copy.deepcopy(problem.model)
    optimizer = SGD(model.parameters(), LEARNING_RATE, momentum=MOMENTUM)

    def train() -> Tensor:
        with use_backend(backend):
            optimizer.zero_grad()
            loss = auxiliary_cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
        return loss

    return train
