"""Cases of the losses: every reduction; labels of images and of pixels, with and without smoothing."""

from typing import Any

import numpy as np

from minicnn.ops.loss import CrossEntropy, L1Loss, MSELoss, SmoothL1Loss
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw

REDUCTIONS = ("mean", "sum", "none")


@case("cross_entropy")
def cross_entropy(draw: Draw) -> Case:
    """N images and K classes; one label per image, or one per place in it."""
    N, K = draw.integer(1, 4), draw.integer(1, 5)
    places = tuple(draw.integer(1, 3) for _ in range(draw.integer(0, 2)))
    labels = np.array([draw.integer(0, K - 1) for _ in np.ndindex(N, *places)], np.int64).reshape(N, *places)
    return kernel_case(
        CrossEntropy,
        {"logits": 2 * draw.array(N, K, *places), "labels": labels},
        label_smoothing=draw.pick([0.0, 0.1, 0.5]), reduction=draw.pick(REDUCTIONS),
    )  # fmt: skip


@case("mse_loss")
def mse_loss(draw: Draw) -> Case:
    """Squares."""
    return difference(MSELoss, draw)


@case("l1_loss")
def l1_loss(draw: Draw) -> Case:
    """Absolute values."""
    return difference(L1Loss, draw)


@case("smooth_l1_loss")
def smooth_l1_loss(draw: Draw) -> Case:
    """Differences on both sides of beta."""
    return difference(SmoothL1Loss, draw, beta=draw.pick([0.5, 1.0, 2.0]))


def difference(function: Any, draw: Draw, **attributes: Any) -> Case:
    """A prediction and a target of the same shape."""
    shape = [draw.integer(1, 4) for _ in range(draw.integer(0, 3))]
    return kernel_case(
        function,
        {"x": draw.array(*shape), "target": draw.array(*shape)},
        **attributes, reduction=draw.pick(REDUCTIONS),
    )  # fmt: skip
