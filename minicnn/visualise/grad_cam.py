"""Grad-CAM: where in the image a class was found, read off the maps of a late layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.autograd import Tensor
from minicnn.autograd.tensor import as_tensor
from minicnn.data.transforms import resize
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array
from minicnn.nn import Conv2d, Module
from minicnn.nn.watch import layer_at, runs
from minicnn.visualise.score import Classes, explaining, send_back


def grad_cam(model: Module, x: Tensor | Array, classes: Classes = None, *, layer: str | None = None, enlarge: bool = True) -> Array:
    """The maps A of a layer, weighted by how much the score y of a class depends on each of them, and clipped at 0.

        alpha_k = 1/(h w) sum_ij dy/dA_kij        L = max(0, sum_k alpha_k A_k)

    Behind a global average pooling and one linear layer, alpha are that layer's weights divided by h w, and L is the class activation map
    of Zhou et al. 2016; but any network will do here.

    Args:
        model: any network that gives scores (N, K). Its modes are as before afterwards, and its parameters get no gradients.
        x: images (N, C, H, W), prepared as the network needs them.
        classes: whose score; by default, for each image, the one with the highest.
        layer: path of the layer; by default that of the last maps, see `last_maps`. Of a layer that runs several times, the first time counts.
        enlarge: bilinearly to the size of the images.

    Returns:
        Maps (N, H, W), or (N, h, w) as large as the layer's: not negative, in the units of score per pixel of the map.

    Raises:
        ArgumentError: there is no such layer or class, or the layer puts out no maps, or does not run.
        ShapeError: the network gives no scores.

    Source:
        Selvaraju et al. 2017, "Grad-CAM: Visual explanations from deep networks via gradient-based localization", eq. 1 and 2.

    Example:
        >>> import minicnn
        >>> from minicnn.models import LeNet5
        >>> grad_cam(LeNet5(), minicnn.randn(2, 1, 32, 32), enlarge=False).shape
        (2, 10, 10)
    """
    x = as_tensor(x).detach()
    path = last_maps(model, x.shape[1:]) if layer is None else layer
    held: list[Tensor] = []

    def hold(_module: Module, _inputs: tuple[Any, ...], y: Any) -> Tensor | None:
        """Begin the graph here."""
        if held:
            return None
        if not isinstance(y, Tensor) or y.ndim != 4:
            raise ArgumentError(f"grad_cam: the layer {path!r} puts out no maps (N, C, H, W): choose one that does")
        held.append(y.detach().requires_grad_())
        return held[0]

    remove = layer_at(model, path).register_forward_hook(hold)
    try:
        with explaining(model):
            scores = model(x)
            if not held:
                raise ArgumentError(f"grad_cam: the layer {path!r} does not run in evaluation mode")
            send_back(scores, classes, "grad_cam")
    finally:
        remove()
    slope = held[0].grad
    if slope is None:
        raise ArgumentError(f"grad_cam: the scores do not depend on the layer {path!r}")
    A, alpha = held[0].numpy(), slope.numpy().mean(axis=(2, 3))
    maps = np.maximum(0, np.einsum("nk,nkij->nij", alpha, A))
    return resize(maps, (x.shape[2], x.shape[3])) if enlarge else maps


def last_maps(model: Module, image: Sequence[int]) -> str:
    """The path of the layer with the last maps: the last that puts out as many pixels as the last convolution does on more than one pixel.

    So the norm, the activation and the addition behind that convolution are in them, and the other branches, where they are layers, too.

    Raises:
        ArgumentError: no convolution puts out maps.

    Example:
        >>> from minicnn.models import LeNet5, ResNet18
        >>> last_maps(ResNet18(width=4), (3, 224, 224)), last_maps(LeNet5(), (1, 32, 32))
        ('layer4', 'c3')
    """
    maps = [run for run in runs(model, image) if len(run.shape) == 4 and run.shape[2:] != (1, 1)]
    sizes = [run.shape[2:] for run in maps if isinstance(run.module, Conv2d)]
    if not sizes:
        raise ArgumentError(f"grad_cam: no convolution of {type(model).__name__} puts out maps of more than one pixel: name a layer by its path")
    return [run.path for run in maps if run.shape[2:] == sizes[-1]][-1]
