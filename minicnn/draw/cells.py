"""A picture of two cells that a string describes: states, operations, sums and what is concatenated."""

from __future__ import annotations

from minicnn.draw.picture import Picture
from minicnn.draw.placement import Placement, place
from minicnn.draw.svg import document, group, path, rect, text, text_width
from minicnn.models.nasnet_cell import Wiring
from minicnn.models.searched_cells import read_cells, write_cells

COLUMN, GAP, HEAD, MARGIN = 152.0, 40.0, 44.0, 20.0  # width of a block with what is free beside it; between rows; of a heading; around all
WIDE, HIGH, DOWN, SUM = 70.0, 40.0, 24.0, 28.0  # an operation's box; the way from there to the sum; the height of sums, states and concatenations
STATE, BEND = 172.0, 16.0  # widths of an input's box, and of a line that goes past a row
PAGE = 960.0  # cells that are narrower together stand side by side
INPUTS = ("0: the cell before", "1: the cell before that")
KINDS = {"average": "pool", "max": "pool", "identity": "plain"}  # other operations are convolutions
STYLE = (
    ".minicnn text.head { font-weight: 600; font-size: 13px; text-anchor: start } .minicnn path.input0 { stroke: var(--m-cold) } "
    ".minicnn path.input1 { stroke: var(--m-hot); stroke-dasharray: 5 4 }"
)

Edge = tuple[int, int, int]  # from a state, to a block or the output, and there to the left operation (-1), the right one (1) or where it comes down (0)


class Cells(Picture):
    """A picture of a normal and a reduction cell. A notebook shows it; `save` writes it to a file.

    Attributes:
        string: of the cells, in the usual spelling.
        normal, reduction: the tables of the two cells.

    Example:
        >>> picture = cells("cells sep3:0+id:1 / max3:0+max3:1")
        >>> picture.normal.steps
        (('separable 3x3', 0, 'identity', 1),)
    """

    def __init__(self, normal: Wiring, reduction: Wiring) -> None:
        self.string, self.normal, self.reduction = write_cells(normal, reduction), normal, reduction

    def _repr_svg_(self) -> str:
        drawn = [_Cell(self.normal, "normal cell"), _Cell(self.reduction, "reduction cell: halves the image")]
        beside = sum(cell.width for cell in drawn) + 2 * MARGIN <= PAGE
        shift = (drawn[0].width + 2 * MARGIN, 0.0) if beside else (0.0, drawn[0].height + 2 * MARGIN)
        width = drawn[1].width + shift[0] if beside else max(cell.width for cell in drawn)
        height = max(drawn[0].height, drawn[1].height + shift[1])
        parts = [group(drawn[0].parts(), x=MARGIN, y=MARGIN), group(drawn[1].parts(), x=MARGIN + shift[0], y=MARGIN + shift[1])]
        return document(width + 2 * MARGIN, height + 2 * MARGIN, parts, f"the {self.string}", STYLE)


def cells(string: str) -> Cells:
    """Draw the two cells of a string that `models.create_from_string` takes.

    A block is two operations and their sum. The side that reads what stands further left is drawn on the left. Lines from the output of the
    cell before are blue, those from the cell before that are dashed; in the reduction cell, operations on these have stride 2.

    Args:
        string: the cells, such as `models.NASNET_A`.

    Raises:
        ArgumentError: the string does not describe two cells, or has a mistake in it.

    Example:
        >>> from minicnn.models import NASNET_A
        >>> cells(NASNET_A).string == NASNET_A
        True
    """
    return Cells(*read_cells(string))


class _Cell:
    """One cell with the places of everything in it."""

    def __init__(self, cell: Wiring, title: str) -> None:
        self.cell, self.title, self.output = cell, title, len(cell.steps) + 2
        self.edges: list[Edge] = [(s, i, side) for i, (_, a, _, b) in enumerate(cell.steps, 2) for side, s in ((-1, a), (1, b))]
        self.edges += [(state, self.output, 0) for state in cell.outputs]
        widths = [STATE + BEND, STATE + BEND, *[COLUMN] * len(cell.steps), STATE]
        unread = [(state, 2) for state in (0, 1) if state not in {source for source, _, _ in self.edges}]  # stands above the first block all the same
        pairs = [edge[:2] for edge in self.edges] + unread
        self.place: Placement = place(self.output + 1, pairs, [w / COLUMN for w in widths], BEND / COLUMN)
        heights = [0.0] * self.place.rows
        for node, (_, row) in enumerate(self.place.nodes):
            heights[row] = max(heights[row], self._height(node))
        self.tops = [HEAD + sum(heights[:row]) + GAP * row for row in range(self.place.rows)]
        self.bottoms = [top + height for top, height in zip(self.tops, heights, strict=True)]
        self.width, self.height = max(self.place.columns * COLUMN, 1.1 * text_width(title, 13)), self.bottoms[-1]

    def _height(self, node: int) -> float:
        return HIGH + DOWN + SUM if 2 <= node < self.output else SUM

    def parts(self) -> list[str]:
        """The heading, the lines and, above them, the boxes."""
        blocks = [part for node in range(2, self.output) for part in self._block(node)]
        return [text(0, 14, self.title, "head"), *self._lines(), *self._inputs(), *blocks, self._concatenation()]

    def _middle(self, node: int) -> float:
        return (self.place.nodes[node][0] + 0.5) * COLUMN

    def _top(self, node: int) -> float:
        return self.tops[self.place.nodes[node][1]]

    def _inputs(self) -> list[str]:
        boxes = []
        for node, words in enumerate(INPUTS):
            x, y = self._middle(node), self._top(node)
            boxes.append(group([rect(x - STATE / 2, y, STATE, SUM, "data"), text(x, y + 18.5, words)], hover=f"state {node}, made to fit"))
        return boxes

    def _sides(self, node: int) -> dict[int, int]:
        """Where the operations of a block stand: the one that reads what is further left on the left."""
        _, a, _, b = self.cell.steps[node - 2]
        turned = 1 if self._middle(a) <= self._middle(b) else -1
        return {-1: -turned, 1: turned}

    def _block(self, node: int) -> list[str]:
        left, a, right, b = self.cell.steps[node - 2]
        x, y, sides = self._middle(node), self._top(node), self._sides(node)
        boxes = []
        for side, name, state in ((-1, left, a), (1, right, b)):
            middle = x + sides[side] * (WIDE / 2 + 2)
            boxes.append(self._operation(name, state, middle, y))
            boxes.append(path(f"M{middle:g},{y + HIGH:g} L{x + sides[side] * 14:g},{y + HIGH + DOWN:g}", tip=True))
        total = [rect(x - 36, y + HIGH + DOWN, 72, SUM, "join"), text(x, y + HIGH + DOWN + 18.5, f"{node}: sum")]
        return [*boxes, group(total, hover=f"state {node}: {left} of state {a} + {right} of state {b}")]

    def _operation(self, name: str, state: int, middle: float, y: float) -> str:
        word, _, window = name.partition(" ")
        stride = f"/ {self.cell.stride}" if self.cell.stride > 1 and state < 2 else ""
        below = f"{window.replace(' ', ', ')} {stride}".strip()
        words = [text(middle, y + 17, word), text(middle, y + 32, below)] if below else [text(middle, y + 24, word)]
        return group([rect(middle - WIDE / 2, y, WIDE, HIGH, KINDS.get(word, "conv")), *words], hover=f"{name}{' ' + stride if stride else ''} of state {state}")

    def _concatenation(self) -> str:
        ends = [self._arrival(edge, bends)[0] for edge, bends in zip(self.edges, self.place.bends, strict=False) if edge[2] == 0]
        words = f"concatenate {', '.join(map(str, self.cell.outputs))}" if len(self.cell.outputs) > 1 else f"output: {self.cell.outputs[0]}"
        least, x, y = text_width(words) / 2 + 14, self._middle(self.output), self._top(self.output)
        left, right = min([x - least, *(end - 14 for end in ends)]), max([x + least, *(end + 14 for end in ends)])
        return group([rect(left, y, right - left, SUM, "join"), text((left + right) / 2, y + 18.5, words)], hover="the cell's output")

    def _lines(self) -> list[str]:
        return [self._line(edge, bends) for edge, bends in zip(self.edges, self.place.bends, strict=False)]

    def _arrival(self, edge: Edge, bends: list[tuple[float, int]]) -> tuple[float, float]:
        """Where a line ends: on an operation, or straight below where it comes from."""
        source, target, side = edge
        if side:
            return self._middle(target) + self._sides(target)[side] * (WIDE / 2 + 2), self._top(target)
        return ((bends[-1][0] + 0.5) * COLUMN if bends else self._middle(source)), self._top(target)

    def _line(self, edge: Edge, bends: list[tuple[float, int]]) -> str:
        """Down from a state, straight past every row in between, with a curve from row to row."""
        source = edge[0]
        x, y = self._middle(source), self._top(source) + self._height(source)
        points, last = [f"M{x:g},{y:g}"], self.bottoms[self.place.nodes[source][1]]
        for to_x, to_y, end in [*(((c + 0.5) * COLUMN, self.tops[row], self.bottoms[row]) for c, row in bends), (*self._arrival(edge, bends), 0.0)]:
            half = (to_y - last) / 2
            points.append(f"L{x:g},{last:g} C{x:g},{last + half:g} {to_x:g},{to_y - half:g} {to_x:g},{to_y:g}")
            x, last = to_x, end
        return path(" ".join(points), tip=True, kind=f"input{source}" if source < 2 else "")
