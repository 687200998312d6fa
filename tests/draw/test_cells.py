"""Pictures of two cells, read back from the SVG: a box for each operation, and a line to it from the state that it reads."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from minicnn.draw import cells
from minicnn.errors import ArgumentError
from minicnn.models import NASNET_A
from minicnn.models.searched_cells import OPERATIONS
from minicnn.search import CellSpace

SVG = "{http://www.w3.org/2000/svg}"
NEAR = 0.05
EVERYTHING = "cells id:0+c1x3:1 c1x7:2+dil3:0 avg3:3+max3:2 max5:0+max7:4 conv1:1+conv3:5 sep3:6+sep5:0 sep7:7+id:1 / sep3:0+sep3:0 id:2+id:0"
UNREAD = "cells sep3:1+id:1 / max3:0+avg3:0 id:2+id:2"
SMALL = "cells avg3:1+max3:1 sep3:2+max3:1 / sep3:0+max3:0 sep5:2+max3:0"
DEEP = "cells sep3:0+id:1 id:2+max3:0 id:3+avg3:1 sep5:4+id:0 conv1:5+conv1:1 / max3:0+id:1 id:2+id:0 id:3+id:1 id:4+id:2 id:5+id:0"
RANDOM = [CellSpace(operations=tuple(OPERATIONS)).string(CellSpace(operations=tuple(OPERATIONS)).random(np.random.default_rng(seed))) for seed in (0, 1, 2, 3, 41, 64)]  # in the last two, lines are neighbours
STRINGS = [NASNET_A, EVERYTHING, UNREAD, SMALL, DEEP, *RANDOM]


@dataclass
class Box:
    x: float
    y: float
    width: float
    height: float
    kind: str
    words: tuple[str, ...]

    @property
    def operation(self):
        return self.kind in ("conv", "pool", "plain")


def drawn(string):
    """The document's size, and for each cell: its tables, the boxes, and the lines as lists of points."""
    picture = cells(string)
    root = ET.fromstring(picture._repr_svg_())
    found = []
    for cell, group in zip((picture.normal, picture.reduction), root.findall(f"{SVG}g"), strict=True):
        dx, dy = map(float, re.findall(r"[\d.]+", group.get("transform")))
        boxes, lines = [], []
        for inner in group.findall(f"{SVG}g"):
            rect, words = inner.find(f"{SVG}rect"), tuple(text.text for text in inner.findall(f"{SVG}text"))
            place = [float(rect.get(name)) for name in ("x", "y", "width", "height")]
            boxes.append(Box(place[0] + dx, place[1] + dy, *place[2:], rect.get("class"), words))
        for path in group.findall(f"{SVG}path"):
            points = [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", path.get("d"))]
            lines.append(([(x + dx, y + dy) for x, y in zip(points[::2], points[1::2], strict=True)], path.get("class")))
        found.append((cell, boxes, lines))
    return (float(root.get("width")), float(root.get("height"))), found


def reads(x, y, boxes, bottom):
    """The box on whose bottom (or else top) a point is."""
    hits = [box for box in boxes if box.x - NEAR <= x <= box.x + box.width + NEAR and abs(y - box.y - bottom * box.height) < NEAR]
    assert len(hits) == 1
    return hits[0]


def label(name, stride):
    word, _, window = name.partition(" ")
    below = f"{window.replace(' ', ', ')} {'/ 2' * (stride == 2)}".strip()
    return (word, below) if below else (word,)


@pytest.mark.parametrize("string", STRINGS)
def test_every_operation_has_one_box_with_its_name(string):
    for cell, boxes, _ in drawn(string)[1]:
        wanted = [label(name, cell.stride if state < 2 else 1) for left, a, right, b in cell.steps for name, state in ((left, a), (right, b))]
        assert Counter(box.words for box in boxes if box.operation) == Counter(wanted)
        assert [box.words for box in boxes if box.kind == "data"] == [("0: the cell before",), ("1: the cell before that",)]
        sums = [(f"{state}: sum",) for state in range(2, len(cell.steps) + 2)]
        out = f"concatenate {', '.join(map(str, cell.outputs))}" if len(cell.outputs) > 1 else f"output: {cell.outputs[0]}"
        assert [box.words for box in boxes if box.kind == "join"] == [*sums, (out,)]


@pytest.mark.parametrize("string", STRINGS)
def test_lines_lead_from_what_is_read_to_what_reads_it(string):
    for cell, boxes, lines in drawn(string)[1]:
        found = Counter()
        for points, kind in lines:
            start, end = reads(*points[0], boxes, bottom=True), reads(*points[-1], boxes, bottom=False)
            found[start.words, end.words] += 1
            assert kind == (f"input{start.words[0][0]}" if start.kind == "data" else None)
        by_state = {int(box.words[0][0]): box.words for box in boxes if re.match(r"\d: ", box.words[0])}
        wanted = Counter()
        for state, (left, a, right, b) in enumerate(cell.steps, 2):
            for name, read in ((left, a), (right, b)):
                operation = label(name, cell.stride if read < 2 else 1)
                wanted[by_state[read], operation] += 1
                wanted[operation, by_state[state]] += 1
        wanted.update((by_state[state], boxes[-1].words) for state in cell.outputs)
        assert found == wanted


@pytest.mark.parametrize("string", STRINGS)
def test_nothing_overlaps_and_no_line_runs_behind_a_box(string):
    (width, height), found = drawn(string)
    boxes = [box for _, inside, _ in found for box in inside]
    for i, a in enumerate(boxes):
        assert a.x >= 20 - NEAR
        assert a.x + a.width <= width - 20 + NEAR
        assert a.y + a.height <= height - 20 + NEAR
        for b in boxes[:i]:
            assert a.x >= b.x + b.width or b.x >= a.x + a.width or a.y >= b.y + b.height or b.y >= a.y + a.height
    for _, inside, lines in found:
        for points, _ in lines:
            for (x0, y0), (x1, y1) in pairwise(points):
                for box in inside:
                    assert not (x0 == x1 and box.x < x0 < box.x + box.width and min(y0, y1) < box.y + 1 and box.y + box.height - 1 < max(y0, y1))


@pytest.mark.parametrize("string", STRINGS)
def test_lines_that_go_past_a_row_keep_apart(string):
    for _, _, lines in drawn(string)[1]:
        straight = [(points[0], x0, min(y0, y1), max(y0, y1)) for points, _ in lines for (x0, y0), (x1, y1) in pairwise(points) if x0 == x1 and abs(y1 - y0) > 60]
        for i, (start, x, top, bottom) in enumerate(straight):
            for other, x1, top1, bottom1 in straight[:i]:
                assert start == other or abs(x - x1) > 10 or top >= bottom1 or top1 >= bottom


def test_small_cells_stand_side_by_side_and_large_ones_one_below_the_other():
    for string, beside in ((SMALL, True), (NASNET_A, False)):
        _, ((_, first, _), (_, second, _)) = drawn(string)
        assert (first[0].y == second[0].y) == beside
        assert (min(box.y for box in second) > max(box.y + box.height for box in first)) != beside


def test_a_string_with_a_mistake_is_not_drawn():
    with pytest.raises(ArgumentError, match="the normal cell's state 2, 'sep4:0', is no block"):
        cells("cells sep4:0 / id:0+id:1")


def test_it_is_written_to_a_file(tmp_path):
    assert 'aria-label="the cells sep3:1+id:1 / max3:0+avg3:0 id:2+id:2"' in cells(UNREAD).save(tmp_path / "a.svg").read_text()
