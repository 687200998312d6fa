"""Boxes: formats that cannot be confused, and what moves with an image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.detection import Boxes
from minicnn.errors import ArgumentError, ShapeError

NUMBERS = st.lists(st.tuples(*[st.floats(-500, 500)] * 2, *[st.floats(0, 300)] * 2), max_size=5)


@given(NUMBERS)
def test_every_format_comes_back(numbers):
    boxes = Boxes.from_xywh(numbers)
    for maker, format in ((Boxes.from_xyxy, "xyxy"), (Boxes.from_xywh, "xywh"), (Boxes.from_cxcywh, "cxcywh")):
        again = maker(getattr(boxes, format))
        np.testing.assert_allclose(again.xyxy, boxes.xyxy, atol=1e-9)
    np.testing.assert_allclose(boxes.area, [w * h for _, _, w, h in numbers], atol=1e-9)


def test_the_formats_are_not_the_same():
    boxes = Boxes.from_xyxy([10, 20, 30, 60])
    assert boxes.xywh.tolist() == [[10, 20, 20, 40]]
    assert boxes.cxcywh.tolist() == [[20, 40, 20, 40]]
    assert repr(boxes) == "Boxes(xyxy=[(10, 20, 30, 60)])"


def test_what_moves_with_an_image():
    boxes = Boxes.from_xyxy([[1, 2, 5, 8], [-3, 0, 2, 30]])
    assert boxes.scaled(2, 0.5).xyxy.tolist() == [[2, 1, 10, 4], [-6, 0, 4, 15]]
    assert boxes.shifted(1, -1).xyxy.tolist() == [[2, 1, 6, 7], [-2, -1, 3, 29]]
    assert boxes.flipped(10).flipped(10).xyxy.tolist() == boxes.xyxy.tolist()
    assert boxes.clipped(width=4, height=6).xyxy.tolist() == [[1, 2, 4, 6], [0, 0, 2, 6]]
    assert Boxes.from_xyxy([20, 20, 30, 30]).clipped(10, 5).xyxy.tolist() == [[10, 5, 10, 5]]


def test_a_mirrored_mask_has_the_mirrored_box():
    mask = np.zeros((6, 9), bool)
    mask[1:3, 2:7] = True
    assert Boxes.around(mask[:, ::-1]).xyxy.tolist() == Boxes.around(mask).flipped(9).xyxy.tolist()
    assert len(Boxes.around(np.zeros((3, 4)))) == 0


def test_selecting():
    boxes = Boxes.from_xyxy([[0, 0, 1, 1], [0, 0, 5, 5], [0, 0, 2, 2]])
    assert [len(boxes[i]) for i in (0, [0, 2], slice(1, None), boxes.area > 3, [])] == [1, 2, 2, 2, 0]
    assert [box.area.item() for box in boxes] == [1, 25, 4]


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: Boxes(np.zeros((1, 4))), ArgumentError, "say what the four numbers mean: Boxes.from_xyxy"),
        (lambda: Boxes.from_xyxy([[0, 0, 5, 5], [10, 20, 4, 6]]), ArgumentError, r"box 1 is \(10, 20, 4, 6\).*Then use from_xywh"),
        (lambda: Boxes.from_xywh([0, 0, -1, 5]), ArgumentError, "width and height, the last two, must not be negative"),
        (lambda: Boxes.from_cxcywh([0, 0, 1, np.nan]), ArgumentError, r"box 0 is \(0, 0, 1, nan\): the numbers must be finite"),
        (lambda: Boxes.from_xyxy([1, 2, 3]), ShapeError, r"four numbers make a box, \(N, 4\); these are \(3,\)"),
        (lambda: Boxes.from_xyxy([[1, 2], [3]]), ShapeError, r"needs numbers \(N, 4\)"),
        (lambda: Boxes.around(np.zeros(3)), ShapeError, r"a mask has two axes \(H, W\), not \(3,\)"),
        (lambda: Boxes.from_xyxy([0, 0, 1, 1]).scaled(0), ArgumentError, "Boxes.scaled: x must be a number above 0, not 0"),
        (lambda: Boxes.from_xyxy([0, 0, 1, 1]).scaled(1, np.inf), ArgumentError, "Boxes.scaled: y must be a number above 0"),
        (lambda: Boxes.from_xyxy([0, 0, 1, 1]).shifted(0, np.nan), ArgumentError, "Boxes.shifted: y must be a finite number"),
        (lambda: Boxes.from_xyxy([0, 0, 1, 1]).clipped(-5, 5), ArgumentError, "Boxes.clipped: width must be a finite number >= 0"),
        (lambda: Boxes.from_xyxy([0, 0, 1, 1]).flipped(np.nan), ArgumentError, "Boxes.flipped: width must be a finite number"),
        (lambda: Boxes.from_xyxy([0, 0, 1, 1])[:, :2], IndexError, "too many indices"),
    ],
)
def test_messages(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()
