"""One image through a network without arithmetic: hooks see every shape, and the graph can be looked at."""

import math
from collections.abc import Sequence

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor, enable_grad, no_grad
from minicnn.backend import META, use_backend
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.shapes import without_values
from minicnn.nn.mode import evaluating
from minicnn.nn.module import Module

MOST = 1_000_000_000  # numbers of an image


def trace(model: Module, image: Sequence[int], *, record: bool = False) -> tuple[Tensor, Tensor]:
    """Run one image (C, H, W) through the network in evaluation mode on the backend `meta`.

    Args:
        model: any network. Its modes are as before afterwards.
        image: shape of the image.
        record: keep the graph, back to the image.

    Returns:
        The image and the output, as tensors without values.

    Raises:
        ArgumentError: the network returns something else than one tensor.

    Example:
        >>> from minicnn import nn
        >>> trace(nn.Conv2d(3, 8, 3), (3, 32, 32))[1].shape
        (1, 8, 30, 30)
    """
    dtype = next((parameter.dtype for parameter in model.parameters()), np.dtype(np.float32))
    x = Tensor.wrap(without_values((1, *image), dtype)).requires_grad_(record)
    with use_backend(META), evaluating(model), enable_grad() if record else no_grad():
        y = model(x)
    if not isinstance(y, Tensor):
        raise ArgumentError(f"{type(model).__name__} returns a {type(y).__name__} in evaluation, where one tensor is needed")
    return x, y


def image_shape(model: Module, given: Sequence[int] | None, place: str) -> tuple[int, ...]:
    """(C, H, W) of one image: the given one, or else the network's own, `model.input_shape`.

    Raises:
        ShapeError: not three integers >= 1, or too large.
        ArgumentError: none is given and the network has none of its own.
    """
    shape = getattr(model, "input_shape", None) if given is None else given
    if shape is None:
        raise ArgumentError(f"{place}: {type(model).__name__} does not say for which images it is made: give input_shape=(C, H, W)")
    sizes = tuple(shape) if isinstance(shape, (Sequence, np.ndarray)) and not isinstance(shape, str) else ()
    if len(sizes) != 3 or not all(checks.is_integer(size) and size >= 1 for size in sizes):
        raise ShapeError(f"{place}: the input must be (C, H, W), three integers of at least 1, not {sizes or repr(shape)}")
    if math.prod(sizes) > MOST:
        raise ShapeError(f"{place}: an image of {' x '.join(map(str, sizes))} is too large: it has more than {MOST:,} numbers")
    return tuple(map(int, sizes))


def replace(network: Module, old: Module, new: Module) -> None:
    """Put one module in the place of another, wherever the network holds it: a module may stand in it under several names."""
    for holder in network.modules():
        for name, child in list(holder.named_children()):
            if child is old:
                setattr(holder, name, new)
