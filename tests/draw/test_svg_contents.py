"""What the finished SVG says, read back from it: which boxes its lines join, what hovering shows, and the letters on boxes and panels."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import pytest

from minicnn.analysis import summarize

SVG = "{http://www.w3.org/2000/svg}"
NEAR = 0.05  # coordinates are written with six digits


@dataclass
class Shown:
    """A box as it is in the SVG: its place inside its panel, its words, what hovering shows, and its letter."""

    x: float
    y: float
    width: float
    height: float
    words: list[str]
    hover: list[str]
    letter: str

    def side(self, x, y):
        """On which side of the box a point lies, if it does."""
        if abs(x - self.x - self.width / 2) < NEAR and abs(y - self.y) < NEAR:
            return "top"
        if abs(x - self.x - self.width / 2) < NEAR and abs(y - self.y - self.height) < NEAR:
            return "bottom"
        return "left" if abs(x - self.x) < NEAR and self.y < y < self.y + self.height else None


@dataclass
class Line:
    start: tuple[float, float]
    end: tuple[float, float]
    tip: bool


@dataclass
class Panel:
    """The network or an opened block, with the texts and the letter in its heading."""

    boxes: list[Shown]
    lines: list[Line]
    texts: list[str]
    letter: str


def panels(svg):
    page = ET.fromstring(svg).find(f"{SVG}g")
    return [_panel(group) for group in page.findall(f"{SVG}g")]


def _panel(group):
    inside = group.findall(f"{SVG}g")[-1]
    lines = [_line(path) for path in inside.findall(f"{SVG}path")]
    return Panel([_shown(box) for box in inside.findall(f"{SVG}g")], lines, _texts(group), _letter(group))


def _shown(group):
    x, y = map(float, re.fullmatch(r"translate\((\S+) (\S+)\)", group.get("transform", "translate(0 0)")).groups())
    rect = next(rect for rect in group.findall(f"{SVG}rect") if rect.get("class") != "shade")
    return Shown(x, y, float(rect.get("width")), float(rect.get("height")), _texts(group), group.find(f"{SVG}title").text.split("\n"), _letter(group))


def _line(path):
    points = [tuple(map(float, point)) for point in re.findall(r"(-?[\d.e+-]+),(-?[\d.e+-]+)", path.get("d"))]
    return Line(points[0], points[-1], path.get("marker-end") is not None)


def _texts(group):
    return [text.text for text in group.findall(f"{SVG}text") if text.get("class") != "letter"]


def _letter(group):
    return next((text.text for text in group.findall(f"{SVG}text") if text.get("class") == "letter"), "")


def near(a, b):
    return abs(a[0] - b[0]) < NEAR and abs(a[1] - b[1]) < NEAR


def box_at(panel, point, sides):
    return next((i for i, box in enumerate(panel.boxes) if box.side(*point) in sides), None)


def reached(panel, box):
    """The boxes to which lines lead from a box, also by way of points where lines meet; None is the way out."""
    found, ahead = set(), [line for line in panel.lines if panel.boxes[box].side(*line.start) in ("bottom", "left")]
    assert ahead, panel.boxes[box]
    while ahead:
        line = ahead.pop()
        on = [] if box_at(panel, line.end, ("top", "left")) is not None else [other for other in panel.lines if near(other.start, line.end)]
        if not on:
            found.add(box_at(panel, line.end, ("top", "left")))
        assert line.tip == (not on), (panel.texts, line)
        ahead += on
    return found


def drawn(drawing):
    """Each panel of the SVG with its plan, and the positions in the plan of the panel's boxes."""
    frames = drawing.frames()
    for frame, panel in zip(frames, panels(drawing._repr_svg_()), strict=True):
        plan = drawing.column if frame.block is None else frame.block.plan
        order = [spot.box for spot in frame.layout.spots]
        assert [box.words[0] for box in panel.boxes] == [plan.boxes[i].heading for i in order]
        yield plan, order, panel


def test_the_lines_join_what_the_plan_joins(drawings):
    for name, drawing in drawings.items():
        for plan, order, panel in drawn(drawing):
            joined = {(order[i], None if j is None else order[j]) for i in range(len(order)) for j in reached(panel, i)}
            ends = {(i, None) for i in range(len(order)) if not plan.readers(i)}
            assert joined == set(plan.edges) | ends, (name, panel.texts)


@pytest.mark.parametrize("name", ["ResNet18", "GoogLeNet", "DenseNet121", "NASNetAMobile", "ResNeXt50_32x4d", "MobileNetV2", "AlexNet"])
def test_hovering_shows_what_the_summary_says(drawings, name):
    model = drawings[name].flow.root.module
    outputs, seen = summarize(model).outputs, 0
    for panel in panels(drawings[name]._repr_svg_()):
        for box in panel.boxes:
            path = re.split(", | to ", box.hover[1])[-1]
            if path in outputs and (box.letter or not list(model.get_submodule(path).children())):
                seen += 1
                shape = outputs[path][1:] if "flatten" not in " ".join(box.words) else (math.prod(outputs[path]),)
                assert box.hover[-1] == "output " + " x ".join(map(str, shape)), (box.words, path)
    assert seen >= 9


def structure(call):
    """What happens in a block, however often: each operation with those it reads."""
    inside = {id(one) for one in call.operations()}
    return {
        (one.words.family, tuple(source.words.family if id(source) in inside else "outside" for source in one.sources))
        for one in call.operations()
    }


def test_a_letter_leads_to_the_panel_of_the_same_class_and_structure(drawings):
    for name, drawing in drawings.items():
        calls = {call.path: call for call in reversed(drawing.flow.root.calls())}
        shown = panels(drawing._repr_svg_())
        opened = {panel.letter: panel for panel in shown[1:]}
        assert len(opened) == len(shown) - 1, name
        assert "" not in opened
        for box in (box for panel in shown for box in panel.boxes if box.letter):
            title, subtitle = opened[box.letter].texts
            for path in re.split(", | to ", box.hover[1]):
                assert title == calls[path].name, (name, path)
                assert structure(calls[path]) == structure(calls[subtitle.split(",")[0]]), (name, path)
