"""The convolutions under the detectors of this folder: small enough for two processor cores, and they keep where things are."""

from collections.abc import Sequence
from itertools import pairwise

from minicnn import checks, nn
from minicnn.errors import ArgumentError


def conv_trunk(channels: Sequence[int] = (16, 32, 64, 128), in_channels: int = 3) -> nn.Sequential:
    """3x3 convolutions with batch norm and ReLU: one at the picture's own size, then for each further width one that halves it and one that does not.

    The result is (N, channels[-1], H / stride, W / stride) with a stride of 2 for each width after the first.

    Raises:
        ArgumentError: there are no channels, or a number of them is below 1.

    Example:
        >>> import minicnn
        >>> conv_trunk((4, 8, 16))(minicnn.zeros(2, 3, 32, 32)).shape
        (2, 16, 8, 8)
    """
    if not channels:
        raise ArgumentError("conv_trunk: give the channels of at least one layer, such as (16, 32, 64)")
    widths = [checks.integer(width, "conv_trunk: channels") for width in channels]
    layers = _layer(in_channels, widths[0], stride=1)
    for before, width in pairwise(widths):
        layers += [*_layer(before, width, stride=2), *_layer(width, width, stride=1)]
    return nn.Sequential(*layers)


def _layer(before: int, width: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
