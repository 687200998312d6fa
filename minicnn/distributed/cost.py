"""What data parallelism costs, on paper: a worker computes, the workers add up their gradients, and that is a step.

A message of b bytes takes latency + b / bandwidth. A step's computation takes its multiply-adds divided by the rate, of which the backward pass makes two for
each one of the forward pass: one for the gradient of the input, one for that of the weights. What the model leaves out: that workers are never equally fast,
that a small batch does not keep a GPU busy, reading images, and the update.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from minicnn import checks

METHODS = ("ring", "server")
FLOAT = 4  # bytes of a gradient


class Layer(Protocol):
    """What the model needs to know of a layer; `analysis.summarize(model).layers` are such layers."""

    @property
    def macs(self) -> int:
        """Multiply-adds of the forward pass of one image."""

    @property
    def parameters(self) -> int:
        """Numbers that it learns."""


@dataclass(frozen=True)
class Machine:
    """One of many equal workers, and the link that joins it to the others.

    Args:
        rate: multiply-adds in a second, as the network really reaches them.
        bandwidth: bytes in a second, in each direction at once.
        latency: seconds from the start of a message of no length to its end.

    Attributes:
        rate, bandwidth, latency: as given: multiply-adds per second, bytes per second, seconds.

    Raises:
        ArgumentError: `rate` or `bandwidth` is no number above 0, or `latency` is below 0.

    Source:
        Hockney 1994, "The communication challenge for MPP: Intel Paragon and Meiko CS-2", for the two numbers of a link.

    Example:
        >>> Machine(rate=5e12, bandwidth=1.25e9, latency=2e-5).message(1_250_000)
        0.00102
    """

    rate: float
    bandwidth: float
    latency: float

    def __post_init__(self) -> None:
        checks.positive(self.rate, "Machine: rate")
        checks.positive(self.bandwidth, "Machine: bandwidth")
        checks.number(self.latency, "Machine: latency", least=0)

    def message(self, nbytes: float) -> float:
        """Seconds of a message."""
        return self.latency + nbytes / self.bandwidth


class Passes(NamedTuple):
    """What one worker computes in a step.

    Attributes:
        forward: seconds of the forward pass.
        backward: seconds of the backward pass.
    """

    forward: float
    backward: float

    @property
    def seconds(self) -> float:
        """Both passes."""
        return self.forward + self.backward


def compute_time(layers: Sequence[Layer], machine: Machine, images: float) -> Passes:
    """The seconds that one worker computes for so many images.

    Args:
        layers: of the network, from the first.
        machine: the worker.
        images: of this worker, in a step.

    Raises:
        ArgumentError: `images` is no number above 0.

    Example:
        >>> from minicnn.analysis import summarize
        >>> from minicnn.models import LeNet5
        >>> round(compute_time(summarize(LeNet5()).layers, Machine(1e9, 1e9, 0), images=100).seconds, 4)
        0.125
    """
    forward = checks.positive(images, "compute_time: images") * sum(layer.macs for layer in layers) / machine.rate
    return Passes(forward, 2 * forward)


def all_reduce_time(nbytes: float, workers: int, machine: Machine, method: str = "ring") -> float:
    """The seconds in which all workers' arrays are added up and everyone has the sum.

        "ring"      2 (n - 1) (latency + b / (n bandwidth))     2 (n - 1) steps, in each of which a message of b / n bytes crosses every link at once
        "server"    2 (n - 1) (latency + b / bandwidth)         one worker receives the arrays of all others, one after the other, and sends the sum to each

    Of the ring's two parts the second is below 2 b / bandwidth however many workers there are, and the first grows with their number. At the server's link both grow.

    Args:
        nbytes: b, the bytes of one worker's array.
        workers: n.
        machine: for its link.
        method: "ring" or "server".

    Raises:
        ArgumentError: `nbytes` is below 0, `workers` is no integer above 0, or there is no such method.

    Source:
        Patarasuk & Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations", sec. 3 and 4.

    Example:
        >>> machine = Machine(rate=5e12, bandwidth=1e9, latency=0)
        >>> [round(all_reduce_time(1e8, n, machine), 4) for n in (1, 2, 8, 1024)]
        [0.0, 0.1, 0.175, 0.1998]
        >>> round(all_reduce_time(1e8, 1024, machine, "server"), 1)
        204.6
    """
    nbytes, n = checks.number(nbytes, "all_reduce_time: nbytes", least=0), checks.integer(workers, "all_reduce_time: workers")
    in_a_message = nbytes / n if checks.choice(method, "all_reduce_time: method", METHODS) == "ring" else nbytes
    return 2 * (n - 1) * machine.message(in_a_message)


def step_time(layers: Sequence[Layer], machine: Machine, workers: int, images: float, method: str = "ring") -> float:
    """The seconds of a step in which each worker computes, and then all add up all gradients: nothing at the same time.

    Args:
        layers: of the network, from the first.
        machine: each worker.
        workers: how many.
        images: of each worker, in a step.
        method: see `all_reduce_time`.

    Raises:
        ArgumentError: as `compute_time` and `all_reduce_time`.

    Source:
        As for `all_reduce_time`.

    Example:
        >>> from minicnn.analysis import summarize
        >>> from minicnn.models import LeNet5
        >>> layers, machine = summarize(LeNet5()).layers, Machine(rate=1e9, bandwidth=1e8, latency=1e-4)
        >>> [round(step_time(layers, machine, n, images=100), 4) for n in (1, 2, 8)]
        [0.125, 0.1276, 0.1307]
    """
    return compute_time(layers, machine, images).seconds + all_reduce_time(gradient_bytes(layers), workers, machine, method)


def gradient_bytes(layers: Sequence[Layer]) -> int:
    """Bytes of the gradients of all parameters in float32: what each worker has to add up with the others in a step.

    Example:
        >>> from minicnn.analysis import summarize
        >>> from minicnn.models import LeNet5
        >>> gradient_bytes(summarize(LeNet5()).layers)
        246824
    """
    return FLOAT * sum(layer.parameters for layer in layers)
