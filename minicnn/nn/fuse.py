"""Batch normalisation for nothing: in evaluation it is a scale and a shift, which the convolution before it can do as well; and the ReLU behind it, too."""

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from minicnn.autograd import Function, Tensor
from minicnn.backend import to_numpy
from minicnn.kernels.array.module import array_module
from minicnn.nn.batch_norm import BatchNorm
from minicnn.nn.conv import Conv2d, ConvReLU2d
from minicnn.nn.joined import CEILINGS, is_watched
from minicnn.nn.linear import Identity, Linear
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.nn.trace import image_shape, replace, trace
from minicnn.place import move

F = TypeVar("F", bound=Module)


def fuse(model: Module, input_shape: Sequence[int] | None = None) -> Module:
    """A copy of a network for evaluation, with each batch norm folded into the convolution or linear layer before it, and ReLUs into theirs.

    With s = gamma / sqrt(var + eps) per channel, y = s (w * x + b - mean) + beta is a convolution by s w, with the bias
    s (b - mean) + beta. What comes before what is read off the graph of one image (of which only the shapes are computed),
    so that names and their order do not matter. A batch norm stays where its input is used elsewhere, too, or is no convolution's
    output, as in front of the convolutions of a DenseNet; and so does one whose layer is of a class with a forward of its own, has hooks, or
    shares its weights. What the graph does not show cannot be seen: uses of a convolution's output inside `no_grad` or after `detach`, and a
    forward that goes another way for other shapes.

    Then an `nn.ReLU` or `nn.ReLU6` that alone uses a convolution's output is joined with it to an `nn.ConvReLU2d`, under the same conditions.

    Args:
        model: any network; it stays as it is.
        input_shape: (C, H, W) of one image; by default the network's own, `model.input_shape`.

    Returns:
        The copy, in evaluation mode. `nn.Identity` stands where a batch norm or a ReLU was.

    Raises:
        ArgumentError: no shape is given and the network has none of its own.
        ShapeError: the network cannot take such an image.

    Source:
        Lecture "CNN Architectures": "Zero overhead at test-time: can be fused with conv!"

    Example:
        >>> from minicnn import nn
        >>> fuse(nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()), (3, 32, 32))
        Sequential(
          (0): ConvReLU2d(3, 8, kernel_size=3)
          (1): Identity()
          (2): Identity()
        )
    """
    image = image_shape(model, input_shape, "fuse")
    fused = copy.deepcopy(model)
    fused.zero_grad()
    norms = [m for m in fused.modules() if isinstance(m, BatchNorm) and m.track_running_stats and _is_plain(m, BatchNorm)]
    for layer, norm in _pairs(fused, image, norms):
        _fold(layer, norm)
        replace(fused, norm, Identity())
    activations = [m for m in fused.modules() if type(m) in CEILINGS and not is_watched(m)]
    for layer, activation in _pairs(fused, image, activations):
        if isinstance(layer, Conv2d):
            replace(fused, layer, ConvReLU2d(layer, CEILINGS[type(activation)]))
            replace(fused, activation, Identity())
    return fused.eval()


def _pairs(model: Module, image: Sequence[int], followers: Sequence[F]) -> list[tuple[Conv2d | Linear, F]]:
    """Convolutions and linear layers whose output one of `followers` uses, and nobody else; and whose weights nobody else uses."""
    nodes: dict[int, Function | None] = {}  # what computed the output of a module
    calls: Counter[int] = Counter()
    layers = [m for m in model.modules() if isinstance(m, (Conv2d, Linear)) and _is_plain(m, Conv2d, Linear)]

    def note(module: Module, _: tuple[Any, ...], y: Tensor) -> None:
        nodes[id(module)] = y.creator
        calls[id(module)] += 1

    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    removers: list[Callable[[], None]] = [module.register_forward_hook(note) for module in (*layers, *followers)]
    try:
        model.requires_grad_(True)  # so that the graph shows who uses a weight
        _, y = trace(model, image, record=True)
    finally:
        for remove in removers:
            remove()
        for parameter in frozen:
            parameter.requires_grad_(False)
    users = _users(y)
    by_node = {nodes[id(layer)]: layer for layer in layers if calls[id(layer)] == 1 and users[layer.weight] == 1}
    found = []
    for follower in followers:
        node = nodes.get(id(follower))
        before = node.edges[0] if node is not None and calls[id(follower)] == 1 else None
        if isinstance(before, Function) and before in by_node and users[before] == 1:
            layer = by_node[before]
            if isinstance(layer, Conv2d) or len(before.shape) == 2:  # a linear layer on (N, ..., C) has its channels last
                found.append((layer, follower))
    return found


def _is_plain(module: Module, *kinds: type[Module]) -> bool:
    """It computes what its kind does: no subclass with a forward of its own, and no hook that changes the result."""
    return any(type(module).forward is kind.forward for kind in kinds) and not is_watched(module)


def _users(y: Tensor) -> Counter[Function | Tensor]:
    """How often the result of each function, and each leaf, is used on the way to y."""
    users: Counter[Function | Tensor] = Counter()
    stack, seen = [y.creator], {y.creator}
    while stack:
        node = stack.pop()
        for edge in node.edges if node is not None else ():
            if edge is not None:
                users[edge] += 1
            if isinstance(edge, Function) and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return users


def _fold(layer: Conv2d | Linear, norm: BatchNorm) -> None:
    """Give the layer the weights of both."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    mean, var = (to_numpy(buffer.data).astype(np.float64) for buffer in (norm.running_mean, norm.running_var))
    scale = 1 / np.sqrt(var + norm.eps)
    if norm.weight is not None:
        scale = scale * norm.weight.numpy()
    bias = (0 if layer.bias is None else layer.bias.numpy()) - mean
    shift = scale * bias + (0 if norm.bias is None else norm.bias.numpy())
    w, dtype = layer.weight.numpy(), layer.weight.dtype
    here, trained = array_module(layer.weight.data), layer.weight.requires_grad
    layer.weight = Parameter((w * scale.reshape(-1, *(1,) * (w.ndim - 1))).astype(dtype), trained)
    layer.bias = Parameter(shift.astype(dtype), trained)
    for parameter in (layer.weight, layer.bias):
        parameter.data = move(parameter.data, here)
