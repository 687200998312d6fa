"""Pooling of regions of interest on a GPU, channels last: a thread for every bin, backward for every pixel of the input. See roi.cu."""

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.launch import THREADS, blocks, launch, real
from minicnn.kernels.cuda.layout import channels_first, channels_last
from minicnn.kernels.cuda.pixels import over_pixels
from minicnn.kernels.types import Array, Needs, Saved, Window

SIZES = np.dtype([(name, np.int32) for name in "KHWPQC"])  # the kernels' `Sizes`
SAMPLING = np.dtype([("scale", np.float64), ("ratio", np.int32), ("aligned", np.int32)])  # the kernels' `Sampling`


def roi_pool_forward(x: Array, boxes: Array, *, output_size: Window, spatial_scale: float) -> tuple[Array, Saved]:
    """The largest pixel of each bin, and where it is: `winner` = r W + s, or -1 in a bin without pixels.

    Shapes:
        x (N, C, H, W); boxes (K, 5); y (K, C, P, Q) with (P, Q) = output_size; winner (K, P, Q, C).
    """
    images, regions, sizes = channels_last(x), _regions(boxes, x), _sizes(boxes, x, output_size)
    y = array_module(x).empty((len(boxes), *output_size, x.shape[1]), x.dtype)
    winner = array_module(x).empty(y.shape, np.int32)
    over_pixels("roi", "roi_pool", images, y, (images, regions, y, winner, sizes, spatial_scale))
    return channels_first(y), (x.shape, regions, winner, sizes, spatial_scale)


def roi_pool_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = Σ dy over the bins, of all boxes, that a pixel has won."""
    (N, C, H, W), regions, winner, sizes, spatial_scale = saved
    if not needs[0]:
        return None, None
    gradients = channels_last(dy)
    dx = array_module(dy).empty((N, H, W, C), dy.dtype)
    over_pixels("roi", "roi_pool_dx", gradients, dx, (gradients, regions, winner, dx, sizes, spatial_scale))
    return channels_first(dx), None


def roi_align_forward(
    x: Array, boxes: Array, *, output_size: Window, spatial_scale: float, sampling_ratio: int, aligned: bool
) -> tuple[Array, Saved]:
    """The mean of the interpolated points of each bin.

    Shapes:
        x (N, C, H, W); boxes (K, 5); y (K, C, P, Q) with (P, Q) = output_size.
    """
    images, regions, sizes = channels_last(x), _regions(boxes, x), _sizes(boxes, x, output_size)
    how = np.array([(spatial_scale, sampling_ratio, aligned)], SAMPLING)
    y = array_module(x).empty((len(boxes), *output_size, x.shape[1]), x.dtype)
    over_pixels("roi", "roi_align", images, y, (images, regions, y, sizes, how))
    return channels_first(y), (x.shape, regions, output_size, sizes, how)


def roi_align_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = Σ weight · dy over the bins of all boxes; the weight of a pixel in a bin is that of its row times that of its column."""
    (N, C, H, W), regions, (P, Q), sizes, how = saved
    if not needs[0]:
        return None, None
    rows, columns = _weights(regions, 2, H, P, how, dy), _weights(regions, 1, W, Q, how, dy)
    gradients = channels_last(dy)
    dx = array_module(dy).empty((N, H, W, C), dy.dtype)
    over_pixels("roi", "roi_align_dx", gradients, dx, (gradients, regions, rows, columns, dx, sizes))
    return channels_first(dx), None


def _weights(regions: Array, first: int, size: int, bins: int, how: Array, dy: Array) -> Array:
    """The weight of each row in each bin, (K, size, bins); `first` and two numbers on, the boxes begin and end."""
    weights = array_module(dy).empty((len(regions), size, bins), regions.dtype)
    if weights.size:
        threads = np.int64(weights.size)
        args = regions, weights, first, first + 2, size, bins, how, threads
        launch("roi", "roi_align_weights", blocks(weights.size), THREADS, args, dtype=dy.dtype, macros=("LANES=1",))
    return weights


def _regions(boxes: Array, x: Array) -> Array:
    """The boxes in the type that the kernels compute in, a row after the other."""
    return array_module(x).ascontiguousarray(boxes, real(x.dtype))


def _sizes(boxes: Array, x: Array, output_size: Window) -> Array:
    _, C, H, W = x.shape
    return np.array([(len(boxes), H, W, *output_size, C)], SIZES)
