"""The receptive field: which pixels of the image a number deep in the network can depend on, calculated and measured."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from minicnn import checks
from minicnn.autograd import Function, Tensor
from minicnn.autograd.order import inputs_first
from minicnn.backend import get_backend
from minicnn.errors import ArgumentError
from minicnn.kernels.geometry import extent
from minicnn.kernels.types import Array, Padding, Window
from minicnn.nn import AvgPool2d, Conv2d, Linear, MaxPool2d, Module
from minicnn.nn.batch_norm import BatchNorm
from minicnn.nn.mode import evaluating_untrained
from minicnn.nn.trace import image_shape, replace, trace
from minicnn.ops import adaptive_pool, conv, pool
from minicnn.ops.group_norm import GroupNorm
from minicnn.ops.indexing import GetItem
from minicnn.ops.join import Concatenate
from minicnn.ops.layer_norm import LayerNorm
from minicnn.ops.linear import Linear as LinearFunction
from minicnn.ops.matmul import MatMul
from minicnn.ops.pad import Pad
from minicnn.ops.reduction import Reduction
from minicnn.ops.shape import Reshape, Transpose

SMALL = 1e-9  # pixels, in an experiment: blocks that add their input double it, and must not reach the 6 of a ReLU6
LayerSizes: TypeAlias = tuple[int, ...]
"""(kernel size, stride, padding) of a layer; what is left out is 1 and 0."""


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels that an output position can see. Position (p, q) sees, along each axis, from offset + p stride on, `size` pixels.

    Attributes:
        size: pixels (height, width).
        stride: pixels between what neighbouring positions see.
        offset: the first pixel that position (0, 0) sees; negative where that is padding.
        whole: every position sees the whole image, because of a global pooling or a linear layer on the way.
    """

    size: Window
    stride: Window = (1, 1)
    offset: tuple[int, int] = (0, 0)
    whole: bool = False

    def after(self, kernel: Window, stride: Window, padding: Padding, dilation: Window = (1, 1)) -> ReceptiveField:
        """That of a layer of windows on top of this: size += (extent - 1) stride, and the strides multiply.

        >>> ReceptiveField((1, 1)).after((7, 7), (2, 2), (3, 3, 3, 3)).after((3, 3), (2, 2), (1, 1, 1, 1))
        ReceptiveField(size=(11, 11), stride=(4, 4), offset=(-5, -5), whole=False)
        """
        if self.whole:
            return self
        F = [extent(k, d) for k, d in zip(kernel, dilation, strict=True)]
        (h, w), (sh, sw), (top, left) = self.size, self.stride, self.offset
        return ReceptiveField(
            (h + (F[0] - 1) * sh, w + (F[1] - 1) * sw),
            (sh * stride[0], sw * stride[1]),
            (top - padding[0] * sh, left - padding[2] * sw),
        )

    def beside(self, other: ReceptiveField) -> ReceptiveField:
        """That of what depends on both: from the first pixel of either to the last."""
        if self.whole or other.whole:
            return self if self.whole else other
        if self.stride != other.stride:
            raise ArgumentError(f"receptive_field: two branches with the strides {self.stride} and {other.stride} meet")
        pairs = list(zip(self.offset, other.offset, self.size, other.size, strict=True))
        start = [min(a, b) for a, b, _, _ in pairs]
        stop = [max(a + m, b + n) for a, b, m, n in pairs]
        return ReceptiveField((stop[0] - start[0], stop[1] - start[1]), self.stride, (start[0], start[1]))


def receptive_field(
    network: Module | Sequence[LayerSizes], input_shape: Sequence[int] | None = None, *, layer: str | None = None
) -> ReceptiveField:
    """The receptive field, from the sizes, strides and paddings of the windows on the way.

    Args:
        network: a network; or only the layers' sizes, as tuples (kernel size, stride, padding).
        input_shape: (C, H, W) of one image; by default the network's own.
        layer: path of the layer in whose output the position is, such as `layer3`; by default the network's last.

    Raises:
        ArgumentError: there is no such layer, or it does not run; no image shape is known; or branches of different
            strides meet.

    Source:
        Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks", eq. 2 and sec. 3.

    Example:
        >>> receptive_field([(3,), (3,), (3,)]) == receptive_field([(7,)])          # VGG's three 3x3 see what one 7x7 sees
        True
        >>> from minicnn.models import ResNet18
        >>> receptive_field(ResNet18(width=4), layer="layer1").size
        (43, 43)
    """
    if not isinstance(network, Module):
        return _of_sizes(network)
    image = image_shape(network, input_shape, "receptive_field")
    found: list[Function | None] = []
    remove = _watch(network, layer, lambda y: found.append(y.creator))
    try:
        x, _ = trace(network, image, record=True)
    finally:
        remove()
    if not found or found[-1] is None:
        raise ArgumentError(f"receptive_field: the layer {layer!r} does not run in evaluation, or does not depend on the image")
    fields: dict[int, ReceptiveField] = {id(x): ReceptiveField((1, 1))}
    for node in inputs_first(found[-1]):
        if isinstance(node, Function):
            before = [fields[id(edge)] for edge in node.edges if id(edge) in fields]
            if before:
                fields[id(node)] = _through(node, before, image)
    return fields[id(found[-1])]


def _of_sizes(layers: Sequence[LayerSizes]) -> ReceptiveField:
    field = ReceptiveField((1, 1))
    for sizes in layers:
        if not isinstance(sizes, (tuple, list)) or not 1 <= len(sizes) <= 3:
            raise ArgumentError(f"receptive_field: a layer is (kernel size, stride, padding), not {sizes!r}")
        kernel, stride, padding = (*sizes, *(1, 1, 0)[len(sizes) :])
        kernel, stride = checks.integer(kernel, "receptive_field: kernel size"), checks.integer(stride, "receptive_field: stride")
        padding = checks.integer(padding, "receptive_field: padding", least=0)
        field = field.after((kernel, kernel), (stride, stride), (padding,) * 4)
    return field


def _watch(network: Module, layer: str | None, note: Callable[[Tensor], object]) -> Callable[[], None]:
    """Call `note` with every output of a layer; returns a function that ends it."""
    return network.get_submodule(layer or "").register_forward_hook(lambda _module, _inputs, y: (note(y), None)[1])


ADAPTIVE = (adaptive_pool.AdaptiveAvgPool2d, adaptive_pool.AdaptiveMaxPool2d)
MIX_ALL = (GroupNorm, LayerNorm, LinearFunction, MatMul, Reduction)  # every output depends on every pixel


def _through(node: Function, before: Sequence[ReceptiveField], image: Sequence[int]) -> ReceptiveField:
    """The receptive field of a function's result, from those of its inputs."""
    field = before[0]
    for other in before[1:]:
        field = field.beside(other)
    size = node.input_shapes[0][2:]
    if isinstance(node, conv.Conv2d):
        kernel = node.input_shapes[1][2:]
        return field.after((kernel[0], kernel[1]), node.attributes["stride"], node.attributes["padding"], node.attributes["dilation"])
    if isinstance(node, (pool.MaxPool2d, pool.AvgPool2d)):
        dilation = node.attributes.get("dilation", (1, 1))
        return field.after(node.attributes["kernel_size"], node.attributes["stride"], node.attributes["padding"], dilation)
    if isinstance(node, ADAPTIVE) and node.shape[2:] != (1, 1) and not field.whole:
        if any(n % m for n, m in zip(size, node.shape[2:], strict=True)):
            raise ArgumentError(
                f"receptive_field: an adaptive pooling makes {_by(node.shape[2:])} of {_by(size)}, with bins that differ in size, so that "
                "there is no one stride: give an image that it divides evenly, or use measure_receptive_field"
            )
        bins = (size[0] // node.shape[2], size[1] // node.shape[3])
        return field.after(bins, bins, (0, 0, 0, 0))
    if isinstance(node, Pad) and len(node.shape) == 4:
        _, _, rows, columns = node.attributes["frame"]
        return field.after((1, 1), (1, 1), (*rows, *columns))
    if isinstance(node, GetItem) and len(node.input_shapes[0]) == 4 and not field.whole:
        return _picked(node, field)
    if isinstance(node, Concatenate) and len(node.shape) == 4 and node.attributes["axis"] > 1 and not field.whole:
        raise ArgumentError("receptive_field: images are put beside or below each other, so that there is no one stride: use measure_receptive_field")
    if isinstance(node, Reduction) and node.shape[2:] == size and not {2, 3} & set(node.attributes["axes"]):
        return field  # over the channels of each pixel
    moved = isinstance(node, (Reshape, Transpose)) and not _keeps_pixels(node)
    return ReceptiveField((image[1], image[2]), whole=True) if moved or isinstance(node, (*ADAPTIVE, *MIX_ALL)) else field


def _picked(node: Function, field: ReceptiveField) -> ReceptiveField:
    """That of x[index], if it takes every so many rows and columns of an image."""
    index = list(node.attributes["index"])
    gap = next((i for i, part in enumerate(index) if part is Ellipsis), len(index))
    full = [*index[:gap], *[slice(None)] * (5 - len(index) if gap < len(index) else 4 - len(index)), *index[gap + 1 :]]
    if len(node.shape) != 4 or len(full) != 4 or not all(isinstance(part, slice) for part in full):
        raise ArgumentError("receptive_field: pixels are picked by an index that is no slice: use measure_receptive_field")
    H, W = node.input_shapes[0][2:]
    (top, _, down), (left, _, right) = full[2].indices(H), full[3].indices(W)
    if min(down, right) < 1:
        raise ArgumentError("receptive_field: an image is turned over, so that there is no stride: use measure_receptive_field")
    return field.after((1, 1), (down, right), (-top, 0, -left, 0))


def _keeps_pixels(node: Function) -> bool:
    """A change of shape that leaves height and width where they are."""
    if isinstance(node, Transpose):
        return tuple(node.attributes["axes"][-2:]) == (len(node.shape) - 2, len(node.shape) - 1)
    return node.shape[-2:] == node.input_shapes[0][-2:] and math.prod(node.shape[-2:]) > 1


def _by(size: Sequence[int]) -> str:
    return "x".join(map(str, size))


@dataclass(frozen=True)
class Support:
    """The pixels on which an output position does depend, by its gradient.

    Attributes:
        position: (p, q) of the output.
        rows, columns: the first and the last pixel with a gradient.
        map: the size of the gradient at each pixel, (H, W); large in the middle, small at the border of the field.
    """

    position: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    map: Array

    @property
    def size(self) -> Window:
        """Pixels (height, width)."""
        return self.rows[1] - self.rows[0] + 1, self.columns[1] - self.columns[0] + 1


def measure_receptive_field(
    network: Module, input_shape: Sequence[int] | None = None, *, layer: str | None = None, position: tuple[int, int] | None = None
) -> Support:
    """The receptive field by experiment: send a gradient back from one position and see which pixels it reaches.

    So that no path is blocked by chance, this is done on a copy of the network in float64 in which all weights are positive
    (about 1 / fan-in, so that numbers keep their size), batch norms do nothing, and `nn.MaxPool2d` is an average: the same windows, but
    every pixel counts. (A dilated one, or the function `ops.max_pool2d`, stays: it passes its gradient to one pixel of each window.)

    Args:
        network: any network.
        input_shape, layer: as for `receptive_field`. The layer's output must have height and width.
        position: (p, q) of the output; by default the middle.

    Raises:
        ArgumentError: the layer's output has no pixels, or no such position.

    Source:
        Luo, Li, Urtasun & Zemel 2016, "Understanding the effective receptive field in deep convolutional neural networks",
        sec. 2: the map is nearly Gaussian, and much of the field hardly counts.

    Example:
        >>> from minicnn import nn
        >>> three = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3))
        >>> measure_receptive_field(three, (1, 15, 15)).size
        (7, 7)
    """
    image = image_shape(network, input_shape, "measure_receptive_field")
    probe = _open(copy.deepcopy(network)).to(get_backend().name)
    outputs: list[Tensor] = []
    remove = _watch(probe, layer, outputs.append)
    x = Tensor(np.full((1, *image), SMALL), requires_grad=True)
    try:
        with evaluating_untrained(probe):
            probe(x)
    finally:
        remove()
    if not outputs or outputs[-1].ndim != 4:
        raise ArgumentError(f"measure_receptive_field: the layer {layer!r} puts out no image (N, C, H, W): choose one that does")
    y = outputs[-1]
    p, q = position or (y.shape[2] // 2, y.shape[3] // 2)
    if not (0 <= p < y.shape[2] and 0 <= q < y.shape[3]):
        raise ArgumentError(f"measure_receptive_field: no position {(p, q)} in an output of {y.shape[2]} x {y.shape[3]}")
    y[0, :, p, q].sum().backward()
    assert x.grad is not None
    reached = np.abs(x.grad.numpy()[0]).sum(axis=0)
    rows, columns = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
    if not rows.size:
        raise ArgumentError(
            "measure_receptive_field: no gradient reaches the image: something on the way is saturated, or cancels when all weights are positive"
        )
    return Support((p, q), (int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1])), reached)


def _open(network: Module) -> Module:
    """Make every path of a network pass a gradient."""
    random = np.random.default_rng(0)
    for module in list(network.modules()):
        if isinstance(module, (Conv2d, Linear)):
            module.weight.data = random.uniform(0.5, 1.5, module.weight.shape) / math.prod(module.weight.shape[1:])
            if module.bias is not None:
                module.bias.data = np.zeros(module.bias.shape, np.float32)
        if isinstance(module, BatchNorm):
            for tensor, value in ((module.weight, 1), (module.bias, 0), (module.running_mean, 0), (module.running_var, 1)):
                if tensor is not None:
                    tensor.data = np.full(tensor.shape, value, np.float32)
        if isinstance(module, MaxPool2d) and module.dilation == (1, 1):
            average = AvgPool2d(module.kernel_size, module.stride, module.padding, module.ceil_mode, count_include_pad=False)
            if module is network:
                return average
            replace(network, module, average)
    network.zero_grad()
    return network.astype("float64")
