"""From proposals to true boxes and back; where proposals come from; which of them are trained on."""

import numpy as np
import pytest

from minicnn.detection import Boxes, apply_deltas, box_deltas, iou, jittered, sample_regions, sliding_windows
from minicnn.detection.deltas import SPREAD
from minicnn.errors import ArgumentError, ShapeError


def some_boxes(count, seed):
    return Boxes.from_xywh(np.random.default_rng(seed).uniform(1, 40, (count, 4)))


def test_there_and_back():
    proposals, truths = some_boxes(50, 0), some_boxes(50, 1)
    np.testing.assert_allclose(apply_deltas(proposals, box_deltas(proposals, truths)).xyxy, truths.xyxy, atol=1e-9)


def test_deltas_are_those_of_the_paper():
    """Appendix C with numbers: half a width to the right, a fifth of the height up, twice as wide, half as high."""
    deltas = box_deltas(Boxes.from_cxcywh([20, 30, 8, 10]), Boxes.from_cxcywh([24, 28, 16, 5]))
    np.testing.assert_allclose(deltas * SPREAD, [[0.5, -0.2, np.log(2), -np.log(2)]])


def test_shifts_move_the_centre_not_the_corner():
    wider = apply_deltas(Boxes.from_cxcywh([20, 30, 8, 10]), np.array([[0, 0, np.log(3), 0]]) / SPREAD)
    np.testing.assert_allclose(wider.cxcywh, [[20, 30, 24, 10]])


def test_wild_deltas_stay_finite():
    assert np.isfinite(apply_deltas(Boxes.from_xyxy([0, 0, 1, 1]), np.full((1, 4), 1e6)).xyxy).all()


def test_boxes_without_a_size_or_a_partner_are_refused():
    with pytest.raises(ShapeError, match="there are 2 proposals, but 1 true boxes"):
        box_deltas(some_boxes(2, 0), some_boxes(1, 0))
    with pytest.raises(ArgumentError, match="needs a width and a height above 0"):
        box_deltas(Boxes.from_xyxy([0, 0, 1, 0]), some_boxes(1, 0))
    with pytest.raises(ShapeError, match=r"2 proposals need deltas \(2, 4\), not \(1, 4\)"):
        apply_deltas(some_boxes(2, 0), np.zeros((1, 4)))


def test_windows_cover_the_picture_and_do_not_leave_it():
    windows = sliding_windows(48, 64)
    assert (windows.xyxy.min(axis=0)[:2].tolist(), windows.xyxy.max(axis=0)[2:].tolist()) == ([0, 0], [64, 48])
    square = sliding_windows(40, 40, scales=[0.5], aspects=[1], step=0.5)
    assert square.xywh.tolist() == [[x, y, 20, 20] for y in (0, 10, 20) for x in (0, 10, 20)]
    wide = sliding_windows(40, 40, scales=[0.5], aspects=[4], step=1)
    assert wide.xywh.tolist() == [[0, y, 40, 10] for y in (0, 10, 20, 30)]


def test_jittered_boxes_stay_near():
    true = Boxes.from_xyxy([[10, 10, 30, 20], [100, 100, 140, 150]])
    near = jittered(true, 20, np.random.default_rng(0))
    assert len(near) == 40
    assert (iou(near[:20], true)[:, 0] > 0.35).all()
    assert (iou(near[20:], true)[:, 1] > 0.35).all()
    assert (iou(near, true).max(axis=1) < 1).all()


def test_jittered_boxes_are_cut_to_a_picture_whose_size_is_known():
    near = jittered(Boxes.from_xyxy([0, 0, 40, 20]), 50, np.random.default_rng(0), size=(20, 40))
    assert (near.xyxy.min(axis=0)[:2].tolist(), near.xyxy.max(axis=0)[2:].tolist()) == ([0, 0], [40, 20])


def test_impossible_proposals_are_refused():
    with pytest.raises(ArgumentError, match="jittered: amount must be a finite number >= 0, not -1"):
        jittered(some_boxes(1, 0), 2, np.random.default_rng(0), amount=-1)
    with pytest.raises(ArgumentError, match="there are no windows without a scale and an aspect"):
        sliding_windows(8, 8, scales=[])


TRUE = Boxes.from_xyxy([[0, 0, 10, 10], [20, 0, 30, 10]])
CASES = {  # a proposal, and the label it is to get: with classes 4 and 7 of the true boxes
    "on the first": ([0, 0, 10, 10], 5),
    "half of the first": ([0, 0, 10, 5], 5),
    "on the second": ([20, 0, 30, 9], 8),
    "less than half of the first": ([0, 0, 10, 4.9], 0),
    "a tenth of the second": ([20, 0, 30, 1], 0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_label_of_a_region(case):
    box, label = CASES[case]
    regions = sample_regions(Boxes.from_xyxy([box]), np.array([4, 7]), TRUE, np.random.default_rng(0), count=4, positive_share=1.0)
    assert regions.labels.tolist() == [label]
    truth = TRUE[[0]] if label == 5 else TRUE[[1]]
    expected = box_deltas(Boxes.from_xyxy([box]), truth) if label else np.zeros((1, 4))
    np.testing.assert_allclose(regions.deltas, expected, rtol=1e-6)


def test_a_quarter_is_positive_and_the_nearest_background_is_preferred():
    on, near, far = [0, 0, 10, 9], [5, 0, 15, 10], [50, 50, 60, 60]
    proposals = Boxes.from_xyxy([on] * 10 + [near] * 4 + [far] * 10)
    regions = sample_regions(proposals, np.array([4, 7]), TRUE, np.random.default_rng(0), count=8)
    assert regions.labels.tolist() == [5, 5, 0, 0, 0, 0, 0, 0]
    assert (regions.boxes.xyxy == near).all(axis=1).sum() == 4
    assert (regions.boxes.xyxy == far).all(axis=1).sum() == 2
    assert len(sample_regions(proposals[:3], np.array([4, 7]), TRUE, np.random.default_rng(0), count=8).labels) == 2  # no more is to be had


def test_sampling_needs_a_true_box_and_its_label():
    with pytest.raises(ShapeError, match=r"there are 2 boxes and labels \(1,\)"):
        sample_regions(TRUE, np.array([4]), TRUE, np.random.default_rng(0))


def test_half_a_positive_region_is_one():
    proposals = Boxes.from_xyxy([[0, 0, 10, 9]] * 3 + [[5, 0, 15, 10]] * 3)
    assert sample_regions(proposals, np.array([4, 7]), TRUE, np.random.default_rng(0), count=2).labels.tolist() == [5, 0]


@pytest.mark.parametrize(("height", "width", "name"), [(0, 5, "height"), (5, 0, "width"), (5, -1, "width")])
def test_a_picture_without_a_side_has_no_windows(height, width, name):
    with pytest.raises(ArgumentError, match=f"sliding_windows: {name} must be an integer >= 1"):
        sliding_windows(height, width)
