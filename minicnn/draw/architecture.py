"""A network as a picture: a column of its stages, and beside it each kind of block, opened up."""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType

from minicnn import checks
from minicnn.analysis.stages import by
from minicnn.draw.flow import Call, Flow, flow
from minicnn.draw.fold import Folding
from minicnn.draw.layout import BADGE, Layout, Route, arrange
from minicnn.draw.page import Frame, arrange_page
from minicnn.draw.picture import Picture
from minicnn.draw.plan import Block, Box, Plan
from minicnn.draw.svg import document, group, path, rect, text, text_width
from minicnn.errors import ArgumentError
from minicnn.nn import Module
from minicnn.nn.watch import layer_at

LEGEND = {
    "conv": "convolution", "linear": "linear", "pool": "pooling", "norm": "normalisation", "act": "activation",
    "join": "where branches meet", "plain": "block, or another operation",
}  # fmt: skip
STYLE = ".minicnn .shade { fill: var(--m-paper) } .minicnn text.letter { font-weight: 700; font-size: 11px } .minicnn text.head { font-weight: 600; font-size: 13px; text-anchor: start }"


class Drawing(Picture):
    """A picture of a network. A notebook shows it; `save` writes it to a file.

    Attributes:
        name: what stands above it.
        flow: what one image meets on its way.
        column: the boxes of the network from top to bottom, and what goes from one to the other.
        blocks: the kinds of blocks that are opened, by their letters.

    Example:
        >>> from minicnn.models import LeNet5
        >>> drawing = architecture(LeNet5())
        >>> drawing.name, len(drawing.column.boxes), drawing.blocks
        ('LeNet5', 8, {})
    """

    def __init__(self, name: str, flow: Flow, column: Plan, blocks: dict[str, Block]) -> None:
        self.name, self.flow, self.column, self.blocks = name, flow, column, blocks

    def frames(self) -> list[Frame]:
        """The network and the opened blocks with their places on the page; the network first."""
        return arrange_page(arrange(self.column, even=True), [(block, arrange(block.plan)) for block in self.blocks.values()], self._header_width())

    def _repr_svg_(self) -> str:
        frames = self.frames()
        width, height = max(f.x + f.width for f in frames), max(f.y + f.height for f in frames)
        width = max(width, self._header_width())
        parts = [text(0, 18, self.name, "big left"), text(0, 38, self._caption(), "small left"), *self._legend(width)]
        for frame in frames:
            plan = self.column if frame.block is None else frame.block.plan
            parts.append(group([*_frame_parts(frame), *_layout_parts(plan, frame.layout, frame.inside)], x=frame.x, y=frame.y))
        return document(width + 2 * 20, height + 2 * 20, [group(parts, x=20, y=20)], f"the architecture of {self.name}", STYLE)

    def _header_width(self) -> float:
        return max(1.13 * text_width(self.name, 15), text_width(self._caption(), 10.5), 420)

    def _caption(self) -> str:
        boxes = self.column.boxes
        parameters, macs = sum(box.parameters for box in boxes), sum(box.macs for box in boxes)
        more = f" ({self.flow.unused:,} more in parts that only run in training)" if self.flow.unused and parameters + self.flow.unused == self.flow.parameters else ""
        return f"input {by(boxes[0].shape)}; {parameters:,} parameters{more}; {macs:,} multiply-adds for one image"

    def _legend(self, width: float) -> list[str]:
        shown = {box.kind for plan in (self.column, *(block.plan for block in self.blocks.values())) for box in plan.boxes}
        parts, x, y = [], 0.0, 50.0
        for kind, words in LEGEND.items():
            if kind in shown:
                step = 18 + text_width(words, 10.5) + 14
                if x + step > width + 14:
                    x, y = 0.0, y + 17
                parts += [rect(x, y, 12, 12, kind, round=3), text(x + 18, y + 10, words, "small left")]
                x += step
        return parts


def architecture(model: Module, input_shape: Sequence[int] | None = None, *, depth: int | None = None, block: str | None = None, name: str = "") -> Drawing:
    """Draw a network: what follows what, with all shapes, as one image meets it in evaluation mode.

    The data flow is read off that image's way, on the backend `meta`, not from the order of attributes. Layers and blocks that are equal and
    follow one another are folded into one box. Each kind of block is opened once, beside the column; its letter says where it stands.

    Args:
        model: any network.
        input_shape: (C, H, W) of one image; by default the network's own, `model.input_shape`.
        depth: how deep blocks are opened: 0 none, 1 those in the column, 2 those inside of them as well; by default all.
        block: path of a part to be drawn instead of the whole network.
        name: what stands above the picture; by default the class.

    Raises:
        ArgumentError: `model` is no network; no shape is given and the network has none of its own; there is no such part, or it does not run in
            evaluation; the network's forward fails on one image; the output is not one tensor that depends on the image.
        ShapeError: the network cannot take such an image.

    Example:
        >>> from minicnn.models import ResNet18
        >>> drawing = architecture(ResNet18())
        >>> [box.heading for box in drawing.column.boxes][:5]
        ['image', 'conv 7x7 / 2, 64 filters', 'max pool 3x3 / 2', '2 x BasicBlock', 'BasicBlock / 2']
        >>> {letter: kind.name for letter, kind in drawing.blocks.items()}
        {'A': 'BasicBlock', 'B': 'BasicBlock'}
    """
    depth = None if depth is None else checks.integer(depth, "architecture: depth", least=0)
    _check(model, block)
    way = flow(model, input_shape)
    column = Folding(way).plan(_part(model, way, block), layers=True)
    name = (name or type(model).__name__) + (f": {block}" if block else "")
    return Drawing(name, way, column, _letters(column, depth))


def _check(model: object, block: object) -> None:
    if not isinstance(model, Module):
        given = f"the {'class' if isinstance(model, type) else 'function'} {model.__name__}" if isinstance(model, (type, FunctionType)) else repr(model)
        raise ArgumentError(f"architecture: model must be a network, not {given}; a network is made by a call, such as models.create('ResNet18')")
    if block is not None and not (isinstance(block, str) and block):
        raise ArgumentError(f"architecture: block must be the path of a part, such as 'layer1.0', not {block!r}")


def _part(model: Module, way: Flow, path: str | None) -> Call:
    if path is None:
        return way.root
    layer = layer_at(model, path)
    found = next((call for call in way.root.calls() if call.module is layer), None)
    if found is None:
        raise ArgumentError(f"architecture: {path!r} of {type(model).__name__} does nothing to an image in evaluation: there is nothing to draw")
    return found


def _letters(column: Plan, depth: int | None) -> dict[str, Block]:
    """The kinds of blocks that are opened: first those in the column, then those inside of them, and so on."""
    found: dict[str, Block] = {}
    plans, level = [column], 0
    while plans and (depth is None or level < depth):
        blocks = [box.block for plan in plans for box in plan.boxes if box.block is not None]
        new = [block for block in dict.fromkeys(blocks) if not block.letter]
        for block in new:
            block.letter = chr(ord("A") + len(found)) if len(found) < 26 else f"A{len(found) - 25}"
            found[block.letter] = block
        plans, level = [block.plan for block in new], level + 1
    return found


def _frame_parts(frame: Frame) -> list[str]:
    """The border and the heading of an opened block."""
    if frame.block is None:
        return []
    head = [rect(0, 0, frame.width, frame.height, "frame", round=8), *_badge(frame.block, 12, 10)]
    return [*head, text(38, 24, frame.block.name, "head"), text(12, 44, frame.subtitle, "small left")]


def _layout_parts(plan: Plan, layout: Layout, at: tuple[float, float]) -> list[str]:
    parts = [path(_rounded(route), tip=route.tip) for route in layout.routes]
    parts += [path(_curve(points), tip=True) for points in layout.curves]
    parts += [_box(plan.boxes[s.box], s.x, s.y, s.width, s.height) for s in layout.spots]
    parts += [text(x, y, words, "small left") for x, y, words in layout.labels]
    return [group(parts, x=at[0], y=at[1])]


def _box(box: Box, x: float, y: float, width: float, height: float) -> str:
    middle = width / 2 + (BADGE / 2 if box.block and box.block.letter else 0)
    parts = [rect(d, d, width, height, "shade") for d in (4, 2)] if box.count > 1 else []
    parts.append(rect(0, 0, width, height, box.kind))
    if box.block and box.block.letter:
        parts += _badge(box.block, 8, height / 2 - 9)
    parts.append(text(middle, 16 if box.note else height / 2 + 4.2, box.heading))
    if box.note:
        parts.append(text(middle, 31, box.note, "small"))
    return group(parts, hover=_hover(box), x=x, y=y)


def _badge(block: Block, x: float, y: float) -> list[str]:
    return [rect(x, y, 18, 18, "cold bare", round=9), text(x + 9, y + 13, block.letter, "letter")]


def _hover(box: Box) -> str:
    lines = [box.heading]
    if box.operations:
        paths = [path for path in box.paths if path]
        where = f"{paths[0]} to {paths[-1]}" if box.count > 1 and paths and not box.same else ", ".join(dict.fromkeys(paths))
        lines += [where] if where else []
        lines += [f"{box.parameters:,} parameters", f"{box.macs:,} multiply-adds"]
    return "\n".join([*lines, f"output {by(box.shape)}"])


def _rounded(route: Route, radius: float = 6) -> str:
    """SVG's path through the corners of a route, with round corners."""
    points = [point for i, point in enumerate(route.points) if i == 0 or point != route.points[i - 1]]
    commands = [f"M{points[0][0]:g},{points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        (x0, y0), (x1, y1) = (_toward(corner, other, radius) for other in (before, after))
        commands.append(f"L{x0:g},{y0:g} Q{corner[0]:g},{corner[1]:g} {x1:g},{y1:g}")
    return " ".join([*commands, f"L{points[-1][0]:g},{points[-1][1]:g}"])


def _toward(start: tuple[float, float], end: tuple[float, float], most: float) -> tuple[float, float]:
    """The point on the way from one point to another, at most half of it and at most so far away."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    share = min(0.5, most / max(abs(dx) + abs(dy), 1e-9))
    return start[0] + share * dx, start[1] + share * dy


def _curve(points: tuple[tuple[float, float], ...]) -> str:
    """Straight from each first to each second point, and a bend on to the next pair."""
    commands = [f"M{points[0][0]:g},{points[0][1]:g}"]
    for i, (x, y) in enumerate(points[1:], 1):
        x0, y0 = points[i - 1]
        if i % 2 and (x, y) != (x0, y0):
            commands.append(f"L{x:g},{y:g}")
        elif i % 2 == 0:
            half = (y - y0) / 2
            commands.append(f"C{x0:g},{y0 + half:g} {x:g},{y - half:g} {x:g},{y:g}")
    return " ".join(commands)
