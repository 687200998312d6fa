"""The places of boxes, lines and words in the pictures of all networks: nothing overlaps, words fit, lines cross no box."""

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import pytest

from minicnn.draw.layout import BADGE
from minicnn.draw.svg import text_width


def rectangles(layout):
    return [(spot.x, spot.y, spot.x + spot.width, spot.y + spot.height) for spot in layout.spots]


def overlap(a, b):
    return a[0] < b[2] - 0.01 and b[0] < a[2] - 0.01 and a[1] < b[3] - 0.01 and b[1] < a[3] - 0.01


def layouts(drawing):
    for frame in drawing.frames():
        yield drawing.column if frame.block is None else frame.block.plan, frame.layout


def points_on(layout):
    """Points on all lines: on straight ones at a tenth each, and on curves as the picture bends them."""
    for route in layout.routes:
        for (x0, y0), (x1, y1) in pairwise(route.points):
            yield from ((x0 + t / 10 * (x1 - x0), y0 + t / 10 * (y1 - y0)) for t in range(11))
    for points in layout.curves:
        for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
            for t in (k / 20 for k in range(21)):
                bend = t * t * (3 - 2 * t) if i % 2 else t
                y = y0 + (y1 - y0) * (1.5 * t * (1 - t) ** 2 + 1.5 * t * t * (1 - t) + t**3 if i % 2 else t)
                yield x0 + (x1 - x0) * bend, y


def test_every_network_is_drawn(drawings):
    for drawing in drawings.values():
        root = ET.fromstring(drawing._repr_svg_())
        assert float(root.get("width")) <= 1250


def test_no_boxes_and_no_frames_overlap(drawings):
    for name, drawing in drawings.items():
        frames = [(f.x, f.y, f.x + f.width, f.y + f.height) for f in drawing.frames()]
        assert not any(overlap(a, b) for a, b in combinations(frames, 2)), name
        for _, layout in layouts(drawing):
            boxes = rectangles(layout)
            assert not any(overlap(a, b) for a, b in combinations(boxes, 2)), name
            assert all(a[0] >= -0.01 and a[1] >= -0.01 and a[2] <= layout.width + 0.01 and a[3] <= layout.height for a in boxes), name


def test_words_fit_into_their_boxes_and_beside_them(drawings):
    for name, drawing in drawings.items():
        for plan, layout in layouts(drawing):
            for spot in layout.spots:
                box = plan.boxes[spot.box]
                room = spot.width - (BADGE if box.block else 0) - 8
                assert text_width(box.heading) <= room, (name, box.heading)
                assert text_width(box.note, 10.5) <= room, (name, box.note)
            words = [(x, y - 8, x + text_width(text, 10.5), y + 2) for x, y, text in layout.labels]
            assert not any(overlap(a, b) for a, b in combinations(words, 2)), name
            assert not any(overlap(a, b) for a in words for b in rectangles(layout)), name
            assert all(a[2] <= layout.width + 0.01 for a in words), name


def test_lines_cross_no_box(drawings):
    for name, drawing in drawings.items():
        for _, layout in layouts(drawing):
            boxes = rectangles(layout)
            for x, y in points_on(layout):
                assert not any(a[0] + 0.01 < x < a[2] - 0.01 and a[1] + 0.01 < y < a[3] - 0.01 for a in boxes), (name, x, y)


def test_lines_that_pass_by_do_so_at_the_left_and_not_on_each_other(drawings):
    layout = next(frame.layout for frame in drawings["NASNetAMobile"].frames() if frame.block is None)
    passing = [route.points for route in layout.routes if len(route.points) == 4]
    assert len(passing) == 7
    assert all(points[1][0] < min(spot.x for spot in layout.spots) for points in passing)
    for a, b in combinations(passing, 2):
        assert a[1][0] != b[1][0] or a[2][1] < b[1][1] or b[2][1] < a[1][1]


@pytest.mark.parametrize(
    ("words", "measured"), [("conv 7x7 / 2, 64 filters", 134.8), ("conv 5x5, 120 filters", 123.2), ("7 x InceptionB", 86.3), ("BN, ReLU", 54.8), ("slice", 26.9), ("+", 10.0)]
)
def test_the_estimate_of_widths_is_a_little_more_than_a_browser_measures_in_dejavu_sans(words, measured):
    assert measured <= text_width(words) <= 1.2 * measured


def test_every_edge_is_drawn_in_rows_too(drawings):
    plan, layout = next((p, l) for p, l in layouts(drawings["NASNetAMobile"]) if l.curves)
    assert len(layout.curves) == len(plan.edges)


def test_pages_are_as_large_as_a_page(drawings):
    for name in ("ResNet50", "GoogLeNet", "VGG16", "DenseNet121", "EfficientNetB0", "MobileNetV2"):
        root = ET.fromstring(drawings[name]._repr_svg_())
        assert float(root.get("width")) <= 1000
        assert float(root.get("height")) <= 1500
