"""Chains of convolutions with skip connections, as a controller writes them down layer by layer (Zoph & Le 2016)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.errors import ArgumentError
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.ops import concatenate, pad

LAYER = re.compile(r"(\d+)x(\d+)x(\d+)(?:/(\d+))?((?:\+\d+)*)")


class ChainLayer(NamedTuple):
    """One layer as it is written: `5x3x24/2+0+1`.

    Attributes:
        height, width: of its filters, in pixels.
        filters: how many.
        stride: step of the filters in both directions, in pixels.
        inputs: numbers of the earlier layers that it reads, in order; none for the image.
    """

    height: int
    width: int
    filters: int
    stride: int = 1
    inputs: tuple[int, ...] = ()

    def __str__(self) -> str:
        stride = f"/{self.stride}" if self.stride > 1 else ""
        return f"{self.height}x{self.width}x{self.filters}{stride}" + "".join(f"+{i}" for i in self.inputs)


def read_chain(string: str) -> tuple[ChainLayer, ...]:
    """The layers of a string such as "chain 3x3x24 3x3x36/2+0".

    Raises:
        ArgumentError: it is no chain, or a layer is malformed, has a size of 0, or reads a layer that is not before it.

    Example:
        >>> read_chain("chain 3x5x24 7x3x36/2+0")[1]
        ChainLayer(height=7, width=3, filters=36, stride=2, inputs=(0,))
    """
    kind, *tokens = string.lower().split() or [""]
    if kind != "chain":
        raise ArgumentError(f"a chain begins with the word chain, as in 'chain 3x3x24 3x3x36+0', not with {kind!r}")
    if not tokens:
        raise ArgumentError("the chain has no layers: write each as height x width x filters, as in 'chain 3x3x24 3x3x36+0'")
    return tuple(_read_layer(token, i) for i, token in enumerate(tokens))


def _read_layer(token: str, i: int) -> ChainLayer:
    found = LAYER.fullmatch(token)
    if not found:
        raise ArgumentError(f"layer {i} of the chain, {token!r}, is none: write height x width x filters, then /stride, then + and an earlier layer, as in '3x5x24/2+0'")
    height, width, filters, stride = (int(number) for number in (*found.groups()[:3], found[4] or 1))
    for what, number in (("height", height), ("width", width), ("number of filters", filters), ("stride", stride)):
        if number < 1:
            raise ArgumentError(f"layer {i} of the chain, {token!r}: the {what} must be at least 1, not {number}")
    inputs = [int(number) for number in found[5].split("+")[1:]]
    for number in inputs:
        if number >= i:
            known = ("it is the first and reads the image: write no +", "the layer before it is 0", f"the layers before it are 0 to {i - 1}")[min(i, 2)]
            raise ArgumentError(f"layer {i} of the chain, {token!r}, cannot read layer {number}: {known}")
        if inputs.count(number) > 1:
            raise ArgumentError(f"layer {i} of the chain, {token!r}, reads layer {number} twice: write +{number} once")
    return ChainLayer(height, width, filters, stride, tuple(sorted(inputs)))


def write_chain(layers: Sequence[ChainLayer]) -> str:
    """The string of a chain: what `read_chain` reads.

    Example:
        >>> write_chain([ChainLayer(3, 5, 24), ChainLayer(7, 3, 36, 2, (0,))])
        'chain 3x5x24 7x3x36/2+0'
    """
    return " ".join(["chain", *map(str, layers)])


class ChainBlock(nn.Module):
    """A layer of the chain: convolution with as many zeros around the image as it needs ("same"), batch norm, ReLU."""

    def __init__(self, in_channels: int, layer: ChainLayer) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, layer.filters, (layer.height, layer.width), layer.stride, padding="same", bias=False)
        self.bn = nn.BatchNorm2d(layer.filters)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, filters, H/stride, W/stride), rounded up."""
        return nn.norm_relu(self.bn, self.conv(x))


class SearchedChain(nn.Module):
    """A chain of convolutions with skip connections, written as a string.

        chain 3x5x24 7x3x36/2+0 5x5x48+0+1

              image
                │
        0   conv 3x5, 24 filters ──────┐
                │                      │
        1   conv 7x3 / 2, 36 filters   │
                │                      │
        2   conv 5x5, 48 filters ◄─────┘      reads 0 and 1, side by side
                │
            average, linear

    What was new: a network that reads and writes such strings can be taught to write good ones. It says a layer's filters number by
    number, and at an "anchor point" of each layer it says of every earlier one whether its output is read.

    - Each layer is written height x width x filters, then /stride unless it is 1, then + and the number of each earlier layer that it
      reads; layers are counted from 0.
    - A layer that reads no other reads the image, so the plain chain has to say so: "chain 3x3x24 3x3x24+0 3x3x24+1".
    - Outputs that a layer reads together are concatenated; smaller ones get zeros around them until they are as large as the largest,
      the odd row or column below or at the right.
    - Outputs that no layer reads are concatenated in the same way before the classifier, so that no layer is in vain.

    Each layer is a convolution with padding "same", batch norm and ReLU; behind the last comes the average over all pixels.

    Args:
        string: the layers, as above.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        weights: a file of weights, or None to start from random ones.

    Attributes:
        string: the layers in their usual spelling.
        layers: one block for each.

    Raises:
        ArgumentError: the string is no chain, or a layer is malformed, has a size of 0, or reads a layer that is not before it.

    Source:
        Zoph & Le 2016, "Neural architecture search with reinforcement learning", sec. 3.3 and appendix A (arXiv:1611.01578).

    Example:
        >>> import minicnn
        >>> net = SearchedChain("chain 3x5x8 7x3x16/2+0 5x5x8+0+1", num_classes=10)
        >>> net(minicnn.ones(2, 1, 28, 28)).shape
        (2, 10)
    """

    def __init__(self, string: str, num_classes: int = 10, in_channels: int = 1, *, weights: Weights = None) -> None:
        super().__init__()
        plan = read_chain(string)
        self.string, self.input_shape = write_chain(plan), (in_channels, 32, 32)
        self.inputs = [layer.inputs for layer in plan]
        read = {i for inputs in self.inputs for i in inputs}
        self.outputs = tuple(i for i in range(len(plan)) if i not in read)
        self.layers = nn.ModuleList(ChainBlock(sum(plan[i].filters for i in layer.inputs) or in_channels, layer) for layer in plan)
        self.global_pool = nn.GlobalAvgPool2d()
        self.classifier = nn.Linear(sum(plan[i].filters for i in self.outputs), num_classes)
        load_pretrained(self, weights)

    def forward(self, image: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        made: list[Tensor] = []
        for layer, inputs in zip(self.layers, self.inputs, strict=True):
            made.append(layer(side_by_side([made[i] for i in inputs]) if inputs else image))
        x = side_by_side([made[i] for i in self.outputs])
        return self.classifier(self.global_pool(x).flatten(1))


def side_by_side(maps: Sequence[Tensor]) -> Tensor:
    """The maps (N, C, H, W) concatenated in depth, those that are smaller with zeros around them.

    >>> import minicnn
    >>> side_by_side([minicnn.ones(2, 3, 8, 8), minicnn.ones(2, 5, 4, 8)]).shape
    (2, 8, 8, 8)
    """
    if len(maps) == 1:
        return maps[0]
    H, W = (max(x.shape[axis] for x in maps) for axis in (2, 3))
    return concatenate([_framed(x, H - x.shape[2], W - x.shape[3]) for x in maps], axis=1)


def _framed(x: Tensor, rows: int, columns: int) -> Tensor:
    if not (rows or columns):
        return x
    return pad(x, (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2))
