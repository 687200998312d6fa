"""Mistakes in pooling."""

from typing import Any

import numpy as np

from minicnn.kernels.array.conv import taps
from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.mutants.mutant import Mutant
from minicnn.testing.mutants.right import Gradients, right_backward, right_forward


def zero_padded(x: Array, *, padding: Any, **attributes: Any) -> tuple[Array, Saved]:
    """Padded with zeros instead of minus infinity, forward and backward."""
    top, bottom, left, right = padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    attributes["padding"] = (0, 0, 0, 0)
    return right_forward("max_pool2d", padded, **attributes)[0], (padded, attributes, x.shape, padding)


def zero_padded_backward(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient of `zero_padded`."""
    padded, attributes, (_, _, H, W), (top, _, left, _) = saved
    (dx,) = right_backward("max_pool2d", dy, ((padded,), attributes), (True,))
    assert dx is not None
    return (dx[:, :, top : top + H, left : left + W],) if needs[0] else (None,)


def ties_count_twice(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Every pixel that equals the maximum gets the whole gradient, so that ties count twice."""
    (x,), attributes = saved
    y, _ = right_forward("max_pool2d", x, **attributes)
    return (_to_taps(x, dy, attributes, lambda v: v == y, add=True),)


def overlapping_maxima_overwritten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Where windows overlap, the last one overwrites the gradient instead of adding to it."""
    (x,), attributes = saved
    y, _ = right_forward("max_pool2d", x, **attributes)
    return (_to_taps(x, dy, attributes, lambda v: v == y, add=False),)


def gradient_to_all_pixels(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient goes to every pixel of the window, not to the largest."""
    (x,), attributes = saved
    return (_to_taps(x, dy, attributes, np.isfinite, add=True),)


def not_divided(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """The gradient is not divided by the size of the window."""
    (dx,) = right_backward("avg_pool2d", dy, saved, needs)
    kh, kw = saved[1]["kernel_size"]
    return (None if dx is None else dx * (kh * kw),)


def padding_always_counted(x: Array, *, count_include_pad: bool, **attributes: Any) -> tuple[Array, Saved]:
    """Padding is always counted, although count_include_pad=False."""
    return right_forward("avg_pool2d", x, count_include_pad=True, **attributes)


def equal_bins(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """All bins are taken to be of the same size."""
    (x,), _ = saved
    (H, W), (P, Q) = x.shape[2:], dy.shape[2:]
    rows, columns = np.arange(H) * P // H, np.arange(W) * Q // W
    return (dy[:, :, rows[:, None], columns] * x.dtype.type(P * Q / (H * W)),)


def bin_forgotten(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
    """Where bins overlap, a pixel gets the gradient of one of them only."""
    (x,), _ = saved
    dx = np.zeros_like(x)
    for p in np.ndindex(*dy.shape[2:]):
        one = np.zeros_like(dy)
        one[:, :, *p] = dy[:, :, *p]
        (part,) = right_backward("adaptive_max_pool2d", one, saved, (True,))
        dx = np.where(part != 0, part, dx)
    return (dx,)


def _to_taps(x: Array, dy: Array, attributes: Any, chosen: Any, add: bool) -> Array:
    """Walk over the taps of all windows and hand dy to those that are chosen."""
    (H, W), (P, Q) = x.shape[2:], dy.shape[2:]
    top, _, left, _ = attributes["padding"]
    far = 20  # enough padding behind the image for any window that hangs over
    padded = np.pad(x, ((0, 0), (0, 0), (top, far), (left, far)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for i, j in np.ndindex(*attributes["kernel_size"]):
        place = (slice(None), slice(None), *taps(i, j, (P, Q), attributes["stride"], attributes["dilation"]))
        hit = chosen(padded[place])
        dx[place] = np.where(hit, dx[place] + dy if add else dy, dx[place])
    return dx[:, :, top : top + H, left : left + W]


MUTANTS = [
    Mutant("max_pool2d", forward=zero_padded, backward=zero_padded_backward),
    Mutant("max_pool2d", backward=ties_count_twice),
    Mutant("max_pool2d", backward=overlapping_maxima_overwritten),
    Mutant("max_pool2d", backward=gradient_to_all_pixels),
    Mutant("avg_pool2d", backward=not_divided),
    Mutant("avg_pool2d", forward=padding_always_counted),
    Mutant("adaptive_avg_pool2d", backward=equal_bins),
    Mutant("adaptive_max_pool2d", backward=bin_forgotten),
]
