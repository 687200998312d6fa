"""Adaptive pooling on a GPU, channels last; where one bin is the whole image, the threads of a block look at it together. See adaptive_pool.cu."""

import functools
from typing import Any

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.launch import THREADS, blocks, launch
from minicnn.kernels.cuda.layout import channels_first, channels_last
from minicnn.kernels.cuda.pixels import lanes, over_pixels
from minicnn.kernels.types import Array, Needs, Saved, Window

STRUCTURE = np.dtype([(name, np.int32) for name in "HWPQC"])  # the kernel's `Sizes`
ACROSS = 32  # threads of a block that look at the same pixel


def adaptive_avg_pool2d_forward(x: Array, *, output_size: Window) -> tuple[Array, Saved]:
    """The mean of each bin.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q) with (P, Q) = output_size.
    """
    images, sizes = channels_last(x), _sizes(x.shape, output_size)
    y = array_module(x).empty((len(x), *output_size, x.shape[1]), x.dtype)
    if output_size == (1, 1):
        _over_images("global_avg_pool2d", images, y)
    else:
        over_pixels("adaptive_pool", "adaptive_avg_pool2d", images, y, (images, y, sizes))
    return channels_first(y), (x.shape, sizes)


def adaptive_avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = Σ dy / (size of the bin) over the bins that a pixel is in."""
    (N, C, H, W), sizes = saved
    if not needs[0]:
        return (None,)
    gradients = channels_last(dy)
    dx = array_module(dy).empty((N, H, W, C), dy.dtype)
    over_pixels("adaptive_pool", "adaptive_avg_pool2d_dx", gradients, dx, (gradients, dx, sizes))
    return (channels_first(dx),)


def adaptive_max_pool2d_forward(x: Array, *, output_size: Window) -> tuple[Array, Saved]:
    """The largest pixel of each bin, and where it is: `winner` = r W + s, counted within its channel.

    Shapes:
        x (N, C, H, W); y (N, C, P, Q) with (P, Q) = output_size; winner (N, P, Q, C).
    """
    images, sizes = channels_last(x), _sizes(x.shape, output_size)
    y = array_module(x).empty((len(x), *output_size, x.shape[1]), x.dtype)
    winner = array_module(x).empty(y.shape, np.int32)
    if output_size == (1, 1):
        _over_images("global_max_pool2d", images, y, winner)
    else:
        over_pixels("adaptive_pool", "adaptive_max_pool2d", images, y, (images, y, winner, sizes))
    return channels_first(y), (x.shape, winner, sizes)


def adaptive_max_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = Σ dy over the bins in which a pixel won."""
    (N, C, H, W), winner, sizes = saved
    if not needs[0]:
        return (None,)
    gradients = channels_last(dy)
    dx = array_module(dy).empty((N, H, W, C), dy.dtype)
    over_pixels("adaptive_pool", "adaptive_max_pool2d_dx", gradients, dx, (gradients, winner, dx, sizes))
    return (channels_first(dx),)


def _over_images(kernel: str, images: Array, *results: Array) -> None:
    """Launch a kernel that has a block for each image and a few of its channels: as many threads side by side as the channels need, the others behind."""
    N, H, W, C = images.shape
    if not N:
        return
    together = lanes(images)
    across = min(ACROSS, 1 << (C // together - 1).bit_length())
    grid, block = (N, blocks(C, across * together)), (across, THREADS // across)
    args: tuple[Any, ...] = (images, *results, H * W, C)
    launch("adaptive_pool", kernel, grid, block, args, dtype=images.dtype, macros=(f"LANES={together}",))


@functools.lru_cache(maxsize=1024)
def _sizes(x_shape: tuple[int, ...], output_size: Window) -> Array:
    _, C, H, W = x_shape
    return np.array([(H, W, *output_size, C)], STRUCTURE)
