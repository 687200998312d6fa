"""Which thread of a GPU reads which numbers: in the naive convolution, and in the product of matrices that goes by tiles."""

from types import SimpleNamespace

from minicnn.draw import svg
from pictures.cells import Grid
from pictures.cuda_source import Kernel
from pictures.page import picture
from pictures.steps import Steps

SHAPE = SimpleNamespace(N=1, H=5, W=5, C=1, P=3, Q=3, O=4, kh=3, kw=3, sh=1, sw=1, top=0, left=0, dh=1, dw=1, groups=1)
WARP = range(4, 8)  # the threads that are shown
TILE = 4  # rows and columns of a tile and of its block of threads; the kernel's has 32
THREAD = (1, 2)  # its row and column in the block
STEPS = 3  # tiles along the sum
COLOURS = ("hot", "cold", "three", "four")
STYLE = """
.picture-threads { --m-three: #3f9d5c; --m-four: #9a6fd0 }
@media (prefers-color-scheme: dark) { .picture-threads { --m-three: #3a8f55; --m-four: #8a63bd } }
.picture-threads .three { fill: var(--m-three) } .picture-threads .four { fill: var(--m-four) }
.picture-threads rect.one { fill-opacity: .75 } .picture-threads rect.read { fill: var(--m-hot); fill-opacity: .3 }
.picture-threads rect.brought { fill: var(--m-hot); fill-opacity: .85 }
"""


def draw() -> str:
    """threads.svg."""
    naive_steps, tiled_steps = Steps("threads", 9, seconds=1.2, still=4), Steps("threads-tiled", STEPS, seconds=3.6, still=1)
    parts = [*naive(naive_steps), svg.group(tiled(tiled_steps), y=262)]
    label = "In the naive convolution, threads read one pixel together and a weight each, far apart. In the tiled product each thread brings one number of each tile and reads a row and a column"
    style = STYLE + naive_steps.style() + tiled_steps.style().replace(".picture-threads-tiled", ".picture-threads")
    return picture("threads", 412, 658, parts, label, style)


def naive(steps: Steps) -> list[str]:
    """Rung 1 of the ladder: four threads of a warp, tap after tap."""
    kernel = Kernel("conv_ladder.cu", "naive_forward")
    first = kernel.constants(t=WARP[0], s=SHAPE)
    image, weights = Grid(14, 66, 5, 5, 20), Grid(152, 66, 4, 9, 20)
    result = Grid(152, 178, 3, 4, 26)
    parts = [
        svg.text(14, 20, "1  naive: a thread for each result", "said bold left"), image.title("x"), weights.title("w: a filter in each row", "code"),
        svg.text(14, 194, "y, a row for each", "said left"), svg.text(14, 212, "pixel; its thread is", "said left"), svg.text(14, 230, "written in each cell", "said left"),
        image.draw(), weights.draw("conv"), result.draw("pool"), image.part(first["p"], first["q"], 3, 3, "outline"),
    ]  # fmt: skip
    for t in WARP:
        at = kernel.constants(t=t, s=SHAPE)
        assert (at["p"], at["q"]) == (first["p"], first["q"])
        parts.append(result.part(at["q"], at["o"], kind=f"{COLOURS[t - WARP[0]]} one"))
    parts += [result.number(q, o, str(4 * q + o)) for q in range(3) for o in range(4)]
    for i in range(3):
        for j in range(3):
            read = [kernel.constants(t=t, s=SHAPE, i=i, j=j) for t in WARP]
            pixel = {(at["r"], at["column"]) for at in read}
            assert len(pixel) == 1
            taps = [divmod(kernel.address("w", s=SHAPE, c=0, i=i, j=j, o=at["o"]), 9) for at in read]
            marks = [image.part(*pixel.pop(), kind="hot one")] + [weights.part(*tap, kind=f"{colour} one") for tap, colour in zip(taps, COLOURS, strict=True)]
            parts.append(steps.only(3 * i + j, marks))
    parts += [
        svg.text(274, 196, "One pixel for all,", "said left"), svg.text(274, 213, "and weights that lie", "said left"), svg.text(274, 230, "K = 9 numbers apart", "said left"),
    ]  # fmt: skip
    return parts


def tiled(steps: Steps) -> list[str]:
    """Rung 3: a block of threads, tile after tile along the sum."""
    kernel = Kernel("conv_ladder_product.cu", "product_tiled")
    ty, tx = THREAD
    a, b, c = Grid(14, 290, TILE, STEPS * TILE, 20), Grid(274, 30, STEPS * TILE, TILE, 20), Grid(274, 290, TILE, TILE, 20)
    product = SimpleNamespace(I=TILE, J=TILE, L=STEPS * TILE, a_i=STEPS * TILE, a_l=1, b_l=TILE)
    known = {"p": product, "tx": tx, "ty": ty, "i0": 0, "j0": 0, "TILE": TILE}
    of = kernel.constants(**known)
    parts = [
        svg.text(14, 20, "3  tiled: tiles in shared memory", "said bold left"),
        *(svg.text(14, 54 + 19 * k, line, "said left") for k, line in enumerate(WORDS)),
        svg.text(14, 280, "cols", "code left"), svg.text(364, 44, "wᵀ", "code left"), svg.text(364, 304, "y", "code left"),
        a.draw(), b.draw("conv"), c.draw("pool"), c.part(ty, tx, kind="brought"),
    ]  # fmt: skip
    left, right = [], []
    for step in range(STEPS):
        l0 = step * TILE
        left.append(divmod(kernel.address("a", **known, l0=l0, row=of["row"], step=of["step"]), product.a_i))
        right.append(divmod(kernel.address("b", **known, l0=l0), product.b_l))
    assert all((r, c - TILE * k) == left[0] for k, (r, c) in enumerate(left)), "the tile of a moves along its row"
    assert all((r - TILE * k, c) == right[0] for k, (r, c) in enumerate(right)), "the tile of b moves down its column"
    parts += [
        steps.moving("left", [(TILE * 20 * k, 0) for k in range(STEPS)], [a.part(0, 0, TILE, TILE, "mark"), a.part(ty, 0, 1, TILE, "read"), a.part(*left[0], kind="brought")]),
        steps.moving("right", [(0, TILE * 20 * k) for k in range(STEPS)], [b.part(0, 0, TILE, TILE, "mark"), b.part(0, tx, TILE, 1, "read"), b.part(*right[0], kind="brought")]),
        svg.text(14, 386, "The kernel's tiles have 32 rows and 32 columns.", "small left"),
    ]  # fmt: skip
    return parts


WORDS = [
    f"A block of {TILE}x{TILE} threads computes",
    f"{TILE}x{TILE} results. Thread ({THREAD[0]}, {THREAD[1]}) brings",
    "the two strong numbers into",
    "shared memory, waits for all,",
    f"then reads row {THREAD[0]} of one tile and",
    f"column {THREAD[1]} of the other. Then the",
    "next tiles come.",
    "",
    "What comes from memory is",
    f"used {TILE} times.",
]
