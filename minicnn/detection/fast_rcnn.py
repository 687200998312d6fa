"""Fast R-CNN: the features of a picture are computed once, and each of many boxes on it is classified and corrected."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minicnn import checks, nn
from minicnn.autograd import Tensor, no_grad
from minicnn.backend import get_backend
from minicnn.detection.boxes import Boxes
from minicnn.detection.deltas import apply_deltas
from minicnn.detection.region_sampling import BACKGROUND
from minicnn.detection.suppression import non_maximum_suppression
from minicnn.detection.trunk import conv_trunk
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.nn.mode import evaluating
from minicnn.ops import cross_entropy, smooth_l1_loss, softmax

POOLING = ("align", "pool")


class RegionOutputs(NamedTuple):
    """What a detector says of K regions.

    Attributes:
        scores: (K, num_classes + 1), before the softmax; the first is that of the background.
        deltas: (K, num_classes, 4): for each class, how the region is to be moved if it is one of that class (see `apply_deltas`).
    """

    scores: Tensor
    deltas: Tensor


class Detections(NamedTuple):
    """What was found in a picture, from the highest score to the lowest.

    Attributes:
        boxes: D of them.
        scores: (D,), probabilities.
        labels: (D,), classes from 0.
    """

    boxes: Boxes
    scores: Array
    labels: Array


class FastRCNN(nn.Module):
    """A convolutional trunk for the whole picture, pooling of each region of interest, and two heads on what is pooled.

    Args:
        num_classes: classes of objects; the background comes on top.
        channels: of the trunk, see `conv_trunk`. Each width after the first halves the maps.
        pooling: "align" for `nn.RoIAlign`, "pool" for `nn.RoIPool`, the paper's.
        bins: each region becomes bins x bins numbers per channel.
        hidden: units of the linear layer under both heads.
        in_channels: 3 for colour, 1 for grey pictures.

    Raises:
        ArgumentError: unknown pooling, or a size below 1.

    Source:
        R. Girshick 2015, "Fast R-CNN", sec. 2 (VGG-16 and bins = 7 there); RoI align: K. He et al. 2017, "Mask R-CNN", sec. 3.

    Example:
        >>> import minicnn
        >>> regions = minicnn.tensor([[0.0, 4, 4, 20, 20], [0.0, 8, 0, 32, 32], [1.0, 0, 0, 16, 16]])     # two of the first picture, one of the second
        >>> scores, deltas = FastRCNN(10, (4, 8))(minicnn.zeros(2, 3, 32, 32), regions)
        >>> scores.shape, deltas.shape
        ((3, 11), (3, 10, 4))
    """

    def __init__(
        self,
        num_classes: int = 10,
        channels: Sequence[int] = (16, 32, 64),
        *,
        pooling: str = "align",
        bins: int = 5,
        hidden: int = 128,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        self.num_classes = checks.integer(num_classes, "FastRCNN: num_classes")
        checks.choice(pooling, "FastRCNN: pooling", POOLING)
        self.trunk = conv_trunk(channels, in_channels)
        scale = 0.5 ** (len(channels) - 1)
        self.pool = nn.RoIAlign(bins, scale, sampling_ratio=2) if pooling == "align" else nn.RoIPool(bins, scale)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(channels[-1] * bins**2, hidden), nn.ReLU())
        self.class_head = nn.Linear(hidden, self.num_classes + 1)
        self.box_head = nn.Linear(hidden, 4 * self.num_classes)
        for head, spread in ((self.class_head, 0.01), (self.box_head, 0.001)):  # the paper's, sec. 2.3: in the beginning, no box is moved
            head.weight = nn.Parameter(nn.init.normal(head.weight.shape, spread))

    def forward(self, images: Tensor, regions: Tensor) -> RegionOutputs:
        """Pictures (N, C, H, W), and regions (K, 5): the number of the picture, then left, top, right, bottom in its pixels (see `join_regions`)."""
        if isinstance(self.pool, nn.RoIPool):
            regions = to_pixels(regions, self.pool.spatial_scale)
        body = self.body(self.pool(self.trunk(images), regions))
        return RegionOutputs(self.class_head(body), self.box_head(body).reshape(-1, self.num_classes, 4))


def to_pixels(regions: Tensor, scale: float) -> Tensor:
    """Regions by their borders to regions by their outermost pixels on the map, which `nn.RoIPool` takes: right and bottom are one pixel of the map less.

    Args:
        regions: (K, 5).
        scale: size of the map over that of the picture.

    Example:
        >>> to_pixels(Tensor([[0.0, 8, 8, 24, 10]]), scale=1 / 4).tolist()        # on the map the columns 2 to 5, and row 2
        [[0.0, 8.0, 8.0, 20.0, 8.0]]
    """
    numbers = regions.data.copy()
    numbers[:, 3:] = array_module(numbers).maximum(numbers[:, 3:] - 1 / scale, numbers[:, 1:3])
    return Tensor.wrap(numbers)


def fast_rcnn_loss(outputs: RegionOutputs, labels: Tensor, deltas: Tensor, *, weight: float = 1.0) -> Tensor:
    """L = L_cls + weight · [u ≥ 1] L_loc: cross-entropy over all regions, smooth L1 over those that are an object's.

    Of the deltas only those of the region's true class u are held against the truth, and none of a region of background (u = 0). Both parts are divided by the number
    of all regions.

    Args:
        outputs: for K regions.
        labels: (K,), 0 for the background, k + 1 for class k.
        deltas: (K, 4), from each region to its true box; whatever they are for background.
        weight: λ.

    Raises:
        ShapeError, ArgumentError: labels and scores do not fit together; the weight is negative.

    Source:
        Girshick 2015, "Fast R-CNN", eq. 1-3.

    Example:
        >>> outputs = RegionOutputs(Tensor([[0.0, 0.0], [0.0, 0.0]]), Tensor([[[0.0, 0.0, 0.0, 0.0]], [[9.0, 9.0, 9.0, 9.0]]]))
        >>> wanted = Tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
        >>> round(fast_rcnn_loss(outputs, Tensor([1, 0]), wanted).item(), 3)      # log 2 + 0.5 / 2; the nines are the background's
        0.943
    """
    weight = checks.number(weight, "fast_rcnn_loss: weight", 0)
    loss = cross_entropy(outputs.scores, labels)
    u = labels.data
    positive = array_module(u).flatnonzero(u != BACKGROUND)
    if len(positive) == 0:
        return loss
    found = outputs.deltas[positive, u[positive] - 1]
    return loss + weight / len(u) * smooth_l1_loss(found, deltas[positive], reduction="sum")


def join_regions(boxes: Sequence[Boxes]) -> Tensor:
    """The regions of several pictures as one tensor (K, 5) on the active backend: the number of the picture, then left, top, right, bottom.

    Example:
        >>> join_regions([Boxes.from_xyxy([0, 0, 4, 4]), Boxes.from_xyxy([[1, 1, 2, 2]])]).tolist()
        [[0.0, 0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 1.0, 2.0, 2.0]]
    """
    rows = [np.concatenate([np.full((len(some), 1), i), some.xyxy], axis=1) for i, some in enumerate(boxes)]
    return Tensor.wrap(get_backend().xp.asarray(np.concatenate(rows), np.float32))


def detect(
    model: FastRCNN, images: Tensor, proposals: Boxes, *, least: float = 0.05, overlap: float = 0.3, most: int = 100
) -> list[Detections]:
    """What a detector finds in each picture, starting from the same proposals in all of them.

    Each proposal is moved by the deltas of each class, and has that class's probability as its score. Of those above `least` that overlap within a class the
    best is kept, and of what is left the `most` best.

    Args:
        model: in evaluation mode meanwhile.
        images: (N, C, H, W).
        proposals: P boxes, one at least, such as `sliding_windows`.
        least: score below which nothing counts as found.
        overlap: intersection over union above which two boxes of a class are of one object; 0.3 in the code of Fast R-CNN.
        most: of each picture.

    Raises:
        ShapeError: images do not have 4 axes.
        ArgumentError: a number is out of range, or there are no proposals.

    Example:
        >>> import minicnn
        >>> from minicnn.detection import sliding_windows
        >>> model, images, windows = FastRCNN(num_classes=3, channels=(4, 8)), minicnn.zeros(1, 3, 32, 32), sliding_windows(32, 32)
        >>> _ = model(images, join_regions([windows]))        # a step in training mode, from which batch norm has its statistics
        >>> found, = detect(model, images, windows, most=5)
        >>> found.boxes.xyxy.shape, found.scores.shape
        ((5, 4), (5,))
    """
    if images.ndim != 4:
        raise ShapeError(f"detect: images must be (N, C, H, W), not {images.shape}")
    checks.fraction(least, "detect: least")
    checks.fraction(overlap, "detect: overlap", include_one=True)
    checks.integer(most, "detect: most")
    if not len(proposals):
        raise ArgumentError("detect: there are no proposals to start from: give it boxes, such as sliding_windows(height, width)")
    N, _, height, width = images.shape
    with evaluating(model), no_grad():
        outputs = model(images, join_regions([proposals] * N))
        scores = softmax(outputs.scores).numpy().reshape(N, len(proposals), -1)
    deltas = outputs.deltas.numpy().reshape(N, len(proposals), -1, 4)
    return [_found(proposals, scores[n], deltas[n], (width, height), (least, overlap, most)) for n in range(N)]


def _found(proposals: Boxes, scores: Array, deltas: Array, size: tuple[int, int], limits: tuple[float, float, int]) -> Detections:
    """Of one picture: scores (P, num_classes + 1), deltas (P, num_classes, 4)."""
    least, overlap, most = limits
    of_objects = scores[:, BACKGROUND + 1 :]
    region, label = np.nonzero(of_objects >= least)
    boxes = apply_deltas(proposals[region], deltas[region, label]).clipped(*size)
    kept = non_maximum_suppression(boxes, of_objects[region, label], overlap, labels=label)[:most]
    return Detections(boxes[kept], of_objects[region, label][kept], label[kept])
