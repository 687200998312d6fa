"""Where a detector is to look: windows all over the picture; in training, boxes near the true ones as well."""

from collections.abc import Sequence

import numpy as np

from minicnn import checks
from minicnn.detection.boxes import Boxes
from minicnn.errors import ArgumentError

SCALES, ASPECTS = (0.25, 0.38, 0.58), (0.5, 1.0, 2.0)


def sliding_windows(height: int, width: int, scales: Sequence[float] = SCALES, aspects: Sequence[float] = ASPECTS, step: float = 0.25) -> Boxes:
    """Windows of several sizes and shapes, slid over the picture: the simplest proposals there are.

    Nothing looks at the picture for this. Fast R-CNN took its boxes from selective search, Faster R-CNN learns to propose them.

    Args:
        height, width: of the picture, in pixels.
        scales: square roots of the windows' areas, in shares of the picture's shorter side.
        aspects: width over height. All windows of one scale have the same area, except those that are cut, for they would be wider or higher than the picture.
        step: from one window to the next at most, in shares of the window's width or height; the outermost touch the picture's border.

    Raises:
        ArgumentError: a number is not above 0, or there is no scale or no aspect.

    Example:
        >>> sliding_windows(32, 32, scales=[0.5], aspects=[1], step=0.5).xyxy[:3].tolist()
        [[0.0, 0.0, 16.0, 16.0], [8.0, 0.0, 24.0, 16.0], [16.0, 0.0, 32.0, 16.0]]
    """
    step = checks.positive(step, "sliding_windows: step")
    height, width = checks.integer(height, "sliding_windows: height"), checks.integer(width, "sliding_windows: width")
    if not len(scales) or not len(aspects):
        raise ArgumentError("sliding_windows: there are no windows without a scale and an aspect: give one of each at least")
    windows = []
    for scale in scales:
        side = checks.positive(scale, "sliding_windows: scales") * min(height, width)
        for aspect in aspects:
            stretch = checks.positive(aspect, "sliding_windows: aspects") ** 0.5
            w, h = min(side * stretch, width), min(side / stretch, height)
            y, x = np.meshgrid(_starts(height, h, step), _starts(width, w, step), indexing="ij")
            windows.append(np.stack([x, y, np.full_like(x, w), np.full_like(x, h)], axis=-1).reshape(-1, 4))
    return Boxes.from_xywh(np.concatenate(windows))


def _starts(length: float, window: float, step: float) -> np.ndarray:
    """Where windows begin along one side: evenly, from one border to the other."""
    count = int(np.ceil((length - window) / (step * window))) + 1
    return np.linspace(0, length - window, count)


def jittered(boxes: Boxes, count: int, rng: np.random.Generator, amount: float = 0.2, *, size: tuple[int, int] | None = None) -> Boxes:
    """`count` boxes near each of `boxes`: shifted by up to `amount` of its size, and up to exp(amount) times as large or as small.

    They are for training: few windows happen to lie well on a figure, and the regression needs boxes to correct.

    Args:
        boxes: n true boxes.
        count: near each of them.
        rng: draws.
        amount: from 0, which moves nothing.
        size: height and width of the picture, if what lies outside of it is to be cut off.

    Raises:
        ArgumentError: `count` is below 1, or a number is negative.

    Example:
        >>> near = jittered(Boxes.from_xyxy([10, 10, 20, 20]), 3, np.random.default_rng(0))
        >>> len(near), bool((abs(near.cxcywh[:, :2] - 15) <= 2).all())
        (3, True)
    """
    repeated = np.repeat(boxes.cxcywh, checks.integer(count, "jittered: count"), axis=0)
    amount = checks.number(amount, "jittered: amount", 0)
    moves = rng.uniform(-amount, amount, repeated.shape)
    centre, sides = repeated[:, :2] + repeated[:, 2:] * moves[:, :2], repeated[:, 2:] * np.exp(moves[:, 2:])
    near = Boxes.from_cxcywh(np.concatenate([centre, sides], axis=1))
    return near if size is None else near.clipped(width=size[1], height=size[0])
