"""The modules of Inception-v3: large windows taken apart into small and into flat ones (Szegedy et al. 2015)."""

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.models.inception_module import conv_bn, scaled
from minicnn.ops import concatenate


class InceptionA(nn.Module):
    """The module on 35x35 pixels: two 3x3 windows one after the other see as much as a 5x5 window, and cost 18/25 of it.

        1x1  |  1x1, 5x5  |  1x1, 3x3, 3x3  |  3x3 average pool, 1x1          ─► channels

    Args:
        in_channels: of the input.
        pool_proj: filters after the pooling.
        width: the numbers of channels are multiplied by it.

    Source:
        Szegedy et al. 2015, fig. 5.

    Example:
        >>> import minicnn
        >>> InceptionA(192, pool_proj=32)(minicnn.ones(2, 192, 35, 35)).shape
        (2, 256, 35, 35)
    """

    def __init__(self, in_channels: int, pool_proj: int, width: float = 1.0) -> None:
        super().__init__()
        conv = conv_bn(width)
        self.branch1x1 = conv(in_channels, 64, 1)
        self.branch5x5_1 = conv(in_channels, 48, 1)
        self.branch5x5_2 = conv(48, 64, 5)
        self.branch3x3dbl_1 = conv(in_channels, 64, 1)
        self.branch3x3dbl_2 = conv(64, 96, 3)
        self.branch3x3dbl_3 = conv(96, 96, 3)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)
        self.branch_pool = conv(in_channels, pool_proj, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, 224 + pool_proj, H, W)."""
        y5x5 = self.branch5x5_2(self.branch5x5_1(x))
        y3x3 = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return concatenate([self.branch1x1(x), y5x5, y3x3, self.branch_pool(self.pool(x))], axis=1)


class ReductionA(nn.Module):
    """From 35x35 to 17x17 pixels: convolutions and the pooling side by side, so that nothing is thrown away before it is used.

        3x3 / 2  |  1x1, 3x3, 3x3 / 2  |  3x3 max pool / 2          ─► channels

    Args:
        in_channels: of the input.
        width: the numbers of channels are multiplied by it.

    Source:
        Szegedy et al. 2015, fig. 10.

    Example:
        >>> import minicnn
        >>> ReductionA(288)(minicnn.ones(2, 288, 35, 35)).shape
        (2, 768, 17, 17)
    """

    def __init__(self, in_channels: int, width: float = 1.0) -> None:
        super().__init__()
        conv = conv_bn(width)
        self.branch3x3 = conv(in_channels, 384, 3, stride=2, padding=0)
        self.branch3x3dbl_1 = conv(in_channels, 64, 1)
        self.branch3x3dbl_2 = conv(64, 96, 3)
        self.branch3x3dbl_3 = conv(96, 96, 3, stride=2, padding=0)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, 480 + in_channels, (H - 3) / 2 + 1, (W - 3) / 2 + 1)."""
        y3x3 = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return concatenate([self.branch3x3(x), y3x3, self.pool(x)], axis=1)


class InceptionB(nn.Module):
    """The module on 17x17 pixels: a 1x7 window and a 7x1 window see as much as a 7x7 window, and cost 2/7 of it.

        1x1  |  1x1, 1x7, 7x1  |  1x1, 7x1, 1x7, 7x1, 1x7  |  3x3 average pool, 1x1          ─► channels

    Args:
        in_channels: of the input.
        c7: filters of the flat windows, but for the last of a branch.
        width: the numbers of channels are multiplied by it.

    Source:
        Szegedy et al. 2015, fig. 6.

    Example:
        >>> import minicnn
        >>> InceptionB(768, c7=128)(minicnn.ones(2, 768, 17, 17)).shape
        (2, 768, 17, 17)
    """

    def __init__(self, in_channels: int, c7: int, width: float = 1.0) -> None:
        super().__init__()
        conv = conv_bn(width)
        self.branch1x1 = conv(in_channels, 192, 1)
        self.branch7x7_1 = conv(in_channels, c7, 1)
        self.branch7x7_2 = conv(c7, c7, (1, 7))
        self.branch7x7_3 = conv(c7, 192, (7, 1))
        self.branch7x7dbl_1 = conv(in_channels, c7, 1)
        self.branch7x7dbl_2 = conv(c7, c7, (7, 1))
        self.branch7x7dbl_3 = conv(c7, c7, (1, 7))
        self.branch7x7dbl_4 = conv(c7, c7, (7, 1))
        self.branch7x7dbl_5 = conv(c7, 192, (1, 7))
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)
        self.branch_pool = conv(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, 768, H, W)."""
        once = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return concatenate([self.branch1x1(x), once, twice, self.branch_pool(self.pool(x))], axis=1)


class ReductionB(nn.Module):
    """From 17x17 to 8x8 pixels.

        1x1, 3x3 / 2  |  1x1, 1x7, 7x1, 3x3 / 2  |  3x3 max pool / 2          ─► channels

    Args:
        in_channels: of the input.
        width: the numbers of channels are multiplied by it.

    Source:
        Szegedy et al. 2015, sec. 5; the windows are those of the released network.

    Example:
        >>> import minicnn
        >>> ReductionB(768)(minicnn.ones(2, 768, 17, 17)).shape
        (2, 1280, 8, 8)
    """

    def __init__(self, in_channels: int, width: float = 1.0) -> None:
        super().__init__()
        conv = conv_bn(width)
        self.branch3x3_1 = conv(in_channels, 192, 1)
        self.branch3x3_2 = conv(192, 320, 3, stride=2, padding=0)
        self.branch7x7x3_1 = conv(in_channels, 192, 1)
        self.branch7x7x3_2 = conv(192, 192, (1, 7))
        self.branch7x7x3_3 = conv(192, 192, (7, 1))
        self.branch7x7x3_4 = conv(192, 192, 3, stride=2, padding=0)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, 512 + in_channels, (H - 3) / 2 + 1, (W - 3) / 2 + 1)."""
        y3x3 = self.branch3x3_2(self.branch3x3_1(x))
        y7x7 = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return concatenate([y3x3, y7x7, self.pool(x)], axis=1)


class InceptionC(nn.Module):
    """The module on 8x8 pixels: flat windows side by side, for many channels where there are few pixels.

        1x1  |  1x1, then 1x3 | 3x1  |  1x1, 3x3, then 1x3 | 3x1  |  3x3 average pool, 1x1          ─► channels

    Args:
        in_channels: of the input.
        width: the numbers of channels are multiplied by it.

    Source:
        Szegedy et al. 2015, fig. 7.

    Example:
        >>> import minicnn
        >>> InceptionC(1280)(minicnn.ones(2, 1280, 8, 8)).shape
        (2, 2048, 8, 8)
    """

    def __init__(self, in_channels: int, width: float = 1.0) -> None:
        super().__init__()
        conv = conv_bn(width)
        self.branch1x1 = conv(in_channels, 320, 1)
        self.branch3x3_1 = conv(in_channels, 384, 1)
        self.branch3x3_2a = conv(384, 384, (1, 3))
        self.branch3x3_2b = conv(384, 384, (3, 1))
        self.branch3x3dbl_1 = conv(in_channels, 448, 1)
        self.branch3x3dbl_2 = conv(448, 384, 3)
        self.branch3x3dbl_3a = conv(384, 384, (1, 3))
        self.branch3x3dbl_3b = conv(384, 384, (3, 1))
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)
        self.branch_pool = conv(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, 2048, H, W)."""
        y, z = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        wide = [self.branch3x3_2a(y), self.branch3x3_2b(y), self.branch3x3dbl_3a(z), self.branch3x3dbl_3b(z)]
        return concatenate([self.branch1x1(x), *wide, self.branch_pool(self.pool(x))], axis=1)


class AuxiliaryClassifier(nn.Module):
    """The small network on top of the 17x17 pixels, used in training only: (N, 768, H, W) to scores (N, num_classes).

        x  ─►  5x5 average pool / 3  ─►  1x1 conv  ─►  5x5 conv  ─►  global average pool  ─►  linear  ─►  scores

    Args:
        num_classes: size of the output.
        width: the numbers of channels are multiplied by it.

    Source:
        Szegedy et al. 2015, sec. 4 and fig. 8; the sizes are those of the released network.

    Example:
        >>> import minicnn
        >>> AuxiliaryClassifier(num_classes=10, width=1 / 16)(minicnn.ones(2, 48, 17, 17)).shape
        (2, 10)
    """

    def __init__(self, num_classes: int, width: float = 1.0) -> None:
        super().__init__()
        conv = conv_bn(width)
        self.pool = nn.AvgPool2d(5, stride=3)
        self.conv0 = conv(768, 128, 1)
        self.conv1 = conv(128, 768, 5, padding=0)
        self.avgpool = nn.GlobalAvgPool2d()
        self.fc = nn.Linear(scaled(768, width), num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 768, H, W), of 17 pixels or more, to scores (N, num_classes)."""
        x = self.conv1(self.conv0(self.pool(x)))
        return self.fc(self.avgpool(x).flatten(1))
