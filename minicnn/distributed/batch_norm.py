"""Batch norm over the images of all workers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minicnn.autograd import Function, Tensor
from minicnn.backend import to_numpy
from minicnn.distributed.workers import Workers
from minicnn.errors import ShapeError
from minicnn.kernels.array.batch_norm import move_running, per_channel
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.nn import BatchNorm2d, Module
from minicnn.ops import relu, relu6


class SyncBatchNorm(Function):
    """y = gamma z + beta, z = (x - mean) / s: mean and s = sqrt(var + eps) over the M values that all workers' batches have in a channel.

    Each worker's images count w, which is 1 but in a batch that all workers compute whole (`Workers.weight`). dgamma and dbeta are those of this worker's
    images; the sums of gradients come later, for all parameters alike. But mean and s are made of everybody's x, so for dx both must be summed at once:

        dx = gamma / s · (dy - w Σ dy / M - w z Σ dy z / M)    Σ over all workers
    """

    mean: Array
    var: Array
    count: int

    def forward(self, x: Array, gamma: Array | None, beta: Array | None, *, workers: Workers, eps: float) -> Array:
        """(N, C, ...) to the same; N may be another on each worker. With an x of 16 bits, everything in between is float32."""
        self.workers, self.axes, self.weight = workers, (0, *range(2, x.ndim)), workers.weight
        exact = x.astype(np.float32) if x.dtype.itemsize == 2 else x
        sums = self._sum(exact.sum(axis=self.axes, dtype=np.float64), array_module(x).asarray([x.size / x.shape[1]]))
        self.count = M = round(float(sums[-1]))
        if M < 2:
            raise ShapeError(f"SyncBatchNorm2d: in training each channel needs more than one value, and all workers together have one: x is {x.shape}")
        self.mean = (sums[:-1] / M).astype(exact.dtype)
        u = exact - per_channel(self.mean, x)
        self.var = (self._sum(np.square(u).sum(axis=self.axes, dtype=np.float64)) / M).astype(exact.dtype)
        inverse = 1 / np.sqrt(self.var + exact.dtype.type(eps))
        z = u * per_channel(inverse, x)
        self.save(z, inverse, gamma)
        y = z if gamma is None else z * per_channel(gamma, x)
        return (y if beta is None else y + per_channel(beta, x)).astype(x.dtype, copy=False)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        """dx, dgamma, dbeta."""
        z, inverse, gamma = self.saved
        exact = dy.astype(z.dtype, copy=False)
        dbeta, dgamma = exact.sum(axis=self.axes), (exact * z).sum(axis=self.axes)
        of_all = np.split(self._sum_unweighted(dbeta, dgamma), 2)
        shift, stretch = (per_channel((self.weight / self.count * sums).astype(z.dtype), dy) for sums in of_all)
        dx = (exact - shift - z * stretch) * per_channel(inverse if gamma is None else gamma * inverse, dy)
        return dx.astype(dy.dtype, copy=False), dgamma if self.needs[1] else None, dbeta if self.needs[2] else None

    def _sum(self, *parts: Array) -> Array:
        """Over the images of all workers."""
        return self._sum_unweighted(*(self.weight * part for part in parts))

    def _sum_unweighted(self, *parts: Array) -> Array:
        together = np.concatenate([to_numpy(part).astype(np.float64) for part in parts])
        self.workers.communicator.all_reduce(together)
        summed: Array = array_module(parts[0]).asarray(together)
        return summed


class SyncBatchNorm2d(BatchNorm2d):
    """A `BatchNorm2d` that in training normalises by the statistics of all workers' images, as one worker would with the whole batch.

    What is averaged over the workers after a step, the running statistics of other norms, is the same here already (`is_synchronised`).

    It costs two messages on the way forward and one on the way back, for which all wait: worth it where a share has few images.

    Args:
        norm: the layer whose parameters and statistics it takes over.
        workers: who else has images.

    Raises:
        ShapeError: in the forward pass: x is not (N, C, H, W), or all workers together have one value in a channel.

    Source:
        Peng et al. 2018, "MegDet: a large mini-batch object detector", sec. 3.3 (cross-GPU batch normalization).

    Example:
        >>> import minicnn
        >>> layer = SyncBatchNorm2d(BatchNorm2d(3), Workers())
        >>> layer(minicnn.zeros(2, 3, 4, 4)).shape
        (2, 3, 4, 4)
    """

    is_synchronised = True

    def __init__(self, norm: BatchNorm2d, workers: Workers) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.weight is not None, norm.track_running_stats)
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked", "training"):
            setattr(self, name, getattr(norm, name))
        self.workers = workers

    def forward(self, x: Tensor, ceiling: float | None = None, residual: Tensor | None = None) -> Tensor:
        """See `BatchNorm2d`."""
        training = self.training or not self.track_running_stats
        if not training or not self.workers.work_together:
            return super().forward(x, ceiling, residual)
        self._check(x)
        node = SyncBatchNorm()
        y = node(x, self.weight, self.bias, workers=self.workers, eps=self.eps)
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            unbiased = node.count / (node.count - 1)
            moved = move_running(self.running_mean.data, self.running_var.data, node.mean, node.var, momentum=self._momentum(), unbiased=unbiased)
            self.running_mean.data, self.running_var.data = (array.astype(self.running_mean.dtype) for array in moved)
            count: Any = self.num_batches_tracked.data
            self.num_batches_tracked.data = array_module(count).asarray(count + 1)
        if residual is not None:
            y = y + residual
        return y if ceiling is None else relu(y) if ceiling == math.inf else relu6(y)


def synchronise(model: Module, workers: Workers) -> Module:
    """Put a `SyncBatchNorm2d` in the place of every `BatchNorm2d`, with its parameters: names in the state dict stay.

    Returns:
        The model.

    Example:
        >>> from minicnn.models import ResNet20
        >>> net = synchronise(ResNet20(), Workers())
        >>> sum(type(module) is SyncBatchNorm2d for module in net.modules())
        19
    """
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is BatchNorm2d:
                setattr(module, name, SyncBatchNorm2d(child, workers))
    return model
