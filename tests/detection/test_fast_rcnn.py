"""Fast R-CNN: its loss by hand and by slopes, what is made of its outputs, and a few pictures learned by heart."""

import numpy as np
import pytest

from minicnn import Tensor, manual_seed, nn
from minicnn.data import Shapes, collate_boxes
from minicnn.detection import (
    Boxes,
    FastRCNN,
    RegionOutputs,
    box_deltas,
    detect,
    fast_rcnn_loss,
    iou,
    jittered,
    join_regions,
    sample_regions,
    sliding_windows,
)
from minicnn.errors import ArgumentError, ShapeError
from minicnn.optim import Adam
from minicnn.testing import gradcheck

RANDOM = np.random.default_rng(5)
SCORES, DELTAS, WANTED = RANDOM.standard_normal((4, 3)), 2 * RANDOM.standard_normal((4, 2, 4)), RANDOM.standard_normal((4, 4))
LABELS = np.array([0, 2, 1, 0])


def loss(scores, deltas, labels=LABELS, **options):
    return fast_rcnn_loss(RegionOutputs(scores, deltas), Tensor(labels), Tensor(WANTED), **options)


def test_the_loss_is_its_formula():
    log_share = SCORES - np.log(np.exp(SCORES).sum(axis=1, keepdims=True))
    expected = -log_share[range(4), LABELS].sum()
    for region, label in ((1, 2), (2, 1)):  # class 1 has the first deltas
        far = np.abs(DELTAS[region, label - 1] - WANTED[region])
        expected += 3 * np.where(far < 1, far**2 / 2, far - 0.5).sum()
    assert loss(Tensor(SCORES), Tensor(DELTAS), weight=3).item() == pytest.approx(expected / 4)


def test_the_loss_has_the_right_slope():
    gradcheck(loss, {"scores": SCORES, "deltas": DELTAS})


def test_background_has_no_deltas_to_learn():
    deltas = Tensor(DELTAS, requires_grad=True)
    loss(Tensor(SCORES), deltas).backward()
    moved = np.abs(deltas.grad.numpy()).sum(axis=2) > 0
    assert moved.tolist() == [[False, False], [False, True], [True, False], [False, False]]
    nothing = loss(Tensor(SCORES), Tensor(DELTAS), np.zeros(4, int)).item()
    assert nothing == loss(Tensor(SCORES), Tensor(DELTAS), np.zeros(4, int), weight=0).item()


class Given(nn.Module):
    """Answers as it is told."""

    def __init__(self, scores, deltas):
        super().__init__()
        self.answers = RegionOutputs(Tensor(scores), Tensor(deltas))

    def forward(self, images, regions):
        return self.answers


def test_the_said_class_moves_the_box():
    proposals, truth = Boxes.from_xyxy([[0, 0, 10, 10], [20, 20, 30, 30]]), Boxes.from_xyxy([2, 1, 12, 13])
    deltas = np.zeros((2, 2, 4))
    deltas[0, 1] = box_deltas(proposals[0], truth)
    deltas[0, 0] = 5
    sure_of_the_second, nothing = [0.0, 0.0, 9.0], [9.0, 0.0, 0.0]
    (found,) = detect(Given(np.array([sure_of_the_second, nothing]), deltas), Tensor(np.zeros((1, 3, 40, 40))), proposals)
    assert found.labels.tolist() == [1]
    np.testing.assert_allclose(found.boxes.xyxy, truth.xyxy, atol=1e-6)
    assert found.scores[0] == pytest.approx(1, abs=1e-3)


def test_every_picture_gets_its_own_and_one_of_a_heap_is_kept():
    proposals = Boxes.from_xyxy([[0, 0, 10, 10], [0, 1, 10, 11], [20, 20, 30, 30]])
    scores = np.array([[0, 3, 0], [0, 4, 0], [9, 0, 0], [9, 0, 0], [9, 0, 0], [0, 0, 5]], float)
    first, second = detect(Given(scores, np.zeros((6, 2, 4))), Tensor(np.zeros((2, 3, 40, 40))), proposals)
    assert (first.boxes.xyxy.tolist(), first.labels.tolist()) == ([[0, 1, 10, 11]], [0])
    assert (second.boxes.xyxy.tolist(), second.labels.tolist()) == ([[20, 20, 30, 30]], [1])


def test_wrong_arguments_are_named():
    with pytest.raises(ArgumentError, match="FastRCNN: pooling must be one of"):
        FastRCNN(pooling="max")
    with pytest.raises(ShapeError, match=r"images must be \(N, C, H, W\), not \(3, 8, 8\)"):
        detect(FastRCNN(), Tensor(np.zeros((3, 8, 8))), sliding_windows(8, 8))


def test_four_pictures_are_learned_by_heart():
    manual_seed(0)
    shapes = Shapes(4, size=32, target="boxes", objects=2, clutter=0.2, occlusion=0)
    images, labels, boxes = collate_boxes(list(shapes))
    model, true, rng = FastRCNN(10, (8, 16, 16), bins=3, hidden=64), [Boxes.from_xyxy(b) for b in boxes], np.random.default_rng(0)
    optimizer, windows = Adam(model.parameters(), lr=0.01), sliding_windows(32, 32, step=0.5)
    for _ in range(100):
        candidates = [Boxes.from_xyxy(np.concatenate([windows.xyxy, jittered(some, 8, rng).xyxy])) for some in true]
        drawn = [sample_regions(*given, rng, count=24) for given in zip(candidates, labels, true, strict=True)]
        outputs = model(Tensor(images), join_regions([regions.boxes for regions in drawn]))
        optimizer.zero_grad()
        wanted = (Tensor(np.concatenate([regions.labels for regions in drawn])), Tensor(np.concatenate([regions.deltas for regions in drawn])))
        fast_rcnn_loss(outputs, *wanted).backward()
        optimizer.step()
    for found, some, classes in zip(detect(model, Tensor(images), windows), true, labels, strict=True):
        best = iou(some, found.boxes).argmax(axis=1)
        assert iou(some, found.boxes).max(axis=1).min() > 0.6
        assert found.labels[best].tolist() == classes.tolist()
