"""The filters of a first convolution are small pictures of what it looks for."""

import numpy as np

from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array
from minicnn.nn import Conv2d, Module
from minicnn.nn.watch import layer_at


def filters(model: Module, layer: str | None = None) -> Array:
    """The filters of a convolution on an image, as pictures: a weight of 0 is mid-grey, the largest of each filter is white, or black if negative.

    Each filter is scaled for itself, so that weak ones can be seen as well as strong ones.

    Args:
        model: any network.
        layer: path of the convolution; by default the network's first.

    Returns:
        Pictures (O, kh, kw, C) of float32 in 0..1, with C = 3 (red, green, blue) or 1.

    Raises:
        ArgumentError: the layer is no convolution, or its input is no image: of neither 1 nor 3 channels. (Filters deeper in the network
            have a picture for each of their many channels, and say little; look at `activations` there.)

    Source:
        Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", fig. 3.

    Example:
        >>> from minicnn.models import ResNet18
        >>> filters(ResNet18()).shape
        (64, 7, 7, 3)
    """
    convolutions = [(path, module) for path, module in model.named_modules() if isinstance(module, Conv2d)]
    if layer is not None:
        convolutions = [(layer, module) for module in [layer_at(model, layer)] if isinstance(module, Conv2d)]
    if not convolutions:
        where = f"the layer {layer!r}" if layer is not None else f"{type(model).__name__}"
        raise ArgumentError(f"filters: {where} {'is' if layer is not None else 'has'} no convolution")
    path, convolution = convolutions[0]
    w = convolution.weight.numpy()
    if w.shape[1] not in (1, 3):
        raise ArgumentError(
            f"filters: those of the layer {path!r} see {w.shape[1]} channels, and only of 1 or 3 can a picture be made: look at its activations instead"
        )
    largest = np.abs(w).max(axis=(1, 2, 3), keepdims=True)
    return (0.5 + 0.5 * w / np.where(largest > 0, largest, 1)).astype(np.float32).transpose(0, 2, 3, 1)
