"""Two ideas that networks are built from: small windows in a row, and the shortcut."""

from minicnn import models, nn, use_backend
from minicnn.analysis.receptive_field import ReceptiveField
from minicnn.draw import svg
from pictures.page import picture

CELLS, SIDE, SLANT, RISE = 9, 19.0, 8.0, 8.0  # planes of 9x9 cells; each row is moved to the left, and is so high
BETWEEN = 92.0
PLANES = """
.picture-receptive_field path.plane { fill: var(--m-plain) } .picture-receptive_field path.seen { fill: var(--m-hot); fill-opacity: .3 }
.picture-receptive_field path.window { fill: var(--m-hot); fill-opacity: .35; stroke: var(--m-hot); stroke-width: 1.8; stroke-linejoin: round }
.picture-receptive_field path.beam { stroke: var(--m-hot); stroke-width: 1; stroke-opacity: .7 }
"""
SHORTCUT = """
.picture-residual path.short { stroke: var(--m-cold); stroke-width: 2.6 } 
.picture-residual path.head { fill: var(--m-cold); stroke: none } .picture-residual circle { stroke: var(--m-line) } .picture-residual text.blue { fill: var(--m-strong) }
"""


def draw_receptive_field() -> str:
    """receptive_field.svg: from one number at the top down to the pixels it has seen."""
    fields = [ReceptiveField((1, 1))]
    for _ in range(3):
        fields.append(fields[-1].after((3, 3), (1, 1), (1, 1, 1, 1)))
    sizes = [field.size[0] for field in fields]
    parts = []
    for k in reversed(range(len(sizes))):
        parts += plane(k, sizes[k])
        if k + 1 < len(sizes):
            parts.append(beams(k, sizes[k], sizes[k + 1]))
    for k, size in enumerate(sizes):
        name = "x" if k == 3 else f"layer {3 - k}"
        y = 30 + BETWEEN * k + CELLS * RISE / 2
        parts += [svg.text(284, y - 4, name, "said bold left"), svg.text(284, y + 13, f"{size} x {size}" if k else "one number", "said left")]
    C2 = 3 * 3 * 3
    parts.append(svg.text(14, 414, f"Three layers of 3x3: 3 · 9 C² = {C2} C² weights.", "said left"))
    parts.append(svg.text(14, 432, f"One layer of {sizes[-1]}x{sizes[-1]}: {sizes[-1] ** 2} C² weights, and fewer ReLUs.", "said left"))
    label = f"A number in the third layer of 3x3 windows sees 3x3 numbers of the second, 5x5 of the first and {sizes[-1]}x{sizes[-1]} pixels"
    return picture("receptive_field", 412, 444, parts, label, PLANES)


def corner(k: int, r: float, c: float) -> str:
    """Where row r and column c of plane k meet."""
    return f"{14 + CELLS * SLANT + c * SIDE - r * SLANT:g},{30 + BETWEEN * k + r * RISE:g}"


def region(k: int, size: float, kind: str) -> str:
    """size x size cells in the middle of plane k."""
    a, b = (CELLS - size) / 2, (CELLS + size) / 2
    return svg.path(f"M{corner(k, a, a)}L{corner(k, a, b)}L{corner(k, b, b)}L{corner(k, b, a)}Z", kind=kind)


def plane(k: int, size: int) -> list[str]:
    """A plane of cells with what is seen of it."""
    lines = "".join(f"M{corner(k, i, 0)}L{corner(k, i, CELLS)}M{corner(k, 0, i)}L{corner(k, CELLS, i)}" for i in range(1, CELLS))
    return [region(k, CELLS, "plane"), svg.path(lines, kind="grid"), region(k, size, "window")]


def beams(k: int, size: int, below: int) -> str:
    """From the corners of what is seen in one plane to those in the plane below."""
    a, b, c, d = (CELLS - size) / 2, (CELLS + size) / 2, (CELLS - below) / 2, (CELLS + below) / 2
    ends = [(a, a, c, c), (a, b, c, d), (b, a, d, c), (b, b, d, d)]
    return svg.path("".join(f"M{corner(k, p, q)}L{corner(k + 1, r, s)}" for p, q, r, s in ends), kind="beam")


BACK = ("The way back", "A sum hands its gradient", "to both sides. So x gets", "all of it by the shortcut,", "and more through F.")


def draw_residual() -> str:
    """residual.svg: the basic block of ResNet."""
    with use_backend("meta"):
        block = models.ResNet18().layer1[0]
    layers = [block.conv1, block.bn1, nn.ReLU(), block.conv2, block.bn2]
    middle, top, step = 104.0, 54.0, 46.0
    end = top + step * len(layers)
    parts = [svg.text(middle, 22, "x", "big"), svg.path(f"M{middle:g},30V{top - 3:g}", tip=True)]
    for k, layer in enumerate(layers):
        y = top + step * k
        parts += [svg.rect(middle - 76, y, 152, 28, kind(layer)), svg.text(middle, y + 18.5, words(layer), "code"), svg.path(f"M{middle:g},{y + 28:g}V{y + step - 3:g}", tip=True)]
    parts += [
        svg.path(f"M{middle:g},40H186q18,0 18,18V{end - 5:g}q0,18 -18,18H{middle + 24:g}", kind="short"), svg.path(f"M{middle + 15:g},{end + 13:g}l11,-6v12Z", kind="head"), svg.text(214, (40 + end) / 2, "x", "big left blue"), svg.text(214, (40 + end) / 2 + 18, "the shortcut", "said left"),
        f'<circle class="join" cx="{middle:g}" cy="{end + 13:g}" r="13"/>', svg.text(middle, end + 18.5, "+", "big"),
        svg.path(f"M{middle:g},{end + 26:g}V{end + 41:g}", tip=True), svg.rect(middle - 76, end + 44, 152, 28, "act"), svg.text(middle, end + 62.5, "ReLU", "code"),
        svg.path(f"M{middle:g},{end + 72:g}V{end + 92:g}", tip=True), svg.text(middle, end + 110, "y = relu(F(x) + x)", "said bold"),
        svg.text(20, top - 12, "F", "big left"), svg.rect(16, top - 8, 176, end - top - 2, "frame"),
        *(svg.text(232, end + 2 + 19 * k, line, "said left" + (" bold" if k == 0 else "")) for k, line in enumerate(BACK)),
    ]  # fmt: skip
    label = "A residual block: two convolutions compute F(x), a shortcut brings x past them, and the sum of both goes on"
    return picture("residual", 412, end + 126, parts, label, SHORTCUT)


def kind(layer: nn.Module) -> str:
    """The colour of a layer."""
    return {nn.Conv2d: "conv", nn.BatchNorm2d: "norm", nn.ReLU: "act"}[type(layer)]


def words(layer: nn.Module) -> str:
    """A layer in a few letters."""
    if isinstance(layer, nn.Conv2d):
        return f"Conv2d 3x3, {layer.out_channels}"
    return type(layer).__name__
