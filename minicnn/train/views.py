"""Several views of each image, for networks to judge and to average over: windows, mirror images, other sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicnn.autograd import Tensor
from minicnn.backend import get_backend
from minicnn.data.transforms import resize
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array


def flipped(images: Tensor) -> list[Tensor]:
    """The images and their mirror images.

    >>> [view.tolist() for view in flipped(Tensor([[[[1.0, 2.0]]]]))]
    [[[[[1.0, 2.0]]]], [[[[2.0, 1.0]]]]]
    """
    x = images.numpy()
    return _tensors([x, x[..., ::-1]])


def ten_crop(images: Tensor) -> list[Tensor]:
    """Ten windows of the images' own size (N, C, H, W): the corners and the middle of the images with a margin of an eighth, and their mirror images.

    The margin has the value 0, which is the mean of images that are normalised. Krizhevsky et al. 2012, sec. 4.1, cut windows of 224 out of 256 pixels,
    which have a margin of their own.
    """
    x = images.numpy()
    H, W = x.shape[2:]
    h, w = H // 8, W // 8
    padded = np.pad(x, ((0, 0), (0, 0), (h, h), (w, w)))
    corners = [(0, 0), (0, 2 * w), (2 * h, 0), (2 * h, 2 * w), (h, w)]
    windows = [padded[:, :, top : top + H, left : left + W] for top, left in corners]
    return _tensors([*windows, *(window[..., ::-1] for window in windows)])


def at_sizes(images: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """The images in other sizes, for networks that end in global pooling (Simonyan & Zisserman 2015, sec. 4.2).

    Raises:
        ArgumentError: no size is given, or one below 1.
    """
    if not sizes or min(sizes) < 1:
        raise ArgumentError(f"at_sizes: sizes must be integers >= 1, at least one, not {sizes!r}")
    x = images.numpy()
    return _tensors([resize(x, (size, size)) for size in sizes])


VIEWS = {"flip": flipped, "ten-crop": ten_crop}


def _tensors(views: Sequence[Array]) -> list[Tensor]:
    return [Tensor.wrap(get_backend().asarray(np.ascontiguousarray(view))) for view in views]
