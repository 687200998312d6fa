"""Compound scaling: EfficientNet-B0's table of stages, and the rule that makes larger networks of it (Tan & Le 2019)."""

import math
from typing import NamedTuple

from minicnn.checks import number, positive
from minicnn.errors import ArgumentError
from minicnn.models.mobilenet_v2 import make_divisible

ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15  # of depth, width and resolution, found by a grid search on B0 (sec. 4)
RESOLUTION, STEM = 224, 32  # B0's image, and the channels of its first convolution


class Stage(NamedTuple):
    """Blocks of equal width, of which the first has the stride: a row of the paper's table 1."""

    expansion: int
    kernel_size: int
    stride: int
    channels: int
    blocks: int


B0 = (
    Stage(expansion=1, kernel_size=3, stride=1, channels=16, blocks=1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)


def compound_scaling(phi: float) -> tuple[float, float, int]:
    """Depth, width and resolution for about 2^phi times the multiply-adds of B0: alpha^phi, beta^phi and 224 gamma^phi.

    Twice as many layers cost twice as much; twice as many channels, or pixels along a side, cost four times as much. So each
    step of phi multiplies the cost by alpha beta^2 gamma^2 = 1.92, nearly 2, and all three grow together.

    The released networks follow the rule roughly, and not by one phi each. The last three columns are the phi that a released
    number alone would need, such as log 1.8 / log alpha for the depth of B4:

              depth  width  resolution     phi of each
        B0     1.0    1.0      224       0.0  0.0  0.0
        B1     1.1    1.0      240       0.5  0.0  0.5
        B2     1.2    1.1      260       1.0  1.0  1.1
        B3     1.4    1.2      300       1.8  1.9  2.1
        B4     1.8    1.4      380       3.2  3.5  3.8
        B5     2.2    1.6      456       4.3  4.9  5.1
        B6     2.6    1.8      528       5.2  6.2  6.1
        B7     3.1    2.0      600       6.2  7.3  7.0

    Returns:
        Depth and width as multiples of B0's, and the height and width of the image.

    Raises:
        ArgumentError: `phi` is no finite number, or so far from 0 that no network comes out.

    Source:
        Tan & Le 2019, "EfficientNet: rethinking model scaling for convolutional neural networks", eq. 3 and sec. 4
        (arXiv:1905.11946); the released numbers are those of the authors' code.

    Example:
        >>> compound_scaling(0), compound_scaling(1)
        ((1.0, 1.0, 224), (1.2, 1.1, 258))
        >>> from minicnn.models.efficientnet import EfficientNet
        >>> EfficientNet(*compound_scaling(-4)).input_shape
        (3, 128, 128)
    """
    phi = number(phi, "compound_scaling: phi")
    try:
        depth, width, resolution = ALPHA**phi, BETA**phi, round(RESOLUTION * GAMMA**phi)
    except OverflowError:
        raise ArgumentError(f"compound_scaling: phi={phi:g} is more than a float can hold; B7 has about 7") from None
    if resolution < 1:
        raise ArgumentError(f"compound_scaling: phi={phi:g} leaves no pixel of the image; B0 has 0")
    return depth, width, resolution


def scaled_stages(depth: float, width: float) -> list[Stage]:
    """B0's stages with `depth` times as many blocks, rounded up, and `width` times as many channels, in multiples of 8.

    Raises:
        ArgumentError: one of them is not above 0.

    Example:
        >>> scaled_stages(depth=1.4, width=1.2)[4]
        Stage(expansion=6, kernel_size=5, stride=1, channels=136, blocks=5)
    """
    depth, width = positive(depth, "EfficientNet: depth"), positive(width, "EfficientNet: width")
    return [
        stage._replace(channels=make_divisible(width * stage.channels), blocks=math.ceil(depth * stage.blocks)) for stage in B0
    ]
