"""The block of ResNeXt in its three forms, which compute the same (Xie et al. 2017, fig. 3)."""

from collections.abc import Mapping

import numpy as np

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import choice
from minicnn.kernels.types import Array
from minicnn.models.residual_block import NormalisedBlock, group_width, make_shortcut
from minicnn.ops import concatenate


class Path(nn.Module):
    """One of the paths of a block: a 1x1 convolution to a few channels, and a 3x3 convolution among these.

    Args:
        in_channels: of the input, all of which every path sees.
        width: d, channels of the path.
        stride: of the 3x3 convolution.

    Source:
        Xie et al. 2017, fig. 3 (b).
    """

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, width, H/stride, W/stride)."""
        x = nn.norm_relu(self.bn1, self.conv1(x))
        return nn.norm_relu(self.bn2, self.conv2(x))


class SplitTransformSum(NormalisedBlock):
    """Form (a), the idea: every path ends with a 1x1 convolution to all channels, and the results are added.

              x ─────────┬── ... ──┬──────────┐
              │          │         │          │
           1x1, d     1x1, d    1x1, d        │
           3x3, d     3x3, d    3x3, d        │ shortcut
           1x1, 4c    1x1, 4c   1x1, 4c       │
              │          │         │          │
              + ◄────────┴── ... ──┘          │
             BN                               │
              + ◄─────────────────────────────┘
            ReLU

    The last batch norm is after the sum: it is no linear function of a single path. (The paper, section 4.)

    Args:
        in_channels: of the input.
        channels: c; the output has 4c.
        stride: of the 3x3 convolutions.
        cardinality: number of paths.
        base_width: a path has d = channels · base_width / 64 channels.

    Source:
        Xie et al. 2017, fig. 3 (a); eq. 2 and 3.

    Example:
        >>> import minicnn
        >>> SplitTransformSum(32, 16, cardinality=4, base_width=8)(minicnn.ones(2, 32, 7, 7)).shape
        (2, 64, 7, 7)
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, *, cardinality: int = 32, base_width: int = 4) -> None:
        super().__init__()
        d, self.out_channels = group_width(channels, base_width), 4 * channels
        self.paths = nn.ModuleList(Path(in_channels, d, stride) for _ in range(cardinality))
        self.conv3 = nn.ModuleList(nn.Conv2d(d, self.out_channels, 1, bias=False) for _ in range(cardinality))
        self.bn3 = nn.BatchNorm2d(self.out_channels)
        self.downsample = make_shortcut("B", in_channels, self.out_channels, stride)

    def convolutions(self, x: Tensor) -> Tensor:
        """F(x) without the last batch norm."""
        first, *others = [restore(path(x)) for path, restore in zip(self.paths, self.conv3, strict=True)]
        return sum(others, start=first)

    def last_norm(self) -> nn.Module:
        """That of the sum."""
        return self.bn3


class SplitTransformConcatenate(NormalisedBlock):
    """Form (b), like an Inception module of equal paths: they are joined, and *one* 1x1 convolution goes on to all channels.

              x ─────────┬── ... ──┬──────────┐
              │          │         │          │
           1x1, d     1x1, d    1x1, d        │
           3x3, d     3x3, d    3x3, d        │ shortcut
              │          │         │          │
         concatenate ◄───┴── ... ──┘          │
          1x1, 4c, BN                         │
              + ◄─────────────────────────────┘
            ReLU

    The same as (a): to multiply the joined channels by a matrix is to multiply each part by its columns, and to add.

    Args:
        in_channels: of the input.
        channels: c; the output has 4c.
        stride: of the 3x3 convolutions.
        cardinality: number of paths.
        base_width: a path has d = channels · base_width / 64 channels.

    Source:
        Xie et al. 2017, fig. 3 (b).

    Example:
        >>> import minicnn
        >>> SplitTransformConcatenate(32, 16, cardinality=4, base_width=8)(minicnn.ones(2, 32, 7, 7)).shape
        (2, 64, 7, 7)
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, *, cardinality: int = 32, base_width: int = 4) -> None:
        super().__init__()
        d, self.out_channels = group_width(channels, base_width), 4 * channels
        self.paths = nn.ModuleList(Path(in_channels, d, stride) for _ in range(cardinality))
        self.conv3 = nn.Conv2d(cardinality * d, self.out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(self.out_channels)
        self.downsample = make_shortcut("B", in_channels, self.out_channels, stride)

    def convolutions(self, x: Tensor) -> Tensor:
        """F(x) without the last batch norm."""
        return self.conv3(concatenate([path(x) for path in self.paths], axis=1))

    def last_norm(self) -> nn.Module:
        """That of the last convolution."""
        return self.bn3


def split_paths(state: Mapping[str, Array], cardinality: int, form: str) -> dict[str, Array]:
    """What form (c) has in one piece, the way forms (a) and (b) have it: in `cardinality` parts.

    Form (c) is `Bottleneck(..., groups=cardinality)`. Path i owns the i-th part of the first 1x1 convolution's filters, the i-th
    group of the 3x3 convolution, and, in form (a), the columns of the last 1x1 convolution that meet its channels.

    Args:
        state: the state dict of form (c), or its gradients by the same names.
        cardinality: number of paths.
        form: "a", for `SplitTransformSum`, or "b", for `SplitTransformConcatenate`.

    Returns:
        The state dict of that form, or its gradients.

    Raises:
        ArgumentError: there is no such form.

    Example:
        >>> from minicnn.models.residual_block import Bottleneck
        >>> grouped = Bottleneck(32, 16, groups=4, base_width=8)
        >>> split = SplitTransformSum(32, 16, cardinality=4, base_width=8)
        >>> split.load_state_dict(split_paths(grouped.state_dict(), 4, "a"))
    """
    choice(form, "split_paths: form", ("a", "b"))
    parts: dict[str, Array] = {}
    for name, value in state.items():
        layer, _, rest = name.partition(".")
        if layer in ("conv1", "bn1", "conv2", "bn2"):
            pieces = np.split(value, cardinality) if value.ndim else [value] * cardinality  # the counter of batches is a single number
            parts |= {f"paths.{i}.{name}": piece for i, piece in enumerate(pieces)}
        elif layer == "conv3" and form == "a":
            parts |= {f"conv3.{i}.{rest}": piece for i, piece in enumerate(np.split(value, cardinality, axis=1))}
        else:
            parts[name] = value
    return parts
