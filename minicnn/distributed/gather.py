"""Exchanges between workers that each hold a part of a layer, as operations with a gradient, and as layers.

Each operation puts the channels of all workers side by side. They differ in what comes after it, and so in the way back:

    gather_maps      each worker computes something else with all maps: the loss depends on a map in as many ways as there are workers, and their
                     gradients add up. So each sends the others the gradients of their maps.
    gather_scores    all workers compute the same loss with all scores. It is one loss, and not one for each worker: the gradient of the scores is the same
                     everywhere, each takes its part of it, and nothing is sent. To add up here would count the loss twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.autograd import Function, Tensor
from minicnn.backend import to_numpy
from minicnn.distributed.communicator import Communicator
from minicnn.distributed.traffic import Traffic
from minicnn.errors import ShapeError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.ops import checks


class _Gather(Function):
    """y = the channels of all workers side by side. They travel with axis 1 in front, along which workers may differ."""

    def forward(self, x: Array, *, communicator: Communicator, traffic: Traffic, layer: str) -> Array:
        sent = np.ascontiguousarray(to_numpy(x).swapaxes(0, 1))
        if communicator.size > 1:
            traffic.note(layer, "forward", sent)
        parts = communicator.all_gather(sent)
        self.widths = [len(part) for part in parts]
        return self._where(np.ascontiguousarray(np.concatenate(parts).swapaxes(0, 1)), x)

    def _where(self, array: Array, other: Array) -> Array:
        """The array in the memory where the other one is."""
        xp: Any = array_module(other)
        return xp.asarray(array)

    def _of_workers(self, dy: Array) -> list[Array]:
        """dy cut into the parts of the workers."""
        return np.split(to_numpy(dy), np.cumsum(self.widths)[:-1], axis=1)


class GatherMaps(_Gather):
    """y = the maps of all workers side by side: dx = Σ dy over all workers, at the maps of this one."""

    def forward(self, x: Array, **attributes: Any) -> Array:
        y = super().forward(x, **attributes)
        if len(set(self.widths)) > 1:
            raise ShapeError(f"gather_maps: every worker must hold as many maps as the others; they hold {self.widths}")
        return y

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        communicator: Communicator = self.attributes["communicator"]
        rank, size = communicator.rank, communicator.size
        parts = self._of_workers(dy)
        dx = parts[rank].copy()
        for distance in range(1, size):
            to, source = (rank + distance) % size, (rank - distance) % size
            theirs = np.ascontiguousarray(parts[to])
            self.attributes["traffic"].note(self.attributes["layer"], "backward", theirs)
            dx += communicator.exchange(theirs, to, source)
        return (self._where(dx, dy),)


class GatherScores(_Gather):
    """y = the scores of all workers side by side: dx = dy at the scores of this one."""

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        return (self._where(self._of_workers(dy)[self.attributes["communicator"].rank], dy),)


def gather_maps(x: Tensor, communicator: Communicator, *, traffic: Traffic | None = None, layer: str = "") -> Tensor:
    """The maps of all workers side by side, for layers that differ from worker to worker.

    Every worker calls it, and later walks back through it.

    Args:
        x: the maps of this worker, (N, C, ...), of the same images and as many as the others'.
        communicator: joins the workers.
        traffic: counts what is sent, if given.
        layer: the name under which it is counted.

    Returns:
        (N, size C, ...), in the order of ranks. Its gradient is the sum over what all workers make of it.

    Raises:
        ShapeError: x has no channel axis, or the workers have different numbers of maps.
        CommunicationError, Exception: as the communicator.

    Source:
        Krizhevsky, Sutskever & Hinton 2012, sec. 3.2; the pair of operations as f and g in Shoeybi et al. 2019, "Megatron-LM" (arXiv:1909.08053), sec. 3.

    Example:
        >>> import minicnn
        >>> from minicnn.distributed import Alone
        >>> gather_maps(minicnn.ones(1, 3, 2, 2), Alone()).shape
        (1, 3, 2, 2)
    """
    checks.axes("gather_maps", x, max(x.ndim, 2), "(N, C, ...)")
    return GatherMaps.apply(x, communicator=communicator, traffic=traffic or Traffic(), layer=layer)


def gather_scores(x: Tensor, communicator: Communicator, *, traffic: Traffic | None = None, layer: str = "") -> Tensor:
    """The scores of all workers side by side, for a loss that all compute alike.

    See `gather_maps` for the arguments. Here the workers may have different numbers of channels.

    Returns:
        (N, all channels), in the order of ranks. Its gradient is taken as it is: every worker has the same.

    Raises:
        ShapeError: x has no channel axis.
        CommunicationError, Exception: as the communicator.

    Source:
        As for `gather_maps`.

    Example:
        >>> import minicnn
        >>> from minicnn.distributed import Alone
        >>> gather_scores(minicnn.ones(1, 10), Alone()).shape
        (1, 10)
    """
    checks.axes("gather_scores", x, max(x.ndim, 2), "(N, C, ...)")
    return GatherScores.apply(x, communicator=communicator, traffic=traffic or Traffic(), layer=layer)


class Gather(Module):
    """`gather_maps` before a layer that needs the maps of all workers."""

    def __init__(self, communicator: Communicator, traffic: Traffic, layer: str) -> None:
        super().__init__()
        self.communicator, self.traffic, self.layer = communicator, traffic, layer

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) to (N, size C, ...)."""
        return gather_maps(x, self.communicator, traffic=self.traffic, layer=self.layer)

    def extra_repr(self) -> str:
        return repr(self.layer)


class Scores(Gather):
    """`gather_scores` behind the last layer."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) to (N, all channels)."""
        return gather_scores(x, self.communicator, traffic=self.traffic, layer=self.layer)
