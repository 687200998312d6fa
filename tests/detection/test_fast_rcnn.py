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


def found_of(boxes, scores, size=(40, 40), **options):
    """What is found from boxes that stay where they are, with one score for each of two classes."""
    answers = np.log(np.concatenate([1 - np.sum(scores, axis=1, keepdims=True), scores], axis=1))
    (found,) = detect(Given(answers, np.zeros((len(scores), 2, 4))), Tensor(np.zeros((1, 3, *size))), Boxes.from_xyxy(boxes), **options)
    return found


def test_a_crowd_of_windows_on_one_object_hides_no_other():
    crowd = [[0, 0, 10 + i / 100, 10] for i in range(150)]
    found = found_of([*crowd, [20, 20, 30, 30]], np.array([[0.8, 0.01]] * 150 + [[0.6, 0.01]]))
    assert found.scores == pytest.approx([0.8, 0.6])
    apart = found_of([[10 * i, 0, 10 * i + 9, 9] for i in range(4)], np.array([[0.5, 0.01], [0.8, 0.01], [0.6, 0.01], [0.7, 0.01]]), most=2)
    assert apart.scores == pytest.approx([0.8, 0.7])


def test_boxes_of_different_classes_do_not_drop_each_other():
    found = found_of([[0, 0, 10, 10], [0, 0, 10, 10]], np.array([[0.5, 0.04], [0.04, 0.6]]))
    assert found.labels.tolist() == [1, 0]


def test_boxes_end_where_the_picture_ends():
    found = found_of([[-5, -5, 60, 60]], np.array([[0.8, 0.01]]), size=(20, 50))  # 50 wide, 20 high
    assert found.boxes.xyxy.tolist() == [[0, 0, 50, 20]]


def test_detection_is_in_evaluation_mode_and_the_mode_comes_back():
    model, modes = FastRCNN(2, (4, 8), bins=2, hidden=8), []
    model(Tensor(np.ones((1, 3, 16, 16), np.float32)), join_regions([Boxes.from_xyxy([0, 0, 8, 8])]))
    model.trunk.register_forward_hook(lambda trunk, given, y: modes.append(trunk.training))
    detect(model, Tensor(np.ones((1, 3, 16, 16), np.float32)), sliding_windows(16, 16))
    assert modes == [False]
    assert all(module.training for module in model.modules())


class Columns(nn.Module):
    """A map whose pixels are the numbers of their columns, a quarter as large as the picture."""

    def forward(self, x):
        return Tensor(np.broadcast_to(np.arange(8, dtype=np.float32), (len(x), 4, 8, 8)).copy())


@pytest.mark.parametrize(("pooling", "kind", "values"), [("pool", nn.RoIPool, [3, 5]), ("align", nn.RoIAlign, [2.5, 4.5])])
def test_a_region_is_pooled_between_its_borders(pooling, kind, values):
    """From 8 to 24 at a quarter: the columns 2, 3, 4 and 5, of which each bin has two."""
    model, pooled = FastRCNN(2, (2, 2, 4), pooling=pooling, bins=2, hidden=3), []
    assert (type(model.pool), model.pool.spatial_scale) == (kind, 1 / 4)
    assert getattr(model.pool, "aligned", True)
    model.trunk = Columns()
    model.pool.register_forward_hook(lambda layer, given, y: pooled.append(y.numpy()[0, 0]))
    model(Tensor(np.zeros((1, 3, 32, 32), np.float32)), join_regions([Boxes.from_xyxy([8, 8, 24, 24])]))
    np.testing.assert_allclose(pooled[0], [values, values], rtol=1e-6)


def test_wrong_arguments_are_named():
    with pytest.raises(ArgumentError, match="FastRCNN: pooling must be one of"):
        FastRCNN(pooling="max")
    with pytest.raises(ShapeError, match=r"images must be \(N, C, H, W\), not \(3, 8, 8\)"):
        detect(FastRCNN(), Tensor(np.zeros((3, 8, 8))), sliding_windows(8, 8))
    for most in (-1, 1.5):
        with pytest.raises(ArgumentError, match=f"detect: most must be an integer >= 1, not {most}"):
            detect(FastRCNN(), Tensor(np.zeros((1, 3, 8, 8))), sliding_windows(8, 8), most=most)
    with pytest.raises(ArgumentError, match="detect: there are no proposals to start from"):
        detect(FastRCNN(), Tensor(np.zeros((1, 3, 8, 8))), Boxes.from_xyxy([]))


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
