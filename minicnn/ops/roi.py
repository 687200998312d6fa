"""Pooling of regions of interest: boxes of any size on a feature map, of which each becomes P x Q numbers per channel."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.backend import to_numpy
from minicnn.capture import is_capturing
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array, Window
from minicnn.ops import checks

FARTHEST = 1e6  # pixels from the image: whoever is there has other units in mind


class RoIPool(KernelFunction):
    """y = max x over each bin of each box: dx = Σ dy over the bins that the pixel has won."""

    op = "roi_pool"


class RoIAlign(KernelFunction):
    """y = Σ w x over each bin of each box, with the weights w of interpolated points: dx = Σ w dy."""

    op = "roi_align"


def roi_pool(x: Tensor, boxes: Tensor, output_size: int | Sequence[int], spatial_scale: float = 1.0) -> Tensor:
    """The largest pixel of each of P x Q bins of each box.

    The corners are multiplied by `spatial_scale` and rounded to whole pixels of x, halves away from 0; the last row and column belong to the box, so that none
    is empty. Its h rows are divided into P bins as in `adaptive_max_pool2d`: bin p goes from floor(p h / P) up to, not including, ceil((p + 1) h / P). Pixels
    outside the image do not exist; a bin without pixels is 0.

    The gradient of an output goes to the pixel that won; where boxes overlap, gradients add up. Boxes get no gradient: the corners are rounded.

    Args:
        x: feature maps (N, C, H, W).
        boxes: (K, 5), a row (n, x1, y1, x2, y2) for each: the number of the image, then the first and the last pixel that belong to it, as in the paper:
            left, top, right, bottom in pixels of the picture. None is allowed. `detection.Boxes` are borders instead, one pixel of the map farther right and down.
        output_size: (P, Q), or one integer for both.
        spatial_scale: size of the feature map over that of the picture: 1/16 behind four halvings.

    Returns:
        (K, C, P, Q).

    Raises:
        ShapeError: x does not have 4 axes, or is empty, or the boxes are not (K, 5).
        DtypeError: x holds integers.
        ArgumentError: a box belongs to no image, right is left of left, or bottom above top, a coordinate is not finite or far away; the boxes require a gradient;
            an attribute is out of range.

    Source:
        Girshick 2015, "Fast R-CNN", sec. 2.1; the gradient: sec. 2.3, eq. 4.

    Example:
        >>> x = Tensor([[[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]])
        >>> roi_pool(x, Tensor([[0.0, 1, 0, 2, 1]]), (1, 2)).tolist()        # columns 1 to 2, rows 0 to 1
        [[[[6.0, 7.0]]]]
    """
    x, boxes, size, scale = _checked("roi_pool", x, boxes, output_size, spatial_scale)
    return RoIPool.apply(x, boxes, output_size=size, spatial_scale=scale)


def roi_align(
    x: Tensor, boxes: Tensor, output_size: int | Sequence[int], spatial_scale: float = 1.0, sampling_ratio: int = -1, *, aligned: bool = True
) -> Tensor:
    """The mean of points that lie evenly in each of P x Q bins of each box, interpolated between pixels: nothing is rounded.

        y[k, c, p, q] = mean over the points (v, u) of bin (p, q) of  Σ over r, s of  max(0, 1 - |v - r|) max(0, 1 - |u - s|) x[n, c, r, s]

    A point between the centres of the outermost pixels and one pixel beyond them is moved to the nearest; farther out it counts as 0.

    Where boxes overlap, gradients add up. Boxes get no gradient: as in the paper, they are where to look, not what is learned.

    Args:
        x: feature maps (N, C, H, W).
        boxes: (K, 5), a row (n, x1, y1, x2, y2) for each: the number of the image, then left, top, right, bottom in pixels of the picture. None is allowed.
        output_size: (P, Q), or one integer for both.
        spatial_scale: size of the feature map over that of the picture: 1/16 behind four halvings.
        sampling_ratio: points of a bin along each axis; 0 or -1 for as many as it has pixels, rounded up, and at least 1.
        aligned: the centre of pixel 0 is 0.5 from the border of the image, as it is for boxes. If not, it is taken to be at the border, which shifts
            everything by half a pixel, and no box is smaller than a pixel: what Mask R-CNN's first code did, and what torchvision does unless told otherwise.

    Returns:
        (K, C, P, Q).

    Raises:
        ShapeError, DtypeError, ArgumentError: as for `roi_pool`.

    Source:
        He et al. 2017, "Mask R-CNN", sec. 3; `aligned`: detectron2's ROIAlign.

    Example:
        >>> x = Tensor([[[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]])
        >>> roi_align(x, Tensor([[0.0, 1, 0, 2, 1]]), 1).item()        # a box around one pixel
        2.0
        >>> roi_align(x, Tensor([[0.0, 1.5, 0, 2.5, 1]]), 1).item()    # half a pixel further on
        2.5
    """
    ratio = max(checks.integer(sampling_ratio, "roi_align: sampling_ratio", least=-1), 0)
    aligned = checks.flag(aligned, "roi_align: aligned")
    x, boxes, size, scale = _checked("roi_align", x, boxes, output_size, spatial_scale)
    return RoIAlign.apply(x, boxes, output_size=size, spatial_scale=scale, sampling_ratio=ratio, aligned=aligned)


def _checked(op: str, x: Tensor, boxes: Tensor, output_size: Any, spatial_scale: float) -> tuple[Tensor, Tensor, Window, float]:
    """The arguments that both have in common; the boxes in the type of x, or in float32 beside 16 bits."""
    x, boxes = as_tensor(x), as_tensor(boxes)
    size, scale = checks.pair(output_size, f"{op}: output_size"), checks.positive(spatial_scale, f"{op}: spatial_scale")
    checks.axes(op, x, 4, "(N, C, H, W)")
    checks.floating(op, x=x)
    if boxes.ndim != 2 or boxes.shape[1] != 5:
        hint = ": put the number of its image in front of each box, 0 if there is only one" if boxes.ndim == 2 and boxes.shape[1] == 4 else ""
        raise ShapeError(f"{op}: boxes must be (K, 5), a row (image, x1, y1, x2, y2) for each; boxes are {boxes.shape}{hint}")
    if boxes.requires_grad:
        raise ArgumentError(f"{op}: boxes get no gradient, they say where to look; pass boxes.detach()")
    numbers = boxes.data.astype(np.float64 if x.dtype == np.float64 else np.float32)
    if not is_capturing():  # otherwise there are no values yet
        _check_boxes(op, x, numbers, scale)
    return x, Tensor.wrap(numbers), size, scale


def _check_boxes(op: str, x: Tensor, boxes: Array, scale: float) -> None:
    """Every box belongs to an image, and is one."""
    xp, N = array_module(boxes), len(x)
    number, low, high = boxes[:, 0], boxes[:, 1:3], boxes[:, 3:]
    far = ~(xp.abs(boxes[:, 1:]) * scale <= FARTHEST).all(axis=1)  # NaN is not near
    elsewhere = ~((number >= 0) & (number < N) & (number == xp.floor(number)))
    wrong = far | elsewhere | (high < low).any(axis=1)
    if not bool(wrong.any()):
        return
    k = int(wrong.argmax())
    box = ", ".join(f"{v:g}" for v in to_numpy(boxes[k]))
    if bool(elsewhere[k]):
        reason = f"x {x.shape} holds the images 0 to {N - 1}; the first number is that of the image, then come left, top, right, bottom"
    elif bool(far[k]):
        reason = "its corners must be finite, in pixels of the picture"
    else:
        reason = "right must not be less than left, nor bottom less than top; were these numbers left, top, width, height?"
    raise ArgumentError(f"{op}: box {k} is ({box}): {reason}")
