"""The score that is to be explained: of which class, and with which parts of the network at rest."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor, enable_grad
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.nn.mode import evaluating

Classes: TypeAlias = int | Sequence[int] | Array | None
"""One class for all images, or one for each; None for the one with the highest score."""


@contextmanager
def explaining(model: Module) -> Iterator[None]:
    """Inside, the network is in evaluation mode and gradients are recorded, but those of its parameters are not: it is not to learn."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        model.requires_grad_(False)
        with evaluating(model), enable_grad():
            yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def chosen(scores: Any, classes: Classes, place: str) -> Array:
    """The class of each image, (N,), for scores (N, K).

    Raises:
        ShapeError: the network's output is no scores (N, K), or there is not one class for each image.
        ArgumentError: there is no such class.

    Example:
        >>> chosen(Tensor([[0.1, 0.9], [0.7, 0.3]]), None, "saliency")
        array([1, 0])
    """
    if not isinstance(scores, Tensor) or scores.ndim != 2:
        given = scores.shape if isinstance(scores, Tensor) else type(scores).__name__
        raise ShapeError(f"{place}: the network must give scores (N, classes), not {given}")
    N, K = scores.shape
    if classes is None:
        return scores.numpy().argmax(axis=1)
    wanted = [classes] * N if checks.is_integer(classes) else list(np.asarray(classes).ravel())
    if len(wanted) != N:
        raise ShapeError(f"{place}: classes must be one number, or one for each of the {N} images, not {len(wanted)}")
    for k in wanted:
        if not checks.is_integer(k) or not 0 <= k < K:
            raise ArgumentError(f"{place}: there is no class {k!r}: the network has the classes 0 to {K - 1}")
    return np.array(wanted, np.int64)


def send_back(scores: Tensor, classes: Classes, place: str) -> None:
    """The backward pass of each image's own score, before the softmax: a gradient of 1 at its class and 0 elsewhere."""
    one_hot = np.zeros(scores.shape, scores.dtype)
    one_hot[np.arange(len(one_hot)), chosen(scores, classes, place)] = 1
    scores.backward(Tensor(one_hot))
