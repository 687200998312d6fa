"""Where the boxes of a plan stand and how the lines between them run: straight down, forks side by side, shortcuts beside the main way."""

from __future__ import annotations

from dataclasses import dataclass, field

from minicnn.analysis.stages import by
from minicnn.draw.branches import Chain, Fork, chain_of
from minicnn.draw.placement import place
from minicnn.draw.plan import Box, Plan
from minicnn.draw.svg import text_width

LOW, HIGH = 24, 38  # a box with one line and with two
LABEL, ARROW = 18, 14  # below a box, where its shape is written; above one, for the tip of the arrow
BUS, AFTER = 16, 4  # from the line of a fork down to its branches, and from them to the line where they meet
APART, LANE = 18, 14  # between branches; between lines that run side by side
ROW = 30  # between the rows of a plan that is not made of chains and forks
BADGE = 22  # the letter of a kind of block
SMALL = 10.5

Point = tuple[float, float]


@dataclass(frozen=True)
class Spot:
    """A box's place: its left upper corner and its size."""

    box: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Route:
    """A line from corner to corner, with a tip at its end or without."""

    points: tuple[Point, ...]
    tip: bool = True


@dataclass
class Layout:
    """Boxes, lines, and shapes written beside lines (left end of the text, base line), all from (0, 0) to (width, height)."""

    spots: list[Spot] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    curves: list[tuple[Point, ...]] = field(default_factory=list)
    labels: list[tuple[float, float, str]] = field(default_factory=list)
    width: float = 0
    height: float = 0


def box_size(box: Box) -> tuple[float, float]:
    """Width and height of a box whose words fit in."""
    width = max(text_width(box.heading), text_width(box.note, SMALL)) + 20
    return max(width + (BADGE if box.block else 0), 44), HIGH if box.note else LOW


class _Drawer:
    """Places chains and forks. A part has an axis, at which lines enter it from above and leave it below; widths are left and right of it."""

    def __init__(self, plan: Plan, width: float = 0) -> None:
        self.plan, self.layout = plan, Layout()
        self.sizes = [box_size(box) for box in plan.boxes]
        if width:
            self.sizes = [(width if box.kind != "join" else size[0], size[1]) for box, size in zip(plan.boxes, self.sizes, strict=True)]

    def extent(self, part: int | Fork | Chain) -> tuple[float, float, float]:
        """To the left of the axis, to its right, and the height."""
        if isinstance(part, int):
            width, height = self.sizes[part]
            return width / 2, max(width / 2, 6 + text_width(by(self.plan.boxes[part].shape), SMALL)), height + LABEL
        if isinstance(part, Fork):
            _, left, right = self.across(part)
            return left, right, BUS + max(self.extent(branch)[2] for branch in part.branches) + AFTER
        extents = [self.extent(inner) for inner in part.parts] or [(LANE / 2, LANE / 2, 0.0)]
        return max(e[0] for e in extents), max(e[1] for e in extents), sum(e[2] for e in extents) + ARROW * (len(extents) - 1)

    def across(self, fork: Fork) -> tuple[list[float], float, float]:
        """Where the axes of the branches are, seen from that of the fork, and how far it reaches to the left and to the right.

        Of two branches, the longer one stays on the axis, and the other one is the shortcut to its right; three and more stand evenly.
        """
        extents = [self.extent(branch) for branch in fork.branches]
        order = list(range(len(extents)))
        if len(order) == 2:
            order.sort(key=lambda i: -fork.branches[i].length)
        offsets, x = [0.0] * len(order), 0.0
        for before, i in zip([None, *order], order, strict=False):
            x = 0.0 if before is None else x + extents[before][1] + APART + extents[i][0]
            offsets[i] = x
        middle = 0.0 if len(order) == 2 else x / 2
        offsets = [offset - middle for offset in offsets]
        return offsets, max(e[0] - o for e, o in zip(extents, offsets, strict=True)), max(e[1] + o for e, o in zip(extents, offsets, strict=True))

    def put(self, part: int | Fork | Chain, x: float, y: float) -> None:
        """Draw a part with its axis at x, from y on."""
        if isinstance(part, int):
            self.put_box(part, x, y)
        elif isinstance(part, Fork):
            self.put_fork(part, x, y)
        else:
            for i, inner in enumerate(part.parts):
                if i:
                    self.layout.routes.append(Route(((x, y), (x, y + ARROW)), isinstance(inner, int)))
                    y += ARROW
                self.put(inner, x, y)
                y += self.extent(inner)[2]

    def put_box(self, i: int, x: float, y: float) -> None:
        width, height = self.sizes[i]
        self.layout.spots.append(Spot(i, x - width / 2, y, width, height))
        self.layout.routes.append(Route(((x, y + height), (x, y + height + LABEL)), tip=False))
        if i not in self.plan.inputs:
            below = y + height + (14.5 if self.plan.boxes[i].count > 1 else 13)
            self.layout.labels.append((x + 6, below, by(self.plan.boxes[i].shape)))

    def put_fork(self, fork: Fork, x: float, y: float) -> None:
        bottom = y + self.extent(fork)[2]
        for branch, offset in zip(fork.branches, self.across(fork)[0], strict=True):
            at, start = x + offset, y + BUS
            if branch.parts:
                self.layout.routes.append(Route(((x, y), (at, y), (at, start)), isinstance(branch.parts[0], int)))
                self.put(branch, at, start)
                start += self.extent(branch)[2]
                self.layout.routes.append(Route(((at, start), (at, bottom), (x, bottom)), tip=False))
            else:
                self.layout.routes.append(Route(((x, y), (at, y), (at, bottom), (x, bottom)), tip=False))


def arrange(plan: Plan, *, even: bool = False) -> Layout:
    """Place a plan; with `even`, all layers and blocks are equally wide.

    It is drawn as chains and forks if it is made of these; else as a chain with lines that pass by at its left, if every box reads the
    one before it; else in rows, by `placement.place`.
    """
    width = max(box_size(box)[0] for box in plan.boxes) if even else 0
    chain = chain_of(len(plan.boxes), plan.edges) if len(plan.inputs) == 1 else None
    if chain is not None:
        return _of_chain(_Drawer(plan, width), chain, [])
    straight = [(i, i + 1) for i in range(len(plan.boxes) - 1)]
    if set(straight) <= set(plan.edges):
        return _of_chain(_Drawer(plan, width), Chain(tuple(range(len(plan.boxes)))), [edge for edge in plan.edges if edge not in straight])
    return _in_rows(_Drawer(plan, width))


def _of_chain(drawer: _Drawer, chain: Chain, past: list[tuple[int, int]]) -> Layout:
    left, right, height = drawer.extent(chain)
    lanes = _lanes(past)
    left += LANE * (max(lanes, default=-1) + 1) + (6 if past else 0)
    layout = drawer.layout
    drawer.put(chain, left, 0)
    layout.routes.append(Route(((left, height), (left, height + ARROW))))
    spots = {spot.box: spot for spot in layout.spots}
    for (a, b), lane in zip(past, lanes, strict=True):
        x = min(spot.x for spot in layout.spots) - LANE * (lane + 1)
        start, end = spots[a], spots[b]
        leave, enter = start.y + start.height * 0.75, end.y + end.height * 0.25
        layout.routes.append(Route(((start.x, leave), (x, leave), (x, enter), (end.x, enter))))
    layout.width, layout.height = left + right, height + ARROW
    return layout


def _lanes(past: list[tuple[int, int]]) -> list[int]:
    """A lane for each line that passes by, so that lines in one lane do not meet."""
    lanes: list[int] = []
    for i, (a, b) in enumerate(past):
        taken = {lanes[j] for j, (c, d) in enumerate(past[:i]) if a <= d and c <= b}
        lanes.append(min(set(range(len(past))) - taken))
    return lanes


def _in_rows(drawer: _Drawer) -> Layout:
    """Rows from top to bottom. Lines run straight through rows, in columns of their own, and bend between rows."""
    plan, layout = drawer.plan, drawer.layout
    step = 100.0
    placement = place(len(plan.boxes), plan.edges, [(width + LANE) / step for width, _ in drawer.sizes], LANE / step)
    heights = [0.0] * placement.rows
    for (_, row), (_, height) in zip(placement.nodes, drawer.sizes, strict=True):
        heights[row] = max(heights[row], height)
    tops = [sum(heights[:row]) + ROW * row for row in range(placement.rows)]

    def middle(column: float) -> float:
        return step * (column + 0.5)

    for i, ((column, row), (width, height)) in enumerate(zip(placement.nodes, drawer.sizes, strict=True)):
        layout.spots.append(Spot(i, middle(column) - width / 2, tops[row] + (heights[row] - height) / 2, width, height))
    spots = {spot.box: spot for spot in layout.spots}
    for (a, b), bends in zip(plan.edges, placement.bends, strict=True):
        points = [(middle(placement.nodes[a][0]), spots[a].y + spots[a].height)]
        points.append((points[0][0], tops[placement.nodes[a][1]] + heights[placement.nodes[a][1]]))
        for column, row in bends:
            points += [(middle(column), tops[row]), (middle(column), tops[row] + heights[row])]
        end = middle(placement.nodes[b][0])
        points += [(end, tops[placement.nodes[b][1]]), (end, spots[b].y)]
        layout.curves.append(tuple(points))
    ends = [i for i in range(len(plan.boxes)) if not plan.readers(i)]
    for i in ends:
        layout.labels.append((spots[i].x + spots[i].width / 2 + 6, spots[i].y + spots[i].height + 13, by(plan.boxes[i].shape)))
    layout.width = step * placement.columns
    layout.height = tops[-1] + heights[-1] + LABEL + ARROW
    for i in ends:
        x, y = middle(placement.nodes[i][0]), spots[i].y + spots[i].height
        layout.routes.append(Route(((x, y), (x, y + LABEL + ARROW))))
    return layout
