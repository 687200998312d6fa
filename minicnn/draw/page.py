"""Where things stand on the page: the network at the left, the opened blocks in rows beside it, and on below it."""

from __future__ import annotations

from dataclasses import dataclass

from minicnn.draw.layout import Layout
from minicnn.draw.plan import Block
from minicnn.draw.svg import text_width

PAGE = 960  # the width that is aimed at
TOP, PADDING, GAP = 90, 14, 24
SPARE = (0, 200, 400, 800, 1600)  # by how much blocks beside the network may reach further down than it: what makes the page shortest is taken
HEAD = 58  # the heading of an opened block


@dataclass(frozen=True)
class Frame:
    """A layout on the page: its place and size, where the layout begins inside, and the block that it opens; None for the network itself."""

    x: float
    y: float
    width: float
    height: float
    layout: Layout
    inside: tuple[float, float] = (0, 0)
    block: Block | None = None
    subtitle: str = ""


def arrange_page(column: Layout, opened: list[tuple[Block, Layout]], least: float) -> list[Frame]:
    """The network's frame and those of the blocks; the page is at least `least` wide, and wider than PAGE only for a wider block."""
    network = Frame(0, TOP, column.width, column.height, column)
    blocks = [_frame(block, layout) for block, layout in opened]
    pages = [_page(network, blocks, max(PAGE, least), spare) for spare in SPARE]
    return min(pages, key=_bottom)


def _page(network: Frame, blocks: list[Frame], right: float, spare: float) -> list[Frame]:
    """The blocks beside the network, as far as there is room, if they may reach further down than it by so much; the others below."""
    left, lowest = network.width + 2 * GAP, TOP + network.height + spare
    beside: list[Frame] = []
    below: list[Frame] = []
    for block in blocks:
        last = _rows([*beside, block], left, TOP, right)[-1]
        (beside if last.x + last.width <= right and last.y + last.height <= lowest else below).append(block)
    frames = [network, *_rows(beside, left, TOP, right)]
    return frames + _rows(below, 0, _bottom(frames) + GAP, right)


def _bottom(frames: list[Frame]) -> float:
    return max(frame.y + frame.height for frame in frames)


def _frame(block: Block, layout: Layout) -> Frame:
    count, path = len({call.path for call in block.calls}), block.calls[0].path
    others = "alike" if block.alike else "others differ in numbers"
    subtitle = path if count == 1 else f"{path}, first of {count}; {others}"
    width = max(layout.width + 2 * PADDING, text_width(subtitle, 10.5) + 24, text_width(block.name, 13) + 60)
    return Frame(0, 0, width, HEAD + layout.height + PADDING, layout, ((width - layout.width) / 2, HEAD), block, subtitle)


def _rows(frames: list[Frame], left: float, top: float, right: float) -> list[Frame]:
    """Side by side from left to right, and on in a new row where the page ends."""
    placed: list[Frame] = []
    x, y, bottom = left, top, top
    for frame in frames:
        if x > left and x + frame.width > right:
            x, y = left, bottom + GAP
        placed.append(Frame(x, y, frame.width, frame.height, frame.layout, frame.inside, frame.block, frame.subtitle))
        x, bottom = x + frame.width + GAP, max(bottom, y + frame.height)
    return placed
