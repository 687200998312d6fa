"""Classification with localisation: what is the one object in the picture, and where is it?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minicnn import checks, nn
from minicnn.autograd import Tensor
from minicnn.detection.boxes import Boxes
from minicnn.detection.trunk import conv_trunk
from minicnn.errors import ShapeError
from minicnn.ops import concatenate, cross_entropy, mse_loss


class Located(NamedTuple):
    """What a localiser says of N pictures.

    Attributes:
        scores: (N, num_classes), before the softmax.
        boxes: (N, 4): the centre's x and y, width and height, in shares of the picture's width and height: see `relative_boxes`.
    """

    scores: Tensor
    boxes: Tensor


class Localiser(nn.Module):
    """One convolutional trunk with two heads: a classifier, and four numbers that say where.

    The class head takes the largest value of each feature map, wherever it is: *what* must not depend on *where*. The box head must know where, so the maps are
    averaged to grid x grid places only, and all of these are the input of two linear layers.

    Args:
        num_classes: size of the class head's output.
        channels: of the trunk, see `conv_trunk`.
        grid: height and width of the maps in front of the box head.
        hidden: units between the box head's two layers.
        in_channels: 3 for colour, 1 for grey pictures.

    Raises:
        ArgumentError: a size is below 1.

    Source:
        P. Sermanet et al. 2014, "OverFeat", sec. 4: a regression network on the features of a classifier.

    Example:
        >>> import minicnn
        >>> scores, boxes = Localiser(10, (8, 16))(minicnn.zeros(2, 3, 32, 32))
        >>> scores.shape, boxes.shape
        ((2, 10), (2, 4))
    """

    def __init__(
        self, num_classes: int = 10, channels: Sequence[int] = (16, 32, 64, 128), *, grid: int = 6, hidden: int = 128, in_channels: int = 3
    ) -> None:
        super().__init__()
        self.trunk = conv_trunk(channels, in_channels)
        scores, box = nn.Linear(channels[-1], num_classes), nn.Linear(hidden, 4)
        scores.weight, box.weight = nn.Parameter(nn.init.normal(scores.weight.shape, 0.01)), nn.Parameter(nn.init.normal(box.weight.shape, 0.001))
        box.bias = nn.Parameter(nn.init.ones((4,)) / 2)  # in the beginning every box is half as wide and high as the picture, in its middle
        self.class_head = nn.Sequential(nn.GlobalMaxPool2d(), nn.Flatten(), scores)
        self.box_head = nn.Sequential(nn.AdaptiveAvgPool2d(grid), nn.Flatten(), nn.Linear(channels[-1] * grid**2, hidden), nn.ReLU(), box)

    def forward(self, x: Tensor) -> Located:
        """(N, in_channels, H, W) to scores (N, num_classes) and boxes (N, 4)."""
        features = self.trunk(x)
        return Located(self.class_head(features), self.box_head(features))


def localisation_loss(outputs: Located, labels: Tensor, boxes: Tensor, *, weight: float = 20.0) -> Tensor:
    """L = L_cls + weight · L_reg: cross-entropy, and the squared distance between the four numbers of the box found and those of the true one.

        L_reg = mean over the pictures of  (cx - cx*)² + (cy - cy*)² + (w - w*)² + (h - h*)²

    The numbers are shares of the picture, so an error of a tenth in each of the four is a loss of 0.04: beside a cross-entropy that starts at log(num_classes) it
    needs a weight to be heard.

    Args:
        outputs: what the network said, scores (N, num_classes) and boxes (N, 4).
        labels: (N,), from 0 to num_classes - 1.
        boxes: (N, 4), as the network is to give them: `relative_boxes`.
        weight: λ, how much a box counts beside a class; 0 trains the classifier alone.

    Raises:
        ShapeError: not as many boxes as the network has given.
        ArgumentError: the weight is negative.

    Example:
        >>> outputs = Located(Tensor([[0.0, 0.0]]), Tensor([[0.5, 0.5, 0.2, 0.2]]))
        >>> round(localisation_loss(outputs, Tensor([1]), Tensor([[0.6, 0.5, 0.2, 0.2]]), weight=10).item(), 3)     # log 2 + 10 · 0.01
        0.793
    """
    weight = checks.number(weight, "localisation_loss: weight", 0)
    scores, found = outputs
    return cross_entropy(scores, labels) + weight * 4 * mse_loss(found, boxes)  # the mean of squares is over four numbers for each picture


def relative_boxes(boxes: Tensor, height: int, width: int) -> Tensor:
    """Left, top, right, bottom in pixels to the centre's x and y, width and height in shares of the picture's: what a localiser is to give.

    A picture's middle is (0.5, 0.5) whatever its size; the whole picture has the width and height 1.

    Shapes:
        boxes: (N, 4), as a loader of `data.Shapes(target="box")` gives them.
        result: (N, 4).

    Raises:
        ShapeError: boxes are not (N, 4).
        ArgumentError: height or width is not above 0.

    Example:
        >>> relative_boxes(Tensor([[8.0, 0.0, 24.0, 16.0]]), height=32, width=32).tolist()
        [[0.5, 0.25, 0.5, 0.5]]
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError(f"relative_boxes: boxes must be (N, 4), a row (left, top, right, bottom) for each picture; boxes are {boxes.shape}")
    for name, side in (("height", height), ("width", width)):
        checks.positive(side, f"relative_boxes: {name}")
    x1, y1, x2, y2 = (boxes[:, i : i + 1] for i in range(4))
    return concatenate([(x1 + x2) / (2 * width), (y1 + y2) / (2 * height), (x2 - x1) / width, (y2 - y1) / height], axis=1)


def found_boxes(numbers: Tensor, height: int, width: int) -> Boxes:
    """The boxes, in pixels, that a localiser means by its numbers (N, 4): the way back from `relative_boxes`.

    What lies outside of the picture is cut off; a negative width or height, which an untrained network may give, becomes 0.

    Example:
        >>> found_boxes(Tensor([[0.5, 0.25, 0.5, 0.5]]), height=32, width=32).xyxy.tolist()
        [[8.0, 0.0, 24.0, 16.0]]
    """
    cx, cy, w, h = numbers.numpy().astype(np.float64).T
    pixels = np.stack([cx * width, cy * height, np.maximum(w, 0) * width, np.maximum(h, 0) * height], axis=1)
    return Boxes.from_cxcywh(pixels).clipped(width, height)
