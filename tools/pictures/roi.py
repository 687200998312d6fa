"""RoI align and RoI pooling: what they look at in a box that does not lie on whole pixels."""

import numpy as np

from minicnn.draw import svg
from minicnn.kernels.loops.roi import corners, pixels_of_bin, points_of_bin, roi_align_forward, rounded
from pictures.cells import Grid
from pictures.page import minus, picture

BOX = np.array([0, 1.4, 0.7, 6.4, 4.7])  # image, left, top, right, bottom, in pixels of the feature map
H, W, BINS = 6, 8, 2
SIDE = 23
X = np.array([[2, 4], [3, 8]], float)  # the four pixels of the enlargement
STYLE = """
.picture-roi_align circle.point { fill: var(--m-hot) } .picture-roi_align circle.pixel { fill: var(--m-line) }
.picture-roi_align rect.box { fill: none; stroke: var(--m-hot); stroke-width: 2.2 }
.picture-roi_align path.bins { stroke: var(--m-hot); stroke-width: 1.2 } .picture-roi_align rect.given { fill: none; stroke: var(--m-hot); stroke-width: 1.4; stroke-dasharray: 4 3 }
"""


def draw() -> str:
    """roi_align.svg."""
    parts = [*align(Grid(14, 50, H, W, SIDE)), *pooling(Grid(214, 50, H, W, SIDE)), *enlarged(Grid(14, 262, 2, 2, 62))]
    label = "A box on a feature map: RoI align looks at points in its bins and rounds nothing, RoI pooling rounds the box and its bins to whole pixels"
    return picture("roi_align", 412, 404, parts, label, STYLE)


def align(features: Grid) -> list[str]:
    """The box as it is, its bins, and two by two points in each."""
    left, top, width, height = frame(features)
    points = [point for p, q in np.ndindex(BINS, BINS) for point in points_of_bin(p, q, (BINS, BINS), BOX, 1.0, 2, True)]
    return [
        svg.text(features.x, 20, "RoI align", "said bold left"), svg.text(features.x, 38, "nothing is rounded", "said left faint"),
        features.draw(), svg.rect(left, top, width, height, "box", round=1),
        svg.path(f"M{left + width / 2:g},{top:g}v{height:g}M{left:g},{top + height / 2:g}h{width:g}", kind="bins"),
        *(dot(*features.centre(v, u), 3.2, "point") for v, u in points),
        svg.text(features.x, 206, "a bin: the mean of its points", "said left"),
    ]  # fmt: skip


def pooling(features: Grid) -> list[str]:
    """The box rounded to whole pixels, and the bins, which may share a row."""
    first_column, first_row, last_column, last_row = (rounded(v) for v in BOX[1:].tolist())
    rows = [pixels_of_bin(p, first_row, last_row, BINS, H) for p in range(BINS)]
    columns = [pixels_of_bin(q, first_column, last_column, BINS, W) for q in range(BINS)]
    bins = [
        features.part(rows[p][0] + 0.06, columns[q][0] + 0.06, len(rows[p]) - 0.12, len(columns[q]) - 0.12, "mark" if (p + q) % 2 == 0 else "other")
        for p, q in np.ndindex(BINS, BINS)
    ]
    return [
        svg.text(features.x, 20, "RoI pooling", "said bold left"), svg.text(features.x, 38, "box and bins are rounded", "said left faint"),
        features.draw(), *bins, svg.rect(*frame(features), "given", round=1),
        svg.text(features.x, 206, "a bin: its largest pixel", "said left"),
    ]  # fmt: skip


def enlarged(pixels: Grid) -> list[str]:
    """A point between four pixels, with the weight of each, and its value."""
    v, u = next(iter(points_of_bin(0, 0, (BINS, BINS), BOX, 1.0, 2, True)))
    top, left = int(v), int(u)
    weights = {(r - top, s - left): weight for r, s, weight in corners(v, u, H, W)}
    features = np.zeros((1, 1, H, W))
    features[0, 0, top : top + 2, left : left + 2] = X
    at = np.array([[0, u + 0.5 - 1e-3, v + 0.5 - 1e-3, u + 0.5 + 1e-3, v + 0.5 + 1e-3]])
    y, _ = roi_align_forward(features, at, output_size=(1, 1), spatial_scale=1.0, sampling_ratio=1, aligned=True)
    x0, y0 = pixels.centre(v - top, u - left)
    spokes = "".join("M{:g},{:g}L{:g},{:g}".format(x0, y0, *pixels.centre(r, s)) for r, s in weights)
    said = [f"{minus(X[r, s])} · {weight:.4g}" for (r, s), weight in weights.items()]
    return [
        svg.text(14, 244, "A point between four pixels", "said bold left"), pixels.draw(), svg.path(spokes, kind="thin"),
        *(dot(*pixels.centre(r, s), 2.5, "pixel") for r, s in weights), dot(x0, y0, 4.5, "point"),
        *(svg.text(pixels.x + 62 * s + 57, pixels.y + 62 * r + (15 if r == 0 else 56), minus(X[r, s]), "number right") for r, s in weights),
        svg.text(164, 280, "Near centres weigh more:", "said left"),
        svg.text(164, 304, "(1 − |v − r|) · (1 − |u − s|)", "code left"),
        svg.text(164, 334, f"{said[0]} + {said[1]}", "said left"), svg.text(164, 352, f"+ {said[2]} + {said[3]}", "said left"), svg.text(164, 376, f"= {y.item():.4g}", "said bold left"),
    ]  # fmt: skip


def frame(features: Grid) -> tuple[float, float, float, float]:
    """The box in pixels of the picture: left, top, width, height."""
    _, left, top, right, bottom = (BOX * SIDE).tolist()
    return features.x + left, features.y + top, right - left, bottom - top


def dot(x: float, y: float, radius: float, kind: str) -> str:
    """A point."""
    return f'<circle class="{kind}" cx="{x:.4g}" cy="{y:.4g}" r="{radius:g}"/>'
