"""PyTorch on a GPU: the replay of `minicnn.bench.rival`, as fast as its documentation says how to make it.

cuDNN searches for its fastest algorithms (cudnn.benchmark); the precision is set explicitly; images and weights are in both memory layouts, of which the
faster counts; SGD is the fused one; and a whole step is recorded as a CUDA graph, too. bfloat16 comes from `torch.autocast`, as in minicnn.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from minicnn.autograd import Tensor
from minicnn.bench.contender import LEARNING_RATE, MOMENTUM
from minicnn.bench.gpu.device import TorchGraph
from minicnn.bench.gpu.entrant import Device, Entrant, Running
from minicnn.bench.recording import record
from minicnn.bench.rival import Replay, to_torch
from minicnn.bench.workload import Problem
from minicnn.models.auxiliary import auxiliary_cross_entropy

LAYOUTS = ("contiguous", "channels-last")
NAMES = {  # style and whether channels are last
    "torch": ("eager", False),
    "torch channels-last": ("eager", True),
    "torch graph": ("graph", False),
    "torch graph channels-last": ("graph", True),
}


def entrants(torch: Any, device: Device, place: str = "cuda", layouts: Sequence[str] = LAYOUTS) -> tuple[Entrant, ...]:
    """PyTorch in both styles and in these memory layouts; `place` is PyTorch's name for the device."""
    wanted = {name: kind for name, kind in NAMES.items() if LAYOUTS[kind[1]] in layouts}
    return tuple(Entrant(name, device, _builder(torch, place, *kind), kind[0], is_rival=True) for name, kind in wanted.items())


def _builder(torch: Any, place: str, style: str, channels_last: bool) -> Callable[[Problem, str], Running]:
    return lambda problem, precision: build(torch, problem, precision, place=place, style=style, channels_last=channels_last)


def build(torch: Any, problem: Problem, precision: str, *, place: str = "cuda", style: str = "eager", channels_last: bool = False) -> Running:
    """A training step on a copy of the weights, or a forward pass.

    Raises:
        ArgumentError: an operation of the network has no counterpart in PyTorch.
    """
    set_precision(torch, precision)
    model = problem.model
    images = to_torch(torch, problem.images, channels_last, place)

    def computing() -> Any:
        return torch.autocast(place, dtype=torch.bfloat16, cache_enabled=False) if precision == "bf16" else nullcontext()

    if problem.workload.mode == "inference":
        forward = Replay(torch, record(model, model, problem.images), model, channels_last=channels_last, device=place)

        def infer() -> Any:
            with torch.inference_mode(), computing():
                return forward(images)

        return Running(TorchGraph(torch, infer) if style == "graph" else infer, _numbers)

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        return auxiliary_cross_entropy(model(x), y)

    loss = Replay(torch, record(model, loss_of, problem.images, problem.labels), model, channels_last=channels_last, device=place)
    labels = torch.tensor(problem.labels, device=place)
    optimizer = torch.optim.SGD(loss.parameters.values(), lr=LEARNING_RATE, momentum=MOMENTUM, fused=True)

    def train() -> Any:
        optimizer.zero_grad(set_to_none=True)
        with computing():
            value = loss(images, labels)
        value.backward()
        optimizer.step()
        return value.detach()

    return Running(TorchGraph(torch, train) if style == "graph" else train, _numbers)


def set_precision(torch: Any, precision: str) -> None:
    """How PyTorch computes products of float32 numbers, and that cuDNN may search for the fastest algorithm."""
    torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.benchmark = True


def _numbers(result: Any) -> Any:
    """Loss or scores, in float64."""
    return np.asarray(result.detach().double().cpu().numpy(), np.float64)
