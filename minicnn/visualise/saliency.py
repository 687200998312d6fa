"""Saliency: the pixels that would have to change least to change the score most."""

import numpy as np

from minicnn.autograd import Tensor
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.visualise.score import Classes, explaining, send_back


def saliency(model: Module, x: Tensor | Array, classes: Classes = None) -> Array:
    """The largest |dS/dx| over the channels of each pixel, where S is the score of a class before the softmax.

    Near an image, S(x) ≈ wᵀ x + b with w = dS/dx: the larger a weight, the more does its pixel count.

    Args:
        model: any network that gives scores (N, K). Its modes are as before afterwards, and its parameters get no gradients.
        x: images (N, C, H, W), prepared as the network needs them.
        classes: whose score; by default, for each image, the one with the highest.

    Returns:
        Maps (N, H, W), not negative.

    Raises:
        ArgumentError, ShapeError: there is no such class, or the network gives no scores.

    Source:
        Simonyan, Vedaldi & Zisserman 2014, "Deep inside convolutional networks", sec. 3 and 3.1.

    Example:
        >>> import minicnn
        >>> from minicnn.models import LeNet5
        >>> saliency(LeNet5(), minicnn.randn(2, 1, 32, 32)).shape
        (2, 32, 32)
    """
    image = Tensor(x, requires_grad=True)
    with explaining(model):
        send_back(model(image), classes, "saliency")
    assert image.grad is not None
    return np.abs(image.grad.numpy()).max(axis=1)
