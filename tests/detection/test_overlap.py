"""Intersection over union: against the pixels that boxes cover, and against known figures; boxes that are turned; suppression; average precision."""

import math

import numpy as np
import pytest

from minicnn.detection import (
    Boxes,
    OrientedBoxes,
    average_precision,
    giou,
    iou,
    non_maximum_suppression,
    oriented_iou,
    verdict,
)
from minicnn.detection.oriented import clipped
from minicnn.errors import ArgumentError, ShapeError

RANDOM = np.random.default_rng(4)


def whole_boxes(count):
    corners = RANDOM.integers(0, 20, (count, 2, 2))
    return Boxes.from_xyxy(np.concatenate([corners.min(1), corners.max(1)], axis=1))


def covered(box):
    mask = np.zeros((20, 20), bool)
    left, top, right, bottom = box.xyxy[0].astype(int)
    mask[top:bottom, left:right] = True
    return mask


def test_iou_counts_pixels():
    a, b = whole_boxes(12), whole_boxes(9)
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            union = (covered(one) | covered(other)).sum()
            expected = (covered(one) & covered(other)).sum() / union if union else 0
            assert iou(a, b)[i, j] == pytest.approx(expected)


def test_giou_is_iou_less_what_is_empty_around_both():
    a, b = whole_boxes(12), whole_boxes(9)
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            union = (covered(one) | covered(other)).sum()
            around = np.prod(np.maximum(one.xyxy, other.xyxy)[0, 2:] - np.minimum(one.xyxy, other.xyxy)[0, :2])
            assert giou(a, b)[i, j] == pytest.approx(iou(one, other).item() - ((around - union) / around if around else 0))
    far = [giou(Boxes.from_xyxy([0, 0, 1, 1]), Boxes.from_xyxy([d, 0, d + 1, 1])).item() for d in (1, 2, 5, 100)]
    assert far == sorted(far, reverse=True)
    assert far[-1] > -1


def test_no_boxes_and_flat_ones():
    none, one, flat = Boxes.from_xyxy([]), Boxes.from_xyxy([0, 0, 1, 1]), Boxes.from_xyxy([2, 2, 2, 2])
    assert (iou(none, one).shape, giou(one, none).shape, oriented_iou(OrientedBoxes([]), OrientedBoxes([0, 0, 1, 1, 0])).shape) == ((0, 1), (1, 0), (0, 1))
    assert (iou(flat, flat).item(), giou(flat, flat).item()) == (0, 0)


def test_the_scale_of_the_lecture():
    assert [verdict(v) for v in (1, 0.91, 0.9, 0.71, 0.51, 0.5, 0)] == ["almost perfect"] * 2 + ["pretty good"] * 2 + ["decent"] + ["poor"] * 2


# Turned boxes


def test_without_an_angle_and_by_quarter_turns_they_are_the_same():
    a, b = whole_boxes(8), whole_boxes(6)
    for turn in range(4):
        cxcywh = [boxes.cxcywh[:, [0, 1, 3, 2] if turn % 2 else slice(None)] for boxes in (a, b)]
        turned = [OrientedBoxes(np.c_[numbers, np.full(len(numbers), turn * math.pi / 2)]) for numbers in cxcywh]
        np.testing.assert_allclose(oriented_iou(*turned), iou(a, b), atol=1e-9)
        np.testing.assert_allclose(turned[0].around().xyxy, a.xyxy, atol=1e-9)


def test_turned_boxes_against_points_drawn_at_random():
    numbers = np.c_[RANDOM.uniform(4, 8, (10, 2)), RANDOM.uniform(2, 8, (10, 2)), RANDOM.uniform(-4, 4, 10)]
    points = RANDOM.uniform(-3, 15, (400_000, 2))

    def inside(box):
        x, y, w, h, angle = box
        along = (points - [x, y]) @ [math.cos(angle), math.sin(angle)]
        across = (points - [x, y]) @ [-math.sin(angle), math.cos(angle)]
        return (np.abs(along) < w / 2) & (np.abs(across) < h / 2)

    masks = [inside(box) for box in numbers]
    found = oriented_iou(OrientedBoxes(numbers[:5]), OrientedBoxes(numbers[5:]))
    expected = [[(one & other).sum() / (one | other).sum() for other in masks[5:]] for one in masks[:5]]
    np.testing.assert_allclose(found, expected, atol=0.01)
    assert np.ptp(expected) > 0.3


def test_turning_and_moving_both_changes_nothing():
    a, b = [2, 1, 5, 2, 0.3], [3, 2, 4, 3, 1.1]
    before = oriented_iou(OrientedBoxes(a), OrientedBoxes(b)).item()
    for angle, shift in ((0.7, 0), (2.0, 1e6)):
        cos, sin = math.cos(angle), math.sin(angle)
        moved = [OrientedBoxes([cos * x - sin * y + shift, sin * x + cos * y, w, h, t + angle]) for x, y, w, h, t in (a, b)]
        assert oriented_iou(*moved).item() == pytest.approx(before, rel=1e-6)
    assert oriented_iou(OrientedBoxes(a), OrientedBoxes(a)).item() == pytest.approx(1)
    assert 0.1 < before < 0.9


def test_turned_boxes_without_area_overlap_nothing():
    boxes = OrientedBoxes(np.c_[RANDOM.uniform(-200, 200, (40, 2)), RANDOM.uniform(0, 90, (40, 2)), RANDOM.uniform(-4, 4, 40)])
    for flat in ([100, 100, 0, 0, 0.3], [0, 0, 50, 0, 0.3]):
        np.testing.assert_array_equal(oriented_iou(boxes, OrientedBoxes(flat)), 0)
        np.testing.assert_array_equal(oriented_iou(OrientedBoxes(flat), boxes), 0)


def test_clipping():
    triangle, window = np.array([[0, 0], [4, 0], [0, 4]]), np.array([[1, 1], [9, 1], [9, 9], [1, 9]])
    assert sorted(map(tuple, clipped(triangle, window).tolist())) == [(1, 1), (1, 3), (3, 1)]
    assert clipped(triangle, window + 20).shape == (0, 2)


# Suppression


def test_one_box_of_each_heap_is_kept_the_best_first():
    heaps = [np.array([x, 0, x + 20, 20]) + np.arange(3)[:, None] for x in (0, 100)]
    boxes, scores = Boxes.from_xyxy(np.concatenate(heaps)), [0.1, 0.3, 0.2, 0.5, 0.4, 0.6]
    assert non_maximum_suppression(boxes, scores).tolist() == [5, 1]
    assert non_maximum_suppression(boxes, scores, 1.0).tolist() == [5, 3, 4, 1, 2, 0]
    assert non_maximum_suppression(boxes, scores, labels=[0, 1, 0, 0, 0, 1]).tolist() == [5, 3, 1, 2]
    assert non_maximum_suppression(boxes, [1] * 6).tolist() == [0, 3]
    assert non_maximum_suppression(Boxes.from_xyxy([]), []).tolist() == []


def test_what_was_dropped_drops_nothing():
    """The middle box overlaps both others, which do not overlap each other enough."""
    chain = Boxes.from_xyxy([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    assert non_maximum_suppression(chain, [0.9, 0.8, 0.7], 0.4).tolist() == [0, 2]


# Average precision

FIRST, SECOND = Boxes.from_xyxy([[0, 0, 10, 10], [20, 0, 30, 10]]), Boxes.from_xyxy([0, 0, 10, 10])
NOTHING = (Boxes.from_xyxy([]), [])


def test_all_found_is_one_and_nothing_found_is_zero():
    assert average_precision([(FIRST, [0.1, 0.2]), (SECOND, [0.9])], [FIRST, SECOND]).value == 1
    assert average_precision([NOTHING, NOTHING], [FIRST, SECOND]).value == 0
    for detections in (NOTHING, (FIRST, [0.3, 0.2])):
        assert math.isnan(average_precision([detections], [NOTHING[0]]).value)


def test_by_hand():
    """Right, wrong, right, wrong of three true boxes: 1/3 · 1 + 1/3 · 2/3."""
    detections = [(Boxes.from_xyxy([[0, 0, 10, 10], [40, 0, 50, 10], [20, 0, 30, 9]]), [0.9, 0.8, 0.7]), (Boxes.from_xyxy([50, 0, 60, 10]), [0.6])]
    result = average_precision(detections, [FIRST, SECOND])
    np.testing.assert_allclose(result.precision, [1, 1 / 2, 2 / 3, 2 / 4])
    np.testing.assert_allclose(result.recall, [1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert result.scores.tolist() == [0.9, 0.8, 0.7, 0.6]
    assert result.value == pytest.approx(1 / 3 + 2 / 9)
    assert average_precision(detections, [FIRST, SECOND], 0.95).value == pytest.approx(1 / 3)


def test_a_second_detection_of_a_box_is_wrong_and_a_late_mistake_costs_nothing():
    twice = Boxes.from_xyxy([[0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10]])
    assert average_precision([(twice, [0.9, 0.8, 0.7])], [FIRST]).value == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([(twice, [0.9, 0.1, 0.7])], [FIRST]).value == 1


def test_precision_counts_the_best_from_there_on():
    """Wrong, right, right: at both recalls it is 2/3, though it was 1/2 at the first."""
    found = Boxes.from_xyxy([[40, 0, 50, 10], [0, 0, 10, 10], [20, 0, 30, 10]])
    assert average_precision([(found, [0.9, 0.8, 0.7])], [FIRST]).value == pytest.approx(2 / 3)


def test_an_overlap_of_just_the_threshold_is_right():
    half = Boxes.from_xyxy([0, 0, 10, 5])
    assert average_precision([(half, [1])], [SECOND]).value == 1
    assert average_precision([(half, [1])], [SECOND], 0.51).value == 0


def test_the_order_is_by_score_over_all_images():
    """The second image has the best detection, which is right, and the first a wrong one below it."""
    wrong, right = (Boxes.from_xyxy([40, 0, 50, 10]), [0.5]), (SECOND, [0.9])
    assert average_precision([wrong, right], [NOTHING[0], SECOND]).value == 1
    assert average_precision([wrong, right], [NOTHING[0], SECOND]).scores.tolist() == [0.9, 0.5]


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: non_maximum_suppression(FIRST, [1]), ShapeError, r"scores must be \(2,\), one for each box, not \(1,\)"),
        (lambda: non_maximum_suppression(FIRST, [1, np.nan]), ArgumentError, "the score of box 1 is NaN"),
        (lambda: non_maximum_suppression(FIRST, [1, 2], 1.5), ArgumentError, "threshold must be a number from 0 to 1"),
        (lambda: average_precision([], [], 0), ArgumentError, "average_precision: threshold must be above 0"),
        (lambda: average_precision([], [FIRST]), ShapeError, "detections are for 0 images, true boxes for 1"),
        (lambda: average_precision([(FIRST, [1])], [FIRST]), ShapeError, r"image 0 has 2 boxes, but scores of shape \(1,\)"),
        (lambda: average_precision([(FIRST, [1, np.nan])], [FIRST]), ArgumentError, "image 0 has a score that is NaN"),
        (lambda: iou(np.zeros((2, 4)), FIRST), ArgumentError, r"iou and giou take Boxes, not ndarray: .* Boxes\.from_xyxy"),
        (lambda: giou(FIRST, [[0, 0, 1, 1]]), ArgumentError, r"iou and giou take Boxes, not list: .* Boxes\.from_xyxy"),
        (lambda: OrientedBoxes([0, 0, 1, 1]), ShapeError, "five numbers make a box"),
        (lambda: OrientedBoxes([[1, 2], [3]]), ShapeError, r"needs numbers \(N, 5\)"),
        (lambda: OrientedBoxes([0, 0, 1, -1, 0]), ArgumentError, r"box 0 is \(0, 0, 1, -1, 0\): width and height, the third and fourth, must not be negative"),
    ],
)
def test_messages(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()
