"""Mistakes in convolution."""

from typing import Any

import numpy as np

from minicnn.kernels.array.conv import taps
from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients, replaced, right_backward, right_forward, scaled


def flipped_upstream(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The upstream gradient is flipped."""
    return right_backward("conv2d", dy[:, :, ::-1, ::-1], saved, needs)


def transposed_weight_gradient(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The weight gradient is transposed: rows for columns."""
    return replaced(right_backward("conv2d", dy, saved, needs), 1, lambda dw: dw.swapaxes(2, 3).reshape(dw.shape))


def exchanged_filters_and_channels(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Filters and channels of the weight gradient are exchanged."""
    return replaced(right_backward("conv2d", dy, saved, needs), 1, lambda dw: dw.swapaxes(0, 1).reshape(dw.shape))


def filter_turned_in_backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The filter is turned by 180 degrees once too often on the way back."""
    (x, w, b), attributes = saved
    dx = right_backward("conv2d", dy, ((x, w[:, :, ::-1, ::-1], b), attributes), needs)[0]
    return (dx, *right_backward("conv2d", dy, saved, needs)[1:])


def true_convolution(x: Array, w: Array, b: Array | None, **attributes: Any) -> tuple[Array, Saved]:
    """A convolution as in signal processing: the filter is turned, forward and backward."""
    turned = x, w[:, :, ::-1, ::-1], b
    return right_forward("conv2d", *turned, **attributes)[0], (turned, attributes)


def true_convolution_backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient of `true_convolution`."""
    return replaced(right_backward("conv2d", dy, saved, needs), 1, lambda dw: dw[:, :, ::-1, ::-1])


def stride_ignored(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The stride is ignored in backward."""
    return _with_other_attributes(dy, saved, needs, stride=(1, 1))


def dilation_ignored(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The dilation is ignored in backward."""
    return _with_other_attributes(dy, saved, needs, dilation=(1, 1))


def padding_cut_at_the_end(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The padding is cut off at the end only, so that dx is shifted."""
    top, bottom, left, right = saved[1]["padding"]
    return _with_other_attributes(dy, saved, needs, padding=(0, top + bottom, 0, left + right))


def padding_sides_exchanged(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Padding before and after are exchanged in backward."""
    top, bottom, left, right = saved[1]["padding"]
    return _with_other_attributes(dy, saved, needs, padding=(bottom, top, right, left))


def border_repeated(x: Array, w: Array, b: Array | None, *, padding: Any, **attributes: Any) -> tuple[Array, Saved]:
    """Padded by repeating the border instead of with zeros."""
    top, bottom, left, right = padding
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), mode="edge")
    return right_forward("conv2d", x, w, b, padding=(0, 0, 0, 0), **attributes)


def groups_interleaved(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The channels of dx are dealt out to the groups like cards."""
    groups = saved[1]["groups"]

    def deal(dx: Array) -> Array:
        N, C, H, W = dx.shape
        return dx.reshape(N, groups, C // groups, H, W).swapaxes(1, 2).reshape(dx.shape)

    return replaced(right_backward("conv2d", dy, saved, needs), 0, deal)


def overlaps_overwritten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Where windows overlap, the last one overwrites the gradient instead of adding to it."""
    (x, w, _), attributes = saved
    gradients = right_backward("conv2d", dy, saved, needs)
    if not needs[0]:
        return gradients
    top, bottom, left, right = attributes["padding"]
    N, C, H, W = x.shape
    O, _, kh, kw = w.shape
    G, (P, Q) = attributes["groups"], dy.shape[2:]
    columns = w.reshape(G, O // G, -1).swapaxes(1, 2) @ dy.reshape(N, G, O // G, P * Q)
    columns = columns.reshape(N, C, kh, kw, P, Q)
    dx = np.zeros((N, C, H + top + bottom, W + left + right), x.dtype)
    for i in range(kh):
        for j in range(kw):
            dx[:, :, *taps(i, j, (P, Q), attributes["stride"], attributes["dilation"])] = columns[:, :, i, j]
    return (dx[:, :, top : top + H, left : left + W], *gradients[1:])


def first_image_only(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The weight gradient comes from the first image alone."""
    only = np.zeros_like(dy)
    only[:1] = dy[:1]
    dw = right_backward("conv2d", only, saved, needs)[1]
    dx, _, db = right_backward("conv2d", dy, saved, needs)
    return dx, dw, db


def bias_averaged(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The bias gradient is averaged over the batch instead of summed."""
    return scaled(right_backward("conv2d", dy, saved, needs), 2, 1 / len(dy))


def bias_at_one_pixel(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The bias gradient is taken at the first pixel alone."""
    return replaced(right_backward("conv2d", dy, saved, needs), 2, lambda _: dy[:, :, 0, 0].sum(axis=0))


def summed_in_half_precision(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The bias gradient is summed in float16 when all is float32."""
    precision = np.float16 if dy.dtype == np.float32 else np.float64
    gradients = right_backward("conv2d", dy, saved, needs)
    return replaced(gradients, 2, lambda _: dy.sum(axis=(0, 2, 3), dtype=precision).astype(dy.dtype))


def stride_axes_exchanged(x: Array, w: Array, b: Array | None, *, stride: Any, **attributes: Any) -> tuple[Array, Saved]:
    """Stride along the height and along the width are exchanged."""
    return right_forward("conv2d", x, w, b, stride=stride[::-1], **attributes)


def result_in_float64(x: Array, w: Array, b: Array | None, **attributes: Any) -> tuple[Array, Saved]:
    """Float32 goes in and float64 comes out."""
    y, saved = right_forward("conv2d", x, w, b, **attributes)
    return y.astype(np.float64), saved


def _with_other_attributes(dy: Array, saved: Saved, needs: Needs, **changed: Any) -> Gradients:
    """The backward of a convolution with other attributes, whose result is at least as large: dy in its first corner."""
    arrays, attributes = saved
    y, _ = right_forward("conv2d", *arrays, **{**attributes, **changed})
    corner = np.zeros_like(y)
    corner[:, :, : dy.shape[2], : dy.shape[3]] = dy
    return right_backward("conv2d", corner, saved, needs, **changed)


def result_in_half_precision(x: Array, w: Array, b: Array | None, **attributes: Any) -> tuple[Array, Saved]:
    """The result is rounded to float16 on the way."""
    y, saved = right_forward("conv2d", x, w, b, **attributes)
    return y.astype(np.float16).astype(y.dtype), saved


def relu_left_out_in_backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """A joined ReLU clips forward, and lets every gradient pass backward."""
    arrays, attributes = saved
    return right_backward("conv2d", dy, (arrays, {name: value for name, value in attributes.items() if name != "ceiling"}), needs)


def relu_of_the_gradient(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """A joined ReLU lets positive gradients pass, instead of those of positive results."""
    return relu_left_out_in_backward(np.maximum(dy, 0), saved, needs=needs)


MUTANTS = [
    Mutant("conv2d", backward=flipped_upstream),
    Mutant("conv2d", backward=transposed_weight_gradient),
    Mutant("conv2d", backward=exchanged_filters_and_channels),
    Mutant("conv2d", backward=filter_turned_in_backward),
    Mutant("conv2d", forward=true_convolution, backward=true_convolution_backward),
    Mutant("conv2d", backward=stride_ignored),
    Mutant("conv2d", backward=dilation_ignored),
    Mutant("conv2d", backward=padding_cut_at_the_end),
    Mutant("conv2d", backward=padding_sides_exchanged),
    Mutant("conv2d", forward=border_repeated),
    Mutant("conv2d", backward=groups_interleaved),
    Mutant("conv2d", backward=overlaps_overwritten),
    Mutant("conv2d", backward=first_image_only),
    Mutant("conv2d", backward=bias_averaged),
    Mutant("conv2d", backward=bias_at_one_pixel),
    Mutant("conv2d", backward=summed_in_half_precision),
    Mutant("conv2d", forward=stride_axes_exchanged),
    Mutant("conv2d", forward=result_in_float64),
    Mutant("conv2d", forward=result_in_half_precision),
    Mutant("conv2d_relu", backward=relu_left_out_in_backward),
    Mutant("conv2d_relu", backward=relu_of_the_gradient),
]
