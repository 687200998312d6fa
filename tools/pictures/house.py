"""minicnn at a glance: a house, with the networks of the lecture under its roof and the four kernels on its ground floor."""

import numpy as np

from minicnn import models
from minicnn.draw import svg
from pictures.page import picture

LEFT, RIGHT, MIDDLE = 24.0, 456.0, 240.0  # of the walls, in a picture 480 wide
EAVES, FLOOR, GROUND = 132.0, 56.0, 300.0  # where the roof ends, how high a floor is, where the ground floor begins
END = 456.0
FLOORS = [
    ("nn", "layers with parameters", "Conv2d, BatchNorm2d, Linear, …"),
    ("ops", "what can be differentiated", "conv2d, max_pool2d, batch_norm, …"),
    ("autograd", "Tensor, Function", "who made what, and the way back"),
]
ROOMS = [
    ("loops", "the definition"),
    ("array", "matrices"),
    ("cpu", "vectors, threads"),
    ("cuda", "CUDA C++"),
]

STYLE = """
.picture-house .way { stroke-width: 3; stroke: var(--m-cold); stroke-linecap: round } .picture-house path.back { stroke: var(--m-hot) }
.picture-house path.head { fill: var(--m-cold); stroke: none } .picture-house path.back.head { fill: var(--m-hot) }
.picture-house text.forth { fill: var(--m-strong) } .picture-house text.back { fill: var(--m-warm) }
.picture-house path.roof { fill: var(--m-linear); stroke-linejoin: round }
.picture-house text.title { font-size: 14px; font-weight: 600 } .picture-house text.tiny { font-size: 10.5px }
.picture-house { --m-warm: #b25a0c } @media (prefers-color-scheme: dark) { .picture-house { --m-warm: #f0a35c } }
body[data-theme="light"] .picture-house { --m-warm: #b25a0c } body[data-theme="dark"] .picture-house { --m-warm: #f0a35c }
"""


def draw() -> str:
    """house.svg."""
    parts = [*roof(), *floors(), *ground_floor(), *stairs()]
    label = (
        "minicnn as a house: networks under the roof, then layers, operations and autograd; on the ground floor four kernels of each operation: "
        "loops, array, cpu, cuda. A call goes down on the left, loss.backward() goes down on the right"
    )
    return picture("house", 480, END + 40, parts, label, STYLE)


def roof() -> list[str]:
    """The networks."""
    count = len(models.list_models())
    return [
        svg.path(f"M{LEFT - 16:g},{EAVES:g}L{MIDDLE:g},12L{RIGHT + 16:g},{EAVES:g}Z", kind="roof"),
        svg.text(MIDDLE, 62, "models", "title"),
        svg.text(MIDDLE, 82, f"{count} networks", "said"),
        svg.text(MIDDLE, 102, "LeNet-5 · AlexNet · VGG", "said"),
        svg.text(MIDDLE, 121, "GoogLeNet · ResNet · EfficientNet", "said"),
    ]


def floors() -> list[str]:
    """Between roof and kernels."""
    parts = []
    for k, (name, first, second) in enumerate(FLOORS):
        y = EAVES + k * FLOOR
        parts += [
            svg.rect(LEFT, y, RIGHT - LEFT, FLOOR, "plain", round=0),
            svg.text(76, y + 33, name, "title left"),
            svg.text(164, y + 24, first, "said left"),
            svg.text(164, y + 42, second, "said faint left"),
        ]
    return parts


def ground_floor() -> list[str]:
    """The kernels, a room for each folder, with a picture of how it computes."""
    width = (RIGHT - LEFT) / 4
    parts = [
        svg.rect(LEFT, GROUND, RIGHT - LEFT, END - GROUND, "plain", round=0),
        svg.text(76, GROUND + 26, "kernels", "title left"),
        svg.text(150, GROUND + 26, "conv2d_forward", "code left forth"),
        svg.text(RIGHT - 36, GROUND + 26, "conv2d_backward", "code right back"),
    ]
    for k, ((name, words), drawing) in enumerate(zip(ROOMS, (loops(), array(), cpu(), cuda()), strict=True)):
        x = LEFT + k * width
        inside = [svg.rect(8, 0, width - 16, 94, "conv"), *drawing, svg.text(width / 2, 70, name, "code bold"), svg.text(width / 2, 86, words, "tiny")]
        parts.append(svg.group(inside, x=x, y=END - 106))
    parts.append(svg.path(f"M{LEFT - 16:g},{END:g}H{RIGHT + 16:g}", kind="ground"))
    parts.append(svg.text(MIDDLE, END + 22, "Each kernel is there four times, with one signature; every gradient is checked.", "small"))
    return parts


def loops() -> list[str]:
    """Loops in loops."""
    return [svg.path(f"M{22 + 9 * k},{14 + 9 * k}H{86 - 4 * k}") for k in range(4)] + [svg.path("M18,10V50M27,19V50M36,28V50M45,37V50")]


def array() -> list[str]:
    """A matrix times a matrix."""
    cells = [(24 + 9 * c, 28 + 9 * r, "pool") for r, c in np.ndindex(2, 3)] + [(56 + 9 * c, 14 + 9 * r, "data") for r, c in np.ndindex(4, 3)]
    return [svg.rect(x, y, 9, 9, kind, round=0) for x, y, kind in cells]


def cpu() -> list[str]:
    """Vectors of eight numbers, one for each thread."""
    return [svg.rect(24 + 7.5 * c, 12 + 11 * r, 7.5, 7, "pool" if r % 2 else "data", round=0) for r, c in np.ndindex(4, 8)]


def cuda() -> list[str]:
    """Many threads."""
    return [svg.rect(24 + 6 * c, 12 + 6 * r, 4, 4, "hot bare", round=1) for r, c in np.ndindex(7, 10)]


def stairs() -> list[str]:
    """The two ways down: a call, and loss.backward()."""
    down, door = EAVES - 12, EAVES + 2.5 * FLOOR
    left, right = LEFT + 24, RIGHT - 24
    return [
        svg.path(f"M{left:g},{down:g}V{GROUND + 34:g}", kind="way"), svg.path(f"M{left - 6:g},{GROUND + 32:g}h12l-6,11Z", kind="head"),
        svg.path(f"M{RIGHT + 18:g},{door:g}H{right + 8:g}q-8,0 -8,8V{GROUND + 34:g}", kind="way back"), svg.path(f"M{right - 6:g},{GROUND + 32:g}h12l-6,11Z", kind="back head"),
        svg.text(left + 10, EAVES - 7, "net(x)", "code left forth"), svg.text(right - 12, door - 4, "loss.backward()", "code right back"),
    ]  # fmt: skip
