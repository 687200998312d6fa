"""Which numbers share a mean: batch, layer, instance and group normalisation, each as a block of N x C x HW cells."""

from collections.abc import Iterator

import numpy as np

from minicnn import Tensor, nn, use_backend
from minicnn.draw import svg
from pictures.page import picture

N, C, HW = 4, 6, 4
ONE = (0, 2, 0)  # image, channel and pixel of the number that is asked
SIDE, DEEP = 19.0, 11.0  # of a cell, and how far the next image is to the right and above
NORMS = [
    ("BatchNorm2d", "over N, H, W", nn.BatchNorm2d(C)),
    ("LayerNorm", "over C, H, W", nn.LayerNorm((C, 2, 2))),
    ("InstanceNorm2d", "over H, W", nn.InstanceNorm2d(C)),
    ("GroupNorm(3, …)", "over two channels, H, W", nn.GroupNorm(3, C)),
]
STYLE = """
.picture-batch_norm_axes path.face { fill: var(--m-data); stroke-width: .8; stroke-linejoin: round }
.picture-batch_norm_axes path.share { fill: var(--m-hot); stroke-width: .8; stroke-linejoin: round }
.picture-batch_norm_axes path.top { fill-opacity: .8 } .picture-batch_norm_axes path.side { fill-opacity: .65 }
"""


def draw() -> str:
    """batch_norm_axes.svg."""
    parts = []
    for k, (name, axes, norm) in enumerate(NORMS):
        shared = sharing(norm)
        size = int(shared.sum())
        words = f"{shared.size // size} means of {size} numbers"
        parts.append(svg.group(block(name, axes, words, shared), x=40 + 200 * (k % 2), y=34 + 218 * (k // 2)))
    label = "A block of N images, C channels and HW pixels, four times; marked are the numbers that share a mean in batch, layer, instance and group normalisation"
    return picture("batch_norm_axes", 412, 426, parts, label, STYLE)


def sharing(norm: nn.Module) -> np.ndarray:
    """(N, C, HW): which results of a norm depend on one number of its input."""
    x = np.random.default_rng(0).standard_normal((N, C, 2, 2), np.float32)
    moved = x.copy()
    moved.reshape(N, C, HW)[ONE] += 1
    with use_backend("loops"):
        before, after = norm(Tensor(x)).numpy(), norm(Tensor(moved)).numpy()
    return (before != after).reshape(N, C, HW)


def block(name: str, axes: str, words: str, shared: np.ndarray) -> list[str]:
    """A block seen from the front: channels to the right, pixels downwards, images to the back."""
    back = N * DEEP
    parts = [
        faces(front(c, s), "front", shared[0, c, s]) for c in range(C) for s in range(HW)
    ] + [
        faces(top(n, c), "top", shared[n, c, 0]) for n in range(N) for c in range(C)
    ] + [
        faces(side(n, s), "side", shared[n, -1, s]) for n in range(N) for s in range(HW)
    ]  # fmt: skip
    bottom = back + HW * SIDE
    return [
        svg.text(-26, -14, name, "code bold left"), *parts,
        svg.text(C * SIDE / 2, bottom + 15, "C", "code"), svg.text(-15, back + HW * SIDE / 2 + 4, "HW", "code"),
        svg.text(C * SIDE + back / 2 + 10, bottom - back / 2 + 12, "N", "code"),
        svg.text(-26, bottom + 34, f"{axes}:", "said left"), svg.text(-26, bottom + 51, words, "said left faint"),
    ]  # fmt: skip


Points = Iterator[tuple[float, float]]


def front(c: int, s: int) -> Points:
    """The face of channel c and pixel s of the first image."""
    return ((x * SIDE, N * DEEP + y * SIDE) for x, y in ((c, s), (c + 1, s), (c + 1, s + 1), (c, s + 1)))


def top(n: int, c: int) -> Points:
    """The upper face of channel c of image n."""
    return ((x * SIDE + z * DEEP, (N - z) * DEEP) for x, z in ((c, n), (c + 1, n), (c + 1, n + 1), (c, n + 1)))


def side(n: int, s: int) -> Points:
    """The right face of pixel s of image n."""
    return ((C * SIDE + z * DEEP, (N - z) * DEEP + y * SIDE) for z, y in ((n, s), (n + 1, s), (n + 1, s + 1), (n, s + 1)))


def faces(points: Points, where: str, shared: bool) -> str:
    """A quadrilateral."""
    return svg.path("M" + "L".join(f"{x:g},{y:g}" for x, y in points) + "Z", kind=f"{'share' if shared else 'face'} {where}")
