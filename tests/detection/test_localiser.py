"""The localiser: its numbers and the way back, its loss against the formula and by slopes, and eight pictures learned by heart."""

import numpy as np
import pytest

from minicnn import Tensor, manual_seed, tensor
from minicnn.data import DataLoader, Shapes
from minicnn.detection import Boxes, Localiser, Located, found_boxes, iou, localisation_loss, relative_boxes
from minicnn.errors import ArgumentError, ShapeError
from minicnn.optim import Adam
from minicnn.testing import gradcheck

RANDOM = np.random.default_rng(3)
SCORES, FOUND, TRUE = RANDOM.standard_normal((3, 4)), RANDOM.random((3, 4)), RANDOM.random((3, 4))
LABELS = np.array([1, 3, 0])


def test_boxes_in_shares_of_the_picture_and_back():
    pixels = Boxes.from_xyxy([[0, 0, 40, 20], [10, 5, 20, 15]])
    shares = relative_boxes(tensor(pixels.xyxy), height=20, width=40)
    np.testing.assert_allclose(shares.numpy(), [[0.5, 0.5, 1, 1], [0.375, 0.5, 0.25, 0.5]])
    np.testing.assert_allclose(found_boxes(shares, 20, 40).xyxy, pixels.xyxy, atol=1e-5)


def test_a_wild_box_is_cut_to_the_picture():
    found = found_boxes(tensor([[0.5, 0.5, 3.0, 0.5], [0.5, 0.5, -1.0, 0.5]]), 20, 40)
    assert found.xyxy.tolist() == [[0, 5, 40, 15], [20, 5, 20, 15]]


@pytest.mark.parametrize("weight", [0, 1, 20])
def test_the_loss_is_its_formula(weight):
    log_share = SCORES - np.log(np.exp(SCORES).sum(axis=1, keepdims=True))
    expected = -log_share[range(3), LABELS].mean() + weight * ((FOUND - TRUE) ** 2).sum(axis=1).mean()
    loss = localisation_loss(Located(Tensor(SCORES), Tensor(FOUND)), Tensor(LABELS), Tensor(TRUE), weight=weight)
    assert loss.item() == pytest.approx(expected)


def test_the_loss_has_the_right_slope():
    gradcheck(lambda scores, found: localisation_loss(Located(scores, found), Tensor(LABELS), Tensor(TRUE), weight=3), {"scores": SCORES, "found": FOUND})


def test_wrong_arguments_are_named():
    with pytest.raises(ArgumentError, match="localisation_loss: weight"):
        localisation_loss(Located(Tensor(SCORES), Tensor(FOUND)), Tensor(LABELS), Tensor(TRUE), weight=-1)
    with pytest.raises(ShapeError, match=r"boxes must be \(N, 4\), a row \(left, top, right, bottom\)"):
        relative_boxes(tensor([1.0, 2.0, 3.0, 4.0]), 8, 8)
    for size, name in (((0, 8), "height"), ((8, 0), "width")):
        with pytest.raises(ArgumentError, match=f"relative_boxes: {name} must be a number above 0, not 0"):
            relative_boxes(tensor([[1.0, 2.0, 3.0, 4.0]]), *size)


def test_eight_pictures_are_learned_by_heart():
    manual_seed(0)
    model, shapes = Localiser(10, (8, 16, 32), grid=4, hidden=32), Shapes(8, size=24, target="box", clutter=0.2)
    ((images, labels, boxes),) = DataLoader(shapes, 8, seed=0)
    optimizer, wanted = Adam(model.parameters(), lr=0.003), relative_boxes(boxes, 24, 24)
    for _ in range(60):
        optimizer.zero_grad()
        localisation_loss(model(images), labels, wanted).backward()
        optimizer.step()
    outputs = model(images)
    overlaps = np.diag(iou(found_boxes(outputs.boxes, 24, 24), Boxes.from_xyxy(boxes.numpy())))
    assert overlaps.min() > 0.7
    assert outputs.scores.numpy().argmax(axis=1).tolist() == labels.tolist()
