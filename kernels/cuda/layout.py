"""Channels last: images in memory as (N, H, W, C), while everybody calls them (N, C, H, W).

The threads of a warp read 32 neighbours in memory at once. The channels of a pixel are good neighbours: the same window, the same border. So all kernels
of this folder that look at images compute with the channels innermost, and give their results that way: as a transposed view, so that shapes
stay what they were and the next kernel finds its input as it likes it. Images in another order are copied once.
"""

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.launch import blocks, launch
from minicnn.kernels.types import Array

MOST = 65535  # blocks along the second and third axis of a grid


def channels_last(x: Array) -> Array:
    """Images (N, C, H, W) as a contiguous array (N, H, W, C): a view if memory is in that order, else a copy."""
    last = x.transpose(0, 2, 3, 1)
    if last.flags.c_contiguous:
        return last
    xp = array_module(x)
    if not x.flags.c_contiguous or len(x) > MOST:
        return xp.ascontiguousarray(last)
    N, C, H, W = x.shape
    y = xp.empty((N, H, W, C), x.dtype)
    transpose(x.reshape(N, C, H * W), y)
    return y


def channels_first(x: Array) -> Array:
    """The way back, always a view: (N, H, W, C) as (N, C, H, W)."""
    return x.transpose(0, 3, 1, 2)


def rows(x: Array) -> Array:
    """(N, C) or (N, C, ...) as a matrix with a row for each pixel and a column for each channel; a view if channels are innermost."""
    last = x.transpose(0, *range(2, x.ndim), 1)
    if x.ndim == 4:
        last = channels_last(x)
    elif not last.flags.c_contiguous:
        last = array_module(x).ascontiguousarray(last)
    return last.reshape(-1, x.shape[1])


def from_rows(matrix: Array, shape: tuple[int, ...]) -> Array:
    """The way back from `rows`, always a view."""
    last = len(shape) - 1
    return matrix.reshape(shape[0], *shape[2:], shape[1]).transpose(0, last, *range(1, last))


def order(x: Array) -> list[int]:
    """The axes of an array from the outermost in memory to the innermost."""
    return sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))


def contiguous(x: Array) -> Array:
    """The array itself if its elements lie in memory in order and without gaps, else a copy."""
    return x if x.flags.c_contiguous else array_module(x).ascontiguousarray(x)


def address(x: Array) -> int:
    """Where an array's memory begins."""
    return int(x.ctypes.data if isinstance(x, np.ndarray) else x.data.ptr)


def aligned(x: Array) -> Array:
    """The array itself if it begins at a multiple of 16 bytes, as every new array does; else a copy."""
    return x.copy() if address(x) % 16 else x


def transpose(x: Array, y: Array) -> None:
    """y[b] = x[b] transposed: x (B, M, N), y with as many elements, both contiguous; B at most 65535."""
    B, M, N = x.shape
    if x.size:
        launch("layout", "transpose", (blocks(N, 32), blocks(M, 32), B), (32, 8), (x, y, M, N), dtype=x.dtype)
