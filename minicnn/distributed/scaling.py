"""How much faster many workers are than one, by the model of `cost`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from minicnn import checks
from minicnn.distributed.buckets import BUCKET
from minicnn.distributed.cost import Layer, Machine
from minicnn.distributed.simulation import simulate
from minicnn.distributed.table import columns
from minicnn.errors import ArgumentError

KINDS = ("weak", "strong")


class Scaling(NamedTuple):
    """So many workers, and what they reach.

    Attributes:
        workers: how many.
        images: of each worker in a step; with strong scaling perhaps no whole number.
        seconds: of a step.
        images_per_second: of all workers together.
        efficiency: images per second, divided by `workers` times those of one worker: from 0 to 1.
    """

    workers: int
    images: float
    seconds: float
    images_per_second: float
    efficiency: float


def scaling(
    layers: Sequence[Layer],
    machine: Machine,
    workers: Sequence[int],
    images: int,
    *,
    kind: str = "weak",
    method: str = "ring",
    overlap: bool = True,
    bucket: float = BUCKET,
) -> list[Scaling]:
    """Steps with different numbers of workers.

    Args:
        layers: of the network, from the first.
        machine: each worker.
        workers: the numbers of workers.
        images: "weak" scaling: of each worker in a step, so that the batch grows with the workers. "strong" scaling: of all workers together, so that
            each has less to compute, and as much to send as before.
        kind: "weak" or "strong".
        method, overlap, bucket: see `simulate`.

    Raises:
        ArgumentError: there is no such kind, or with strong scaling less than an image for each worker; or as `simulate`.

    Source:
        Goyal et al. 2017, "Accurate, large minibatch SGD: training ImageNet in 1 hour" (arXiv:1706.02677), sec. 4, for weak scaling in practice.

    Example:
        >>> from minicnn.analysis import summarize
        >>> from minicnn.models import AlexNet
        >>> layers, machine = summarize(AlexNet()).layers, Machine(rate=5e12, bandwidth=1.25e9, latency=2e-5)
        >>> print(scaling_table(scaling(layers, machine, [1, 2, 8, 64], images=128)))
        workers  images each  seconds  images/s  efficiency
              1          128    0.087     1,468       100 %
              2          128    0.229     1,117        38 %
              8          128    0.381     2,689        23 %
             64          128    0.442    18,517        20 %
    """
    checks.integer(images, "scaling: images")
    strong = checks.choice(kind, "scaling: kind", KINDS) == "strong"
    if strong and images < max(workers):
        raise ArgumentError(f"scaling: {images} images cannot be shared by {max(workers)} workers: with strong scaling each needs at least one")
    alone = images / simulate(layers, machine, 1, images).seconds
    found = []
    for n in workers:
        each = images / n if strong else images
        seconds = simulate(layers, machine, n, each, method=method, overlap=overlap, bucket=bucket).seconds
        found.append(Scaling(n, each, seconds, n * each / seconds, each / seconds / alone))
    return found


def scaling_table(rows: Sequence[Scaling]) -> str:
    """The rows as a text.

    Example:
        >>> print(scaling_table([Scaling(workers=8, images=128, seconds=0.381, images_per_second=2689.1, efficiency=0.23)]))
        workers  images each  seconds  images/s  efficiency
              8          128    0.381     2,689        23 %
    """
    head = ["workers", "images each", "seconds", "images/s", "efficiency"]
    return columns(
        [head, *([f"{r.workers:,}", f"{r.images:,g}", f"{r.seconds:.3f}", f"{r.images_per_second:,.0f}", f"{100 * r.efficiency:.0f} %"] for r in rows)], words=0
    )
