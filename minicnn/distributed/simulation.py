"""The same step as a sequence of events: what waits for what, on a clock. Where there is a formula, the clock shows what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from minicnn import checks
from minicnn.distributed.buckets import BUCKET
from minicnn.distributed.cost import FLOAT, Layer, Machine, all_reduce_time, compute_time, gradient_bytes
from minicnn.distributed.ring import chunks, ring_steps
from minicnn.errors import ArgumentError


class SimulatedMessage(NamedTuple):
    """The all-reduce of one bucket.

    Attributes:
        layers: how many layers' gradients are in it.
        bytes: of a worker's gradients.
        ready: second of the step at which its gradients are complete.
        start: second at which the link begins with it.
        stop: second at which all have the sum.
    """

    layers: int
    bytes: int
    ready: float
    start: float
    stop: float


class SimulatedStep(NamedTuple):
    """A training step, all workers together.

    Attributes:
        seconds: from the first layer until computation and messages are over.
        computing: seconds of the forward and backward pass.
        sending: seconds in which the link is busy.
        messages: in the order in which they are sent.
    """

    seconds: float
    computing: float
    sending: float
    messages: tuple[SimulatedMessage, ...]

    @property
    def hidden(self) -> float:
        """The share of the time of sending in which the workers computed, from 0 to 1; 1 if nothing is sent."""
        return (self.computing + self.sending - self.seconds) / self.sending if self.sending else 1.0


def simulate(
    layers: Sequence[Layer], machine: Machine, workers: int, images: float, *, method: str = "ring", overlap: bool = True, bucket: float = BUCKET
) -> SimulatedStep:
    """One step of data parallel training, event by event.

    The backward pass goes from the last layer to the first, and each layer's gradients are complete when it has passed. They are collected in buckets; a bucket is
    added up as soon as it is full, while the backward pass goes on. There is one link, which takes one bucket after the other.

    Args:
        layers: of the network, from the first.
        machine: each worker.
        workers: how many.
        images: of each worker, in a step.
        method: see `all_reduce_time`.
        overlap: send during the backward pass; otherwise all gradients are sent in one message after it, as in `step_time`.
        bucket: bytes; a bucket is full when it holds as many, or more. (The last one may hold less.)

    Raises:
        ArgumentError: as `step_time`; or `bucket` is no number above 0.

    Source:
        Li et al. 2020, "PyTorch Distributed: experiences on accelerating data parallel training", sec. 3.2.

    Example:
        >>> from minicnn.analysis import summarize
        >>> from minicnn.models import AlexNet
        >>> layers, machine = summarize(AlexNet()).layers, Machine(rate=5e12, bandwidth=1.25e9, latency=2e-5)
        >>> for overlap in (False, True):
        ...     step = simulate(layers, machine, workers=8, images=128, overlap=overlap)
        ...     print(f"{step.seconds:.3f} s, of which {step.computing:.3f} computing; {100 * step.hidden:.0f} % of the sending is hidden")
        0.437 s, of which 0.087 computing; 0 % of the sending is hidden
        0.381 s, of which 0.087 computing; 16 % of the sending is hidden
    """
    passes = compute_time(layers, machine, images)
    if checks.flag(overlap, "simulate: overlap"):
        ready = list(_full_buckets(layers, machine, images, passes.forward, checks.positive(bucket, "simulate: bucket")))
    else:
        ready = [(sum(layer.parameters > 0 for layer in layers), gradient_bytes(layers), passes.seconds)]
    clock, messages = 0.0, []
    for count, nbytes, second in ready:
        start = max(clock, second)
        clock = start + all_reduce_time(nbytes, workers, machine, method)
        messages.append(SimulatedMessage(count, nbytes, second, start, clock))
    sending = sum(message.stop - message.start for message in messages)
    return SimulatedStep(max(clock, passes.seconds), passes.seconds, sending, tuple(messages) if workers > 1 else ())


def _full_buckets(layers: Sequence[Layer], machine: Machine, images: float, clock: float, size: float) -> Iterator[tuple[int, int, float]]:
    """(layers, bytes, second at which it is complete) of each bucket, as the backward pass comes to it."""
    count = held = 0
    for layer in reversed(layers):
        clock += compute_time([layer], machine, images).backward
        if layer.parameters:
            count, held = count + 1, held + FLOAT * layer.parameters
        if held >= size:
            yield count, held, clock
            count = held = 0
    if held:
        yield count, held, clock


def simulate_ring(length: int, machine: Machine, workers: int, *, slow: int | None = None, factor: float = 1.0) -> float:
    """The seconds of a ring all-reduce, message by message, by the timetable of `ring_steps`.

    A rank begins a step when it has sent and received what the step before it says. If the array can be cut into equal chunks and all links are equal, this is the
    formula of `all_reduce_time`. One slow link makes everyone as slow: the chunks wait for each other all the way round.

    Args:
        length: float32 numbers in the array.
        machine: each worker.
        workers: how many.
        slow: the rank whose link to the right has less bandwidth, if there is one.
        factor: how many times less.

    Raises:
        ArgumentError: a number is out of range, or `slow` is no rank.

    Source:
        Patarasuk & Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations", sec. 4.

    Example:
        >>> machine = Machine(rate=1e12, bandwidth=4e6, latency=0)
        >>> simulate_ring(1_000_000, machine, 4), simulate_ring(1_000_000, machine, 4, slow=2, factor=3)
        (1.5, 4.5)
    """
    length, size = checks.integer(length, "simulate_ring: length", least=0), checks.integer(workers, "simulate_ring: workers")
    if slow is not None and not 0 <= checks.integer(slow, "simulate_ring: slow", least=0) < size:
        raise ArgumentError(f"simulate_ring: slow must be a rank from 0 to {size - 1}, not {slow}")
    if checks.positive(factor, "simulate_ring: factor") < 1:
        raise ArgumentError(f"simulate_ring: factor must be a number >= 1, how many times slower the link is, not {factor!r}")
    parts = [part.stop - part.start for part in chunks(length, size)]
    free = [0.0] * size  # when each rank is through with its last step
    steps = ring_steps(size)
    for first in range(0, len(steps), size):
        arrives = [
            free[step.rank] + machine.message(FLOAT * parts[step.sends] * (factor if step.rank == slow else 1)) for step in steps[first : first + size]
        ]
        free = [max(arrives[rank], arrives[rank - 1]) for rank in range(size)]
    return max(free)
