"""The layers that pool regions of interest. They learn nothing, and take two inputs: feature maps, and boxes on them."""

from collections.abc import Sequence

from minicnn.autograd import Tensor
from minicnn.nn.module import Module
from minicnn.ops import checks, roi_align, roi_pool


class RoIPool(Module):
    """The largest pixel of each of P x Q bins of each box. See `minicnn.ops.roi_pool`.

    Raises:
        ArgumentError: `output_size` is below 1 or no integer, or `spatial_scale` is not above 0.

    Example:
        >>> import minicnn
        >>> boxes = minicnn.tensor([[0.0, 16, 16, 240, 128], [0.0, 0, 0, 64, 64]])        # of an image of 800 x 608
        >>> RoIPool(7, spatial_scale=1 / 16)(minicnn.zeros(1, 512, 38, 50), boxes).shape        # Fast R-CNN on VGG-16
        (2, 512, 7, 7)
    """

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float = 1.0) -> None:
        super().__init__()
        self.output_size = checks.pair(output_size, "RoIPool: output_size")
        self.spatial_scale = checks.positive(spatial_scale, "RoIPool: spatial_scale")

    def forward(self, x: Tensor, boxes: Tensor) -> Tensor:
        """(N, C, H, W) and (K, 5) to (K, C, P, Q)."""
        return roi_pool(x, boxes, self.output_size, self.spatial_scale)

    def extra_repr(self) -> str:
        return self.describe(output_size=(self.output_size, None), spatial_scale=(self.spatial_scale, 1.0))


class RoIAlign(Module):
    """The mean of interpolated points in each of P x Q bins of each box. See `minicnn.ops.roi_align`.

    Raises:
        ArgumentError: an attribute is out of range.

    Example:
        >>> import minicnn
        >>> boxes = minicnn.tensor([[0.0, 16, 16, 240, 128], [0.0, 0, 0, 64, 64]])
        >>> RoIAlign(14, spatial_scale=1 / 16, sampling_ratio=2)(minicnn.zeros(1, 256, 38, 50), boxes).shape
        (2, 256, 14, 14)
    """

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float = 1.0, sampling_ratio: int = -1, aligned: bool = True) -> None:
        super().__init__()
        self.output_size = checks.pair(output_size, "RoIAlign: output_size")
        self.spatial_scale = checks.positive(spatial_scale, "RoIAlign: spatial_scale")
        self.sampling_ratio = checks.integer(sampling_ratio, "RoIAlign: sampling_ratio", least=-1)
        self.aligned = checks.flag(aligned, "RoIAlign: aligned")

    def forward(self, x: Tensor, boxes: Tensor) -> Tensor:
        """(N, C, H, W) and (K, 5) to (K, C, P, Q)."""
        return roi_align(x, boxes, self.output_size, self.spatial_scale, self.sampling_ratio, aligned=self.aligned)

    def extra_repr(self) -> str:
        return self.describe(
            output_size=(self.output_size, None), spatial_scale=(self.spatial_scale, 1.0),
            sampling_ratio=(self.sampling_ratio, -1), aligned=(self.aligned, True),
        )  # fmt: skip
