"""The two cells of NASNet-A as pictures, drawn from the tables that the networks are built from."""

from minicnn.draw import svg
from minicnn.models.nasnet_cell import NormalCell, ReductionCell
from pictures.page import picture

WIDE, HIGH, COLUMN, ROW = 64.0, 40.0, 138.0, 200.0
JOINED = 30.0  # height of the boxes that add and concatenate
KINDS = {"separable": "conv", "average": "pool", "max": "pool", "identity": "plain"}
Cell = type[NormalCell] | type[ReductionCell]
Point = tuple[float, float]


def draw_normal() -> str:
    """nasnet_normal_cell.svg: the cell that keeps the size."""
    return draw("nasnet_normal_cell", NormalCell, "NASNet's normal cell: five sums of two operations each, concatenated")


def draw_reduction() -> str:
    """nasnet_reduction_cell.svg: the cell that halves it."""
    return draw("nasnet_reduction_cell", ReductionCell, "NASNet's reduction cell: five sums of two operations each, of which some read other sums")


def draw(name: str, cell: Cell, label: str) -> str:
    """A cell: states 0 and 1, the sums that read them, below those the sums that read other sums, and what is put out."""
    late = [max(a, b) > 1 for _, a, _, b in cell.steps]
    first = late.count(False)
    width, bottom = 20 + COLUMN * max(first, 3), 276 + ROW * any(late)
    at: dict[int, Point] = {0: (width / 2 - 110, 48), 1: (width / 2 + 110, 48)}  # where arrows leave a state
    boxes, arrows = [], []
    for state, words in ((0, "0: the cell before"), (1, "1: the cell before that")):
        x, y = at[state]
        boxes += [svg.rect(x - 84, y - JOINED, 168, JOINED, "data"), svg.text(x, y - 10, words)]
    for i, (left, a, right, b) in enumerate(cell.steps):
        column = sum(late[:i]) + (first - sum(late)) / 2 if late[i] else i - sum(late[:i])
        x, y = 10 + COLUMN * (column + 0.5) + (width - 20 - COLUMN * first) / 2, 118 + ROW * late[i]
        boxes += [svg.rect(x - 34, y + 86, 68, JOINED, "join"), svg.text(x, y + 106, f"{i + 2}: sum")]
        at[i + 2] = (x, y + 86 + JOINED)
        for side, operation, state in ((-1, left, a), (1, right, b)):
            middle = x + side * (WIDE / 2 + 2)
            boxes += operation_box(operation, middle, y)
            arrows += [curve(at[state], (middle, y), state), svg.path(f"M{middle:g},{y + HIGH:g} L{x + side * 12:g},{y + 86:g}", tip=True)]
    joined = "concatenate " + ", ".join(map(str, cell.outputs))
    boxes += [svg.rect(width / 2 - 110, bottom, 220, JOINED, "join"), svg.text(width / 2, bottom + 20, joined)]
    style = f".picture-{name} .before {{ stroke-dasharray: 5 4 }}"
    return picture(name, width, bottom + 42, [*arrows, *boxes], label, style)


def operation_box(operation: str, middle: float, y: float) -> list[str]:
    """A box with an operation's name, its window in a second line."""
    word, _, window = operation.partition(" ")
    box = svg.rect(middle - WIDE / 2, y, WIDE, HIGH, KINDS[word])
    if not window:
        return [box, svg.text(middle, y + 24, word)]
    return [box, svg.text(middle, y + 17, word), svg.text(middle, y + 32, window)]


def curve(start: Point, end: Point, state: int) -> str:
    """From a state down to an operation; state 1 in dashes."""
    (x, y), (to_x, to_y) = start, end
    bend = (to_y - y) / 2
    return svg.path(f"M{x:g},{y:g} C{x:g},{y + bend:g} {to_x:g},{to_y - bend:g} {to_x:g},{to_y:g}", tip=True, kind="before" if state == 1 else "")
