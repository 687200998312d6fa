"""The roofline of a machine as SVG: what its processor and its memory allow, and where the operations of a step stand.

Left, operations with multiply-adds: multiply-adds per byte against multiply-adds per second, both by their logarithms. No point can be above the two lines
unless it does less arithmetic than its definition says, or finds its numbers in a cache. Right, operations without any: bytes per second.
"""

import html
import math
from collections.abc import Iterable, Sequence

from minicnn.bench.layers import Limits, Part

WIDTH, HEIGHT = 940, 530
LEFT, RIGHT, TOP, BOTTOM = 64, 590, 56, 410  # of the roofline
STRIP, END = 760, 910  # of the strip: its names stand left of it
NUMBERED, ROWS = 8, 9  # of the longest operations; of the strip
CHARACTER, LINE = 7.0, 13  # about as wide and high is a letter of 11 pixels

STYLE = """
  svg { background: #ffffff } text { font: 11px system-ui, sans-serif; fill: #1d2430 }
  .title { font-weight: 600; font-size: 13px } .middle { text-anchor: middle } .end { text-anchor: end }
  .grid { stroke: #dde2ea; stroke-width: 1 } .limit { stroke: #1d2430; stroke-width: 2; fill: none }
  .leader { stroke: #8a94a8; stroke-width: 1 } circle { stroke: #ffffff; stroke-width: 0.8; fill-opacity: 0.85 }
  .forward { fill: #2f6fce } .backward { fill: #d9662b } .optimizer { fill: #6b7a90 }
  @media (prefers-color-scheme: dark) {
    svg { background: #14181f } text { fill: #e8ecf4 } .grid { stroke: #2b3342 } .limit { stroke: #e8ecf4 }
    circle { stroke: #14181f } .forward { fill: #6aa3f5 } .backward { fill: #f0935f } .optimizer { fill: #a9b4c8 }
  }
"""

Box = tuple[float, float, float, float]  # left, top, right, bottom


class Scale:
    """The logarithm of a number as a place in the picture; `marks` are 1, 2 or 5 times powers of ten, from below all `values` to above."""

    def __init__(self, values: Iterable[float], start: float, stop: float) -> None:
        found = list(values)
        steps = [round(digit * 10.0**k, 9) for k in range(-6, 9) for digit in (1, 2, 5)]
        low, high = max(step for step in steps if step < min(found)), min(step for step in steps if step > max(found))
        self.marks = [step for step in steps if low <= step <= high]
        self.start, self.stop = start, stop

    def __call__(self, value: float) -> float:
        low, high = self.marks[0], self.marks[-1]
        return self.start + math.log(value / low) / math.log(high / low) * (self.stop - self.start)


def draw(parts: Sequence[Part], limits: Limits, title: str) -> str:
    """The whole picture.

    Args:
        parts: kinds of operations, the longest first.
        limits: of the machine.
        title: stands above.
    """
    counted = [part for part in parts if part.macs and part.bytes]
    others = [part for part in parts if not part.macs and part.bytes]
    body = [_text(LEFT, 20, title, "title"), *_legend(), *_roofline(counted, limits), *_strip(others, limits)]
    lines = "\n".join(body)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
    return f"{head}\n<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n{lines}\n</svg>\n"


def _legend() -> list[str]:
    marks = [f'<circle class="{phase}" cx="{LEFT + 6 + 90 * k}" cy="36" r="5" />' for k, phase in enumerate(("forward", "backward"))]
    marks += [_text(LEFT + 16 + 90 * k, 40, phase) for k, phase in enumerate(("forward", "backward"))]
    return [*marks, _text(LEFT + 190, 40, "the larger a point, the more time of the step")]


def _roofline(parts: Sequence[Part], limits: Limits) -> list[str]:
    ridge, top = limits.macs / limits.bytes, limits.macs / 1e9
    x = Scale([ridge / 10, ridge * 3, *(part.macs / part.bytes for part in parts)], LEFT, RIGHT)
    y = Scale([top / 10, top * 1.5, *(part.macs / part.seconds / 1e9 for part in parts)], BOTTOM, TOP)
    lines = _grid(x, y)
    floor = max(x.marks[0], y.marks[0] * 1e9 / limits.bytes)  # where the memory's line comes into the picture
    corner, end = (x(ridge), y(top)), y(floor * limits.bytes / 1e9)
    lines.append(f'<path class="limit" d="M{x(floor):.1f},{end:.1f} L{corner[0]:.1f},{corner[1]:.1f} L{RIGHT},{corner[1]:.1f}" />')
    longest = max((part.seconds for part in parts), default=1.0)
    points = [(x(part.macs / part.bytes), y(part.macs / part.seconds / 1e9), 3 + 7 * math.sqrt(part.seconds / longest), part) for part in parts]
    for px, py, r, part in points:
        told = f"{part.op} {part.phase} {_by(part.input)} {_by(part.window)}: {1e3 * part.seconds:.2f} ms, {part.macs / part.seconds / 1e9:.1f} GMAC/s"
        lines.append(f'<circle class="{part.phase}" cx="{px:.1f}" cy="{py:.1f}" r="{r:.1f}"><title>{html.escape(told)}</title></circle>')
    taken = [(px - r, py - r, px + r, py + r) for px, py, r, _ in points]
    product, memory = f"a large matrix product: {top:.0f} GMAC/s", f"a copy: {limits.bytes / 1e9:.1f} GB/s"
    slope = [(x(v), y(v * limits.bytes / 1e9)) for v in _between(floor, ridge, 40)]
    taken += [(px - 2, py - 2, px + 2, py + 2) for px, py in slope]
    taken.append((corner[0], corner[1] - 2, RIGHT, corner[1] + 2))
    for text, (px, py) in ((product, ((corner[0] + RIGHT) / 2, corner[1])), (memory, slope[len(slope) // 2])):
        lines += _label(text, px, py, 4, taken)
    for k, (px, py, r, part) in enumerate(points[:NUMBERED]):
        lines += _label(str(k + 1), px, py, r, taken)
        column, row = divmod(k, NUMBERED // 2)
        lines.append(_text(LEFT + column * 310, BOTTOM + 66 + row * 16, f"{k + 1}   {_name(part)}, {part.phase}: {1e3 * part.seconds:.1f} ms"))
    return lines


def _grid(x: Scale, y: Scale) -> list[str]:
    lines = [f'<line class="grid" x1="{x(v):.1f}" y1="{TOP}" x2="{x(v):.1f}" y2="{BOTTOM}" />' for v in x.marks]
    lines += [f'<line class="grid" x1="{LEFT}" y1="{y(v):.1f}" x2="{RIGHT}" y2="{y(v):.1f}" />' for v in y.marks]
    lines += [_text(x(v), BOTTOM + 18, f"{v:g}", "middle") for v in x.marks]
    lines += [_text(LEFT - 8, y(v) + 4, f"{v:g}", "end") for v in y.marks]
    lines.append(_text((LEFT + RIGHT) / 2, BOTTOM + 40, "multiply-adds per byte", "middle"))
    middle = (TOP + BOTTOM) / 2
    lines.append(f'<text class="middle" transform="translate(18 {middle}) rotate(-90)">GMAC/s</text>')
    return lines


def _strip(parts: Sequence[Part], limits: Limits) -> list[str]:
    """A row for each operation and phase, with its mean bytes per second; and the limit of the memory."""
    times: dict[tuple[str, str], tuple[float, float]] = {}
    for part in parts:
        seconds, size = times.get((part.op, part.phase), (0.0, 0.0))
        times[part.op, part.phase] = seconds + part.seconds, size + part.bytes
    rows = sorted(times.items(), key=lambda item: -item[1][0])[:ROWS]
    top = limits.bytes / 1e9
    rates = [max(size / seconds / 1e9, top / 60) for _, (seconds, size) in rows]  # what is slower still stands at the edge
    x = Scale([top / 9, top * 1.5, *rates], STRIP, END)
    lines = [_text(STRIP - 10, TOP - 8, "without multiply-adds", "end"), _text(x(top), TOP - 8, "a copy", "middle")]
    lines += [f'<line class="grid" x1="{x(v):.1f}" y1="{TOP}" x2="{x(v):.1f}" y2="{BOTTOM}" />' for v in x.marks]
    lines += [_text(x(v), BOTTOM + 18, f"{v:g}", "middle") for v in x.marks]
    lines.append(f'<line class="limit" x1="{x(top):.1f}" y1="{TOP}" x2="{x(top):.1f}" y2="{BOTTOM}" />')
    lines.append(_text((STRIP + END) / 2, BOTTOM + 40, "GB/s", "middle"))
    longest = max((seconds for _, (seconds, _) in rows), default=1.0)
    for k, (((op, phase), (seconds, size)), rate) in enumerate(zip(rows, rates, strict=True)):
        y = TOP + (k + 0.5) * (BOTTOM - TOP) / ROWS
        lines.append(_text(STRIP - 10, y + 4, f"{op}, {phase}", "end"))
        r = 3 + 5 * math.sqrt(seconds / longest)
        told = f"{op} {phase}: {1e3 * seconds:.2f} ms, {size / seconds / 1e9:.1f} GB/s"
        lines.append(f'<circle class="{phase}" cx="{x(rate):.1f}" cy="{y:.1f}" r="{r:.1f}"><title>{html.escape(told)}</title></circle>')
    return lines


def _label(text: str, px: float, py: float, r: float, taken: list[Box]) -> list[str]:
    """A text near a point, where nothing else is, with a line to the point if it is not beside it; nothing if there is no room."""
    w = CHARACTER * len(text)
    for distance in range(5, 200, 6):
        for angle in (-45, 45, -135, 135, 0, 180, -90, 90, -20, 20, -160, 160):
            dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            cx, cy = px + (r + distance) * dx + w / 2 * dx, py + (r + distance) * dy + LINE / 2 * dy
            box = (cx - w / 2, cy - LINE / 2, cx + w / 2, cy + LINE / 2)
            if box[0] < LEFT + 2 or box[2] > RIGHT - 2 or box[1] < TOP + 2 or box[3] > BOTTOM - 2 or any(_overlap(box, other) for other in taken):
                continue
            taken.append(box)
            leader = distance > 12
            near = min(max(px, box[0]), box[2]), min(max(py, box[1]), box[3])
            line = [f'<line class="leader" x1="{px:.1f}" y1="{py:.1f}" x2="{near[0]:.1f}" y2="{near[1]:.1f}" />'] if leader else []
            return [*line, _text(cx, cy + 4, text, "middle")]
    return []


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _between(low: float, high: float, count: int) -> list[float]:
    """So many numbers between two, their logarithms equally far apart."""
    return [low * (high / low) ** ((k + 0.5) / count) for k in range(count)]


def _name(part: Part) -> str:
    """Short, for a picture: "3×3, 64 → 128, 28×28" for the filters, the channels and the images of a convolution."""
    if len(part.window) == 4:
        O, _, kh, kw = part.window
        return f"{kh}×{kw}, {part.input[1]} → {O}, {part.input[2]}×{part.input[3]}"
    return f"{part.op} {_by(part.input)}"


def _by(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text{f" class={chr(34)}{kind}{chr(34)}" if kind else ""} x="{x:.1f}" y="{y:.1f}">{html.escape(text)}</text>'
