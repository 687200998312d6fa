"""Winograd's convolution F(4x4, 3x3), as a flow of tiles."""

from minicnn.draw import svg
from pictures.cells import Grid
from pictures.page import picture

M = 4  # rows of a tile of results
TAPS = 3
TILE = M + TAPS - 1
SIDE = 13


def draw() -> str:
    """winograd.svg."""
    pixels, numbers = Grid(14, 66, TILE, TILE, SIDE), Grid(164, 66, TILE, TILE, SIDE)
    filters, weights = Grid(33, 216, TAPS, TAPS, SIDE), Grid(164, 196, TILE, TILE, SIDE)
    sums, result = Grid(316, 131, TILE, TILE, SIDE), Grid(329, 262, M, M, SIDE)
    parts = [
        *stack(pixels, "data"), *stack(numbers, "data"), *stack(filters, "conv"), *stack(weights, "conv"), sums.draw("pool"), result.draw("pool"),
        svg.text(58, 40, f"d ({TILE}, {TILE})", "code"), svg.text(208, 40, f"V ({TILE}, {TILE})", "code"), svg.text(58, 192, f"g ({TAPS}, {TAPS})", "code"), svg.text(208, 291, f"U ({TILE}, {TILE})", "code"),
        svg.text(355, 122, f"M ({TILE}, {TILE})", "code"), svg.text(355, 331, f"y ({M}, {M})", "code"),
        svg.path("M104,105H158", tip=True), svg.text(131, 96, "Bᵀ d B", "said"),
        svg.path("M85,235H158", tip=True), svg.text(124, 226, "G g Gᵀ", "said"),
        svg.path("M254,105Q277,105 277,155", tip=True), svg.path("M254,235Q277,235 277,185", tip=True), svg.path("M289,170H311", tip=True),
        '<circle class="join" cx="277" cy="170" r="11" style="stroke: var(--m-line)"/>', svg.text(277, 174.5, "⊙"),
        svg.text(290, 152, "Σ", "said"), svg.text(300, 156, "c", "small"),
        svg.path("M355,213V256", tip=True), svg.text(362, 238, "Aᵀ M A", "said left"),
        svg.text(14, 20, "Tiles of the image, C channels", "small left"),
        svg.text(14, 268, "Filters: once for all tiles", "small left"),
        *bars(),
    ]  # fmt: skip
    label = f"Tiles of {TILE}x{TILE} pixels and filters of 3x3 are transformed, multiplied number by number, summed over channels, and transformed to {M}x{M} results"
    return picture("winograd", 412, 444, parts, label)


def stack(grid: Grid, kind: str) -> list[str]:
    """A matrix for each channel."""
    behind = (Grid(grid.x + 5 * k, grid.y - 5 * k, grid.rows, grid.columns, SIDE).part(0, 0, grid.rows, grid.columns, kind) for k in (2, 1))
    return [*behind, grid.draw(kind)]


def bars() -> list[str]:
    """How many multiplications there are for a tile, a filter and a channel."""
    direct, winograd = M * M * TAPS * TAPS, TILE * TILE
    unit = 384 / direct
    return [
        svg.text(14, 358, f"Multiplications for {M * M} results, a filter, a channel", "said bold left"),
        svg.rect(14, 370, direct * unit, 22, "data", round=2), svg.text(22, 385.5, f"the sum itself: {M}·{M}·{TAPS}·{TAPS} = {direct}", "said left"),
        svg.rect(14, 400, winograd * unit, 22, "mark", round=2), svg.text(14 + winograd * unit + 8, 415.5, f"number by number: {TILE}·{TILE} = {winograd}", "said left"),
    ]  # fmt: skip
