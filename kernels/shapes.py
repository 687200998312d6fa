"""The shape of every operation's result, and nothing else: what a network is asked for whose arithmetic nobody wants.

The forward functions here have the signatures of those in the folders. Their results have the right shape and element
type, but all elements are one and the same zero, so that a result takes no memory, however large it is. A summary of a network
with billions of multiply-adds is a matter of milliseconds. There is no backward: a gradient needs values.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from minicnn.errors import BackendError
from minicnn.kernels.geometry import output_window
from minicnn.kernels.types import Array, Kernel, Padding, Saved, Window

SOURCE = "shapes"  # what `Kernel.source` says


def without_values(shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    """An array of zeros that takes no memory: every element is the same one.

    >>> without_values((1000, 1000, 1000)).strides
    (0, 0, 0)
    """
    return np.broadcast_to(np.zeros((), dtype), shape)


def kernel(op: str) -> Kernel:
    """The kernel of an operation that knows its shape only. What is not written below has a result like its first input.

    >>> y, _ = kernel("conv2d").forward(
    ...     without_values((8, 3, 224, 224)), without_values((64, 3, 7, 7)), None,
    ...     stride=(2, 2), padding=(3, 3, 3, 3), dilation=(1, 1), groups=1)
    >>> y.shape
    (8, 64, 112, 112)
    """
    shape_of: Callable[..., tuple[int, ...]] = SHAPES.get(op, _unchanged_shape)

    def forward(*arrays: Array | None, **attributes: Any) -> tuple[Any, Saved]:
        first = next(array for array in arrays if array is not None)
        y: Any = without_values(shape_of(*arrays, **attributes), first.dtype)
        if op in ("batch_norm", "batch_norm_relu", "batch_norm_add_relu"):  # hands out the mean and the variance of the batch
            y = (y, *(without_values(first.shape[1:2], first.dtype),) * 2)
        return y, ()

    return Kernel(op, SOURCE, forward, _no_backward)


def _no_backward(*_: Any, **__: Any) -> NoReturn:
    raise BackendError("the backend 'meta' knows shapes only, no values: there is no gradient; compute on another backend")


def _unchanged_shape(x: Array, *_: Any, **__: Any) -> tuple[int, ...]:
    return x.shape


def conv2d_shape(
    x: Array, w: Array, b: Array | None, *, stride: Window, padding: Padding, dilation: Window, **_: Any  # noqa: ARG001
) -> tuple[int, ...]:
    """x (N, C, H, W), w (O, C/G, kh, kw): (N, O, P, Q)."""
    O, _, kh, kw = w.shape
    H, W = x.shape[2:]
    return (x.shape[0], O, *output_window((H, W), (kh, kw), stride, padding, dilation))


def linear_shape(x: Array, w: Array, b: Array | None) -> tuple[int, ...]:  # noqa: ARG001
    """x (..., D), w (O, D): (..., O)."""
    return (*x.shape[:-1], w.shape[0])


def max_pool2d_shape(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, dilation: Window, ceil_mode: bool
) -> tuple[int, ...]:
    """(N, C, H, W) to (N, C, P, Q)."""
    H, W = x.shape[2:]
    return (*x.shape[:2], *output_window((H, W), kernel_size, stride, padding, dilation, ceil_mode))


def avg_pool2d_shape(
    x: Array, *, kernel_size: Window, stride: Window, padding: Padding, ceil_mode: bool, count_include_pad: bool  # noqa: ARG001
) -> tuple[int, ...]:
    """(N, C, H, W) to (N, C, P, Q)."""
    H, W = x.shape[2:]
    return (*x.shape[:2], *output_window((H, W), kernel_size, stride, padding, (1, 1), ceil_mode))


def adaptive_pool2d_shape(x: Array, *, output_size: Window) -> tuple[int, ...]:
    """(N, C, H, W) to (N, C, P, Q)."""
    return (*x.shape[:2], *output_size)


def roi_shape(x: Array, boxes: Array, *, output_size: Window, **_: Any) -> tuple[int, ...]:
    """x (N, C, H, W), boxes (K, 5): (K, C, P, Q)."""
    return (len(boxes), x.shape[1], *output_size)


def cross_entropy_shape(logits: Array, labels: Array, *, label_smoothing: float, reduction: str) -> tuple[int, ...]:  # noqa: ARG001
    """One loss for each label, or their mean or sum."""
    return labels.shape if reduction == "none" else ()


def loss_shape(x: Array, target: Array, *, reduction: str, **_: float) -> tuple[int, ...]:  # noqa: ARG001
    """One loss for each element, or their mean or sum."""
    return x.shape if reduction == "none" else ()


SHAPES: dict[str, Callable[..., tuple[int, ...]]] = {
    "conv2d": conv2d_shape,
    "conv2d_relu": conv2d_shape,
    "linear": linear_shape,
    "max_pool2d": max_pool2d_shape,
    "avg_pool2d": avg_pool2d_shape,
    "adaptive_avg_pool2d": adaptive_pool2d_shape,
    "adaptive_max_pool2d": adaptive_pool2d_shape,
    "roi_pool": roi_shape,
    "roi_align": roi_shape,
    "cross_entropy": cross_entropy_shape,
    "mse_loss": loss_shape,
    "l1_loss": loss_shape,
    "smooth_l1_loss": loss_shape,
}
"""All others (activations, norms, softmax, dropout) have results like their first input."""
